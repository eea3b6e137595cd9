import { count, percent } from "../../report/number-text.ts";
import { errorTable } from "../../report/result-tables.ts";
import { countErrorTypes } from "../../runs/summary.ts";
import { consume } from "../../util/consume.ts";
import { BitmendError } from "../../util/errors.ts";
import { diagnose, type DiagnoseResult, type FailureCase } from "../../verbs/diagnose.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";
import { wrap } from "../help.ts";
import { paint, printable, type Terminal } from "../terminal.ts";

export const command = defineCommand({
  options: {
    show: { type: "integer", value: "N", help: "Print N failing solutions, the first wrong step marked" },
    variant: { type: "string", value: "VARIANT", help: "Show those of this variant only" },
    baseline: {
      type: "string",
      value: "VARIANT",
      help: "Whose right solutions they are held against (full)",
    },
    json: { type: "boolean", help: "Print the result as one JSON object" },
  },
  positionals: { usage: "DIRECTORY", help: "A run's or evaluation's directory", minimum: 1, maximum: 1 },
  examples: [
    { command: "bitmend diagnose eval", does: "types of errors of every variant evaluated there" },
    {
      command: "bitmend diagnose eval --show 5 --variant w2-g64-rtn",
      does: "and five solutions of one variant, each with its first wrong step",
    },
  ],
  run: async (
    { show = 0, variant, baseline, json, positionals: [directory] },
    { terminal, write, signal },
  ) => {
    using draw = drawEvents(terminal, { silent: json });
    const result = await consume(diagnose({ directory: directory!, baseline }, { signal }), draw.show);
    const names = result.variants.map(({ name }) => name);
    if (variant !== undefined && !names.includes(variant))
      throw new BitmendError(
        "cli/usage",
        `Option --variant needs one of ${names.join(", ")}, got ${variant}.`,
      );
    const shown = result.failures
      .filter((failure) => variant === undefined || failure.variant === variant)
      .slice(0, Math.max(0, show));
    if (json) write(JSON.stringify(asObject(result, shown)));
    else {
      for (const line of resultText(result)) write(line);
      for (const failure of shown) for (const line of caseText(failure, terminal)) write(line);
    }
    return 0;
  },
});

function asObject(
  { variants, failures, agreement, file }: DiagnoseResult,
  cases: readonly FailureCase[],
): object {
  const rows = variants.map(({ name }) => {
    const own = failures.filter(({ variant }) => variant === name);
    return { name, failures: own.length, errors: countErrorTypes(own) };
  });
  const { stepAgreement = null, typeAgreement = null } = agreement ?? {};
  return { variants: rows, failures: failures.length, stepAgreement, typeAgreement, file, cases };
}

function resultText({ variants, failures, agreement, file }: DiagnoseResult): string[] {
  const { stepAgreement = null, typeAgreement = null } = agreement ?? {};
  return [
    "",
    ...errorTable({ comparisons: variants.map((variant) => ({ variant })), diagnoses: failures }),
    "",
    `${count(failures.length)} failing solutions diagnosed${
      stepAgreement === null || typeAgreement === null
        ? "."
        : `; against the generator's truth the\nstep is right in ${percent(stepAgreement)} %, the type in ${percent(typeAgreement)} %.`
    }`,
    `Written to ${file}`,
  ];
}

/** A failing solution with an arrow at its first wrong step, what is wrong, and a right solution below. */
function caseText(failure: FailureCase, terminal: Terminal): string[] {
  const { variant, problem, question, expected, steps, firstWrongStep, type, evidence, reference } = failure;
  const written = steps.length === firstWrongStep ? [...steps, "(here a step is missing)"] : steps;
  return [
    "",
    paint(terminal, "bold", printable(`${problem} by ${variant}: ${type}`)),
    ...indented(wrap(question, 78)),
    ...indented([`right answer: ${expected}`, ""]),
    ...written.map((step, index) =>
      index === firstWrongStep
        ? paint(terminal, "red", printable(`> ${step}`))
        : printable(`  ${step}`.trimEnd()),
    ),
    ...indented(indented(wrap(evidence, 74))),
    ...(reference === null ? [] : indented(["", "a right solution:", ...reference.split("\n")])),
  ];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => printable(`  ${line}`.trimEnd()));
}
