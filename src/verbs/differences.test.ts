import { expect, test } from "vitest";
import { differences } from "./differences.ts";

test("settings that differ, whole or in part, added or gone", () => {
  const recorded = { seed: 1, task: "pocket", generation: { slots: 8, topP: 1 }, gone: true, same: [1, 2] };
  const asked = { seed: 2, task: "pocket", generation: { slots: 8, topP: 0.9 }, same: [1, 2], empty: {} };
  expect(differences(recorded, asked)).toMatchInlineSnapshot(`
    [
      "seed: 1 there, 2 asked for",
      "generation.topP: 1 there, 0.9 asked for",
      "gone: true there, nothing asked for",
      "empty: nothing there, {} asked for",
    ]
  `);
});

test("equal settings differ in nothing, whatever the order of their keys", () => {
  expect(differences({ a: 1, b: { c: null } }, { b: { c: null }, a: 1 })).toEqual([]);
});
