import type { DiagnosisRecord, ErrorType } from "../runs/records.ts";
import { BitmendError } from "../util/errors.ts";

/** What is true of one failing completion. */
export interface TruthLabel {
  readonly variant: string;
  readonly problem: string;
  /** 0-based, in the same steps the diagnosis counts; null for degenerate completions. */
  readonly firstWrongStep: number | null;
  readonly type: ErrorType;
}

/** One case in which diagnosis and truth differ. */
interface Disagreement {
  readonly variant: string;
  readonly problem: string;
  readonly diagnosed: { readonly firstWrongStep: number | null; readonly type: ErrorType };
  readonly truth: { readonly firstWrongStep: number | null; readonly type: ErrorType };
  readonly evidence: string;
  readonly steps: readonly string[];
}

/** How far diagnoses agree with truth; the shares are fractions of 1 and null when nothing was compared. */
export interface Agreement {
  /** Failures compared: those that neither side calls degenerate by rule. */
  readonly failures: number;
  /** Failures both sides call degenerate; they agree by definition and are not in the shares. */
  readonly degenerate: number;
  readonly stepAgreement: number | null;
  readonly typeAgreement: number | null;
  readonly bothAgreement: number | null;
  /** Every case in which step or type differs. */
  readonly disagreements: readonly Disagreement[];
}

/**
 * Compares diagnoses with truth labels, case by case.
 *
 * @throws {BitmendError} `diagnosis/unlabelled` when a diagnosis has no truth label.
 */
export function agreement(diagnoses: readonly DiagnosisRecord[], truth: readonly TruthLabel[]): Agreement {
  const labels = new Map(truth.map((label) => [caseKey(label), label]));
  const unlabelled = diagnoses.filter((diagnosis) => !labels.has(caseKey(diagnosis)));
  if (unlabelled.length > 0)
    throw new BitmendError(
      "diagnosis/unlabelled",
      `agreement(): expected a truth label for every diagnosis, got none for ${unlabelled.length} of ${diagnoses.length}, ` +
        `the first ${unlabelled[0]!.variant} on ${unlabelled[0]!.problem}.`,
    );
  const pairs = diagnoses.map((diagnosis) => ({ diagnosis, label: labels.get(caseKey(diagnosis))! }));
  const compared = pairs.filter(
    ({ diagnosis, label }) => diagnosis.type !== "degenerate" || label.type !== "degenerate",
  );
  const share = (agrees: (pair: Pair) => boolean): number | null =>
    compared.length === 0 ? null : compared.filter((pair) => agrees(pair)).length / compared.length;
  return {
    failures: compared.length,
    degenerate: pairs.length - compared.length,
    stepAgreement: share(sameStep),
    typeAgreement: share(sameType),
    bothAgreement: share((pair) => sameStep(pair) && sameType(pair)),
    disagreements: compared
      .filter((pair) => !sameStep(pair) || !sameType(pair))
      .map((pair) => describe(pair)),
  };
}

interface Pair {
  readonly diagnosis: DiagnosisRecord;
  readonly label: TruthLabel;
}

const sameStep = ({ diagnosis, label }: Pair): boolean => diagnosis.firstWrongStep === label.firstWrongStep;
const sameType = ({ diagnosis, label }: Pair): boolean => diagnosis.type === label.type;

const caseKey = ({ variant, problem }: { variant: string; problem: string }): string =>
  JSON.stringify([variant, problem]);

function describe({ diagnosis, label }: Pair): Disagreement {
  const { variant, problem, firstWrongStep, type, evidence, steps } = diagnosis;
  return {
    variant,
    problem,
    diagnosed: { firstWrongStep, type },
    truth: { firstWrongStep: label.firstWrongStep, type: label.type },
    evidence,
    steps,
  };
}
