/**
 * @file `targets` and `ignore` of compressed-tensors: names of modules, `re:` and an expression, or the class of a module.
 *
 * Source: {@link https://github.com/vllm-project/compressed-tensors} 0.20, `utils/match.py`.
 */
import { MAX_EXPRESSIONS, moduleExpression } from "./module-expression.ts";

export interface ModuleTargets {
  /** How specific the best target of a module is: smaller strings are more so; null when none fits. */
  readonly match: (module: string) => string | null;
}

export const noTargets: ModuleTargets = { match: () => null };

const MAX_TARGETS = 100_000;

/** Reads a list of targets; text says what is not supported. A name decides before an expression, and that before a class. */
export function moduleTargets(values: readonly string[]): ModuleTargets | string {
  const names = new Set(values.filter((value) => !value.startsWith("re:")));
  const patterns = values.filter((value) => value.startsWith("re:")).toSorted();
  if (values.length > MAX_TARGETS || patterns.length > MAX_EXPRESSIONS)
    return `has ${values.length} entries with ${patterns.length} expressions, at most ${MAX_TARGETS} with ${MAX_EXPRESSIONS} are read`;
  const expressions: { pattern: string; fits: (module: string) => boolean }[] = [];
  for (const pattern of patterns) {
    const fits = moduleExpression(pattern.slice("re:".length));
    if (fits === null) return `${JSON.stringify(pattern.slice(0, 100))} is not supported`;
    expressions.push({ pattern, fits });
  }
  return {
    match: (module: string) => {
      if (names.has(module)) return "0";
      const found = expressions.find(({ fits }) => fits(module));
      if (found !== undefined) return `1${found.pattern}`;
      return names.has(classOf(module)) ? "2" : null;
    },
  };
}

/** Of the modules that hold a matrix, only the embedding table is no linear layer. */
function classOf(module: string): string {
  return module === "model.embed_tokens" ? "Embedding" : "Linear";
}
