/**
 * Which operator forms a device computes fast and right; operations choose their form by it.
 *
 * A new device is a new profile: the mathematics of every operation is written once.
 */
export interface DeviceProfile {
  /** `com.microsoft.FusedMatMul`; otherwise Transpose, MatMul and Mul. */
  readonly fusedMatMul: boolean;
  /** `SimplifiedLayerNormalization`, and whether its second output, 1 / root mean square, can be trusted; otherwise from elementary operations. */
  readonly rmsNorm: "fused" | "fused-without-statistics" | "elementary";
  /** `com.microsoft.QuickGelu` with alpha 1, which is SiLU; otherwise x · sigmoid(x). */
  readonly fusedSilu: boolean;
  /** `com.microsoft.RotaryEmbedding`; otherwise Split, Mul, Concat. */
  readonly fusedRotary: boolean;
  /** `SoftmaxCrossEntropyLoss`; otherwise LogSoftmax and GatherElements. */
  readonly fusedCrossEntropy: boolean;
}

/** ONNX Runtime's CPU provider. */
export const cpuProfile: DeviceProfile = {
  fusedMatMul: true,
  rmsNorm: "fused",
  fusedSilu: true,
  fusedRotary: true,
  fusedCrossEntropy: true,
};

/** Elementary operators only: the fused ones have no float64 kernels, and the reference for tests should not share code with them. */
export const elementaryProfile: DeviceProfile = {
  fusedMatMul: false,
  rmsNorm: "elementary",
  fusedSilu: false,
  fusedRotary: false,
  fusedCrossEntropy: false,
};
