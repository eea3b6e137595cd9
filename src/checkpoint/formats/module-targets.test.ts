import { expect, it } from "vitest";
import { moduleTargets, type ModuleTargets } from "./module-targets.ts";

function targets(...values: string[]): ModuleTargets {
  const read = moduleTargets(values);
  if (typeof read === "string") throw new Error(read);
  return read;
}

it("ranks a name before an expression and that before a class", () => {
  const module = "model.layers.0.mlp.up_proj";
  const ranks = [module, "re:.*mlp.*", "Linear"].map((target) => targets(target).match(module));
  expect(ranks.map((rank) => rank?.charAt(0))).toEqual(["0", "1", "2"]);
});

it("matches an expression from the beginning of a name only, as Python's re.match", () => {
  expect(targets("re:mlp").match("model.layers.0.mlp.up_proj")).toBeNull();
  expect(targets("re:model").match("model.layers.0.mlp.up_proj")).not.toBeNull();
});

it("knows the embedding table as another class than Linear", () => {
  expect(targets("Linear").match("model.embed_tokens")).toBeNull();
  expect(targets("Embedding").match("model.embed_tokens")).not.toBeNull();
  expect(targets("Linear").match("lm_head")).not.toBeNull();
});

it("says which expression it does not read", () => {
  expect(moduleTargets(["Linear", "re:(?=a)"])).toBe('"re:(?=a)" is not supported');
});
