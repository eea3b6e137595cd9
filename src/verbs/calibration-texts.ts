/** @file Texts as the model was trained to read them: plain documents between their end tokens, conversations in the chat template. */
import type { MeasuredSequence } from "../quantization/text-forward.ts";
import type { ChatMessage } from "../tokenizer/chat-template.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { CalibrationDocument } from "./calibration-file.ts";

/** One text as token ids. */
export interface EncodedText extends MeasuredSequence {
  /** What comes between it and the next text when texts are joined. */
  readonly closing: readonly number[];
}

/** The tokens a model is asked with: messages in its chat template, or, where it has none, their contents line by line. */
export function encodePrompt(tokenizer: Tokenizer, messages: readonly ChatMessage[]): number[] {
  return tokenizer.encode(
    tokenizer.hasChatTemplate
      ? tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true })
      : messages.map(({ content }) => content).join("\n"),
  );
}

/** Encodes one text of a file. */
export function encodeDocument(tokenizer: Tokenizer, document: CalibrationDocument): EncodedText {
  switch (document.kind) {
    case "text": {
      const { before, after } = tokenizer.documentFrame;
      return wholly([...before, ...encodeLongText(tokenizer, document.text)], after);
    }
    case "messages":
      return encodeConversation(tokenizer, document.messages);
    case "tokens":
      return wholly(document.tokenIds, []);
    default:
      return document satisfies never;
  }
}

/** A conversation; when its last turn is the model's, only the predictions of that turn count. */
export function encodeConversation(tokenizer: Tokenizer, messages: readonly ChatMessage[]): EncodedText {
  const { after } = tokenizer.documentFrame;
  const last = messages.at(-1);
  if (last?.role !== "assistant") return wholly(encodePrompt(tokenizer, messages), after);
  const prompt = encodePrompt(tokenizer, messages.slice(0, -1));
  const tokenIds = [...prompt, ...tokenizer.encode(last.content)];
  const counted = tokenIds.map((_, index) => index >= prompt.length - 1);
  return { tokenIds, counted, closing: tokenizer.hasChatTemplate ? endOfTurn(tokenizer, messages) : after };
}

/** What the template writes after the model's last turn, or the end of a document where it rewrites that turn. */
function endOfTurn(tokenizer: Tokenizer, messages: readonly ChatMessage[]): readonly number[] {
  const whole = tokenizer.applyChatTemplate(messages, { addGenerationPrompt: false });
  const { content } = messages.at(-1)!;
  const start = whole.lastIndexOf(content);
  const end = start === -1 ? [] : tokenizer.encode(whole.slice(start + content.length));
  return end.length > 0 ? end : tokenizer.documentFrame.after;
}

function wholly(tokenIds: readonly number[], closing: readonly number[]): EncodedText {
  return { tokenIds, counted: tokenIds.map(() => true), closing };
}

/** Tokenizers may take more than linear time; no token of the usual vocabularies crosses a line end before a word. */
const pieceCharacters = 2 ** 14;

/** Token ids of a plain text of any length. */
function encodeLongText(tokenizer: Tokenizer, text: string): number[] {
  const tokenIds: number[] = [];
  for (let start = 0; start < text.length;) {
    const lineEnd = text.slice(start + pieceCharacters).search(/\n\S/u);
    const end = lineEnd === -1 ? text.length : start + pieceCharacters + lineEnd + 1;
    for (const token of tokenizer.encode(text.slice(start, end))) tokenIds.push(token);
    start = end;
  }
  return tokenIds;
}

/** One text after the other, each with what closes it; predictions across a border do not count. */
export function joined(texts: readonly EncodedText[]): MeasuredSequence {
  const tokenIds: number[] = [];
  const counted: boolean[] = [];
  for (const text of texts) {
    for (const token of text.tokenIds) tokenIds.push(token);
    for (const counts of text.counted) counted.push(counts);
    for (const token of text.closing) {
      tokenIds.push(token);
      counted.push(false);
    }
  }
  return { tokenIds, counted };
}

/** Consecutive pieces of `length` tokens; a shorter rest is left out. */
export function cut({ tokenIds, counted }: MeasuredSequence, length: number): MeasuredSequence[] {
  return Array.from({ length: Math.floor(tokenIds.length / length) }, (_, index) => ({
    tokenIds: tokenIds.slice(index * length, (index + 1) * length),
    counted: counted.slice(index * length, (index + 1) * length),
  }));
}
