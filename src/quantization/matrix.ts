/** A dense matrix, row-major: a linear's weight is [out features, in features], a Gram matrix [in, in]. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns]. */
  readonly values: Float32Array;
}
