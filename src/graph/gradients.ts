import { BitmendError } from "../util/errors.ts";
import { add } from "./operations/elementwise.ts";
import { formatShape, sameShape } from "./shape.ts";
import type { GradientRule, Tensor } from "./tensor.ts";

/**
 * Reverse-mode differentiation: the gradient of the scalar `loss` with respect to each tensor, as new nodes of the same graph.
 *
 * A tensor may be used any number of times, its contributions add up. Gradients of gradients are not supported: what this returns is a
 * constant to a later call. `seed` replaces the gradient of the loss itself, 1, and lets `loss` have any shape.
 *
 * @throws {BitmendError} `graph/not-a-scalar`; `graph/no-gradient` names the tensors that `loss` does not depend on.
 */
export function gradients(
  loss: Tensor,
  withRespectTo: readonly Tensor[],
  { seed }: { readonly seed?: Tensor } = {},
): Tensor[] {
  if (seed === undefined ? loss.shape.length > 0 : !sameShape(seed.shape, loss.shape)) {
    throw new BitmendError(
      "graph/not-a-scalar",
      `gradients(): expected a scalar loss, or a seed of its shape, got ${formatShape(loss.shape)}.`,
    );
  }
  const { graph } = loss;
  const found = graph.withoutGradients(() => {
    const byName = new Map<Tensor, Tensor>([[loss, seed ?? graph.scalar(1, loss.dataType)]]);
    for (const rule of reachableRules(loss)) applyRule(rule, byName);
    return withRespectTo.map((tensor) => (tensor.requiresGradient ? byName.get(tensor) : undefined));
  });
  const missing = withRespectTo.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) {
    throw new BitmendError(
      "graph/no-gradient",
      `gradients(): the loss does not depend on ${missing.map((tensor) => tensor.name).join(", ")}.`,
      { hint: "Mark inputs with requiresGradient, and leave out what is not used." },
    );
  }
  return found.filter((gradient) => gradient !== undefined);
}

/** Rules on the way from `loss` to anything that requires a gradient, consumers before producers. */
function reachableRules(loss: Tensor): GradientRule[] {
  const rules = new Set<GradientRule>();
  const pending = loss.rule === null ? [] : [loss.rule];
  for (let rule = pending.pop(); rule !== undefined; rule = pending.pop()) {
    if (rules.has(rule)) continue;
    rules.add(rule);
    for (const input of rule.inputs) if (input?.rule) pending.push(input.rule);
  }
  return [...rules].toSorted((a, b) => b.order - a.order);
}

function applyRule(rule: GradientRule, found: Map<Tensor, Tensor>): void {
  const outputGradients = rule.outputs.map((output) => found.get(output) ?? null);
  if (outputGradients.every((gradient) => gradient === null)) return;
  const inputGradients = rule.backward(outputGradients);
  for (const [index, input] of rule.inputs.entries()) {
    const gradient = inputGradients[index] ?? null;
    if (input === null || gradient === null || !input.requiresGradient) continue;
    if (!sameShape(gradient.shape, input.shape)) {
      throw new BitmendError(
        "graph/gradient-shape",
        `gradients(): expected ${formatShape(input.shape)} for ${input.name}, got ${formatShape(gradient.shape)}.`,
      );
    }
    const earlier = found.get(input);
    found.set(input, earlier === undefined ? gradient : add(earlier, gradient));
  }
}
