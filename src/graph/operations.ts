/** @file Every operation of the graph. */
export * from "./operations/attention.ts";
export * from "./operations/cross-entropy.ts";
export * from "./operations/custom-gradient.ts";
export {
  add,
  compare,
  divide,
  expand,
  maximum,
  minimum,
  multiply,
  negate,
  reduceSum,
  reshape,
  subtract,
  where,
} from "./operations/elementwise.ts";
export {
  abs,
  cast,
  clip,
  exp,
  log,
  reciprocal,
  roundStraightThrough,
  sigmoid,
  silu,
  softplus,
  sqrt,
  stopGradient,
} from "./operations/functions.ts";
export * from "./operations/gather.ts";
export * from "./operations/layout.ts";
export * from "./operations/matmul.ts";
export { reduceMax, reduceMean, reduceMin } from "./operations/reduce.ts";

export * from "./operations/rms-norm.ts";
export * from "./operations/rotary.ts";
export * from "./operations/softmax.ts";
export * from "./operations/swi-glu.ts";
