import { expect, test } from "vitest";
import type { DiagnosisRecord, ErrorType } from "../runs/records.ts";
import { agreement } from "./agreement.ts";

const diagnosis = (problem: string, firstWrongStep: number | null, type: ErrorType): DiagnosisRecord => ({
  variant: "w3",
  problem,
  steps: ["a", "b"],
  firstWrongStep,
  type,
  evidence: "because",
});

test("worked example: four failures, one degenerate on both sides", () => {
  const diagnoses = [
    diagnosis("p1", 0, "numerical-computation-error"),
    diagnosis("p2", 1, "formula-rule-error"),
    diagnosis("p3", 0, "procedural-error"),
    diagnosis("p4", null, "degenerate"),
  ];
  const truth = [
    { variant: "w3", problem: "p1", firstWrongStep: 0, type: "numerical-computation-error" },
    { variant: "w3", problem: "p2", firstWrongStep: 1, type: "contextual-oversight" },
    { variant: "w3", problem: "p3", firstWrongStep: 1, type: "procedural-error" },
    { variant: "w3", problem: "p4", firstWrongStep: null, type: "degenerate" },
  ] as const;
  const result = agreement(diagnoses, truth);
  expect(result).toMatchObject({ failures: 3, degenerate: 1 });
  expect([result.stepAgreement, result.typeAgreement, result.bothAgreement]).toBeAllClose([
    2 / 3,
    2 / 3,
    1 / 3,
  ]);
  expect(result.disagreements.map(({ problem }) => problem)).toEqual(["p2", "p3"]);
});

test("nothing to compare has no agreement", () =>
  expect(agreement([], [])).toMatchObject({ failures: 0, stepAgreement: null, disagreements: [] }));

test("a diagnosis without a label is refused", () =>
  expect(() => agreement([diagnosis("p1", 0, "procedural-error")], [])).toThrow(
    expect.objectContaining({ code: "diagnosis/unlabelled" }),
  ));
