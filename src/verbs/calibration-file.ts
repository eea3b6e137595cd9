import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";

/** One text of a calibration file, under the name that messages have for it. */
export type CalibrationDocument = { readonly id: string } & (
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "messages"; readonly messages: readonly Message[] }
  | { readonly kind: "tokens"; readonly tokenIds: readonly number[] }
);

interface Message {
  readonly role: string;
  readonly content: string;
}

const message = z.looseObject({ role: z.string(), content: z.string() });
const line = z.union([
  z.looseObject({ text: z.string() }).transform(({ text }) => ({ kind: "text" as const, text })),
  z.looseObject({ messages: z.array(message).min(1) }).transform(({ messages }) => ({
    kind: "messages" as const,
    messages: messages.map(({ role, content }) => ({ role, content })),
  })),
  z
    .looseObject({ input_ids: z.array(z.int().min(0)) })
    .transform(({ input_ids: tokenIds }) => ({ kind: "tokens" as const, tokenIds })),
]);

/** A larger file holds far more text than calibration reads; it is refused before it is read. */
const maxFileBytes = 256 * 2 ** 20;
/** Offending lines named in one error. */
const maxOffenders = 5;

/**
 * Reads calibration texts: a `.jsonl` file has one a line, as `text`, as `messages` of a chat or as `input_ids` (other keys are left alone);
 * any other file is one plain text.
 *
 * @throws {BitmendError} `files/*` when the file cannot be read, `verbs/too-large`, `verbs/bad-calibration` naming lines.
 */
export function readCalibrationFile(path: string): CalibrationDocument[] {
  const content = readBounded(path);
  const documents = path.endsWith(".jsonl")
    ? parseLines(content, path)
    : [{ id: path, kind: "text" as const, text: content }];
  if (documents.some((document) => !isEmpty(document))) return documents.filter((each) => !isEmpty(each));
  throw new BitmendError(
    "verbs/bad-calibration",
    `readCalibrationFile(): expected text in ${path}, got none.`,
  );
}

function readBounded(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > maxFileBytes) {
      throw new BitmendError(
        "verbs/too-large",
        `readCalibrationFile(): expected at most ${maxFileBytes} bytes, got ${size} in ${path}.`,
        { hint: "A few million characters are plenty; cut the file." },
      );
    }
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fileSystemError(error, "readCalibrationFile()", path);
  }
}

function parseLines(content: string, path: string): CalibrationDocument[] {
  const documents: CalibrationDocument[] = [];
  const offenders: string[] = [];
  for (const [index, text] of content.split("\n").entries()) {
    if (text.trim() === "") continue;
    const id = `line ${index + 1}`;
    const parsed = line.safeParse(parseJson(text));
    if (parsed.success) documents.push({ id, ...parsed.data });
    else offenders.push(id);
  }
  if (offenders.length === 0) return documents;
  const more = offenders.length > maxOffenders ? ` and ${offenders.length - maxOffenders} more` : "";
  throw new BitmendError(
    "verbs/bad-calibration",
    `readCalibrationFile(): expected lines with "text", "messages" or "input_ids" in ${path}, got others: ${offenders.slice(0, maxOffenders).join(", ")}${more}.`,
    { hint: 'For example {"text": "…"} or {"messages": [{"role": "user", "content": "…"}, …]}.' },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isEmpty(document: CalibrationDocument): boolean {
  switch (document.kind) {
    case "text":
      return document.text.trim() === "";
    case "messages":
      return document.messages.every(({ content }) => content.trim() === "");
    case "tokens":
      return document.tokenIds.length === 0;
    default:
      return document satisfies never;
  }
}
