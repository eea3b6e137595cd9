"""The peer of bench/quantization.ts: GPTQ as AutoGPTQ runs it, in numpy float64 (BLAS does the large products).

Usage: python3 gptq_numpy.py DIRECTORY ROWS COLUMNS; reads weight.f32 and gram.f32, 3 bits, group 128, activation order with static
groups. Prints one JSON line: seconds for the factor of the inverse Hessian and for rounding, and the output error.
"""

import json
import sys
import time

import numpy as np

BITS, GROUP, BLOCK, DAMP = 3, 128, 128, 0.01
TOP = 2**BITS - 1

directory, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
weight = np.fromfile(f"{directory}/weight.f32", dtype=np.float32).reshape(rows, columns).astype(np.float64)
gram = np.fromfile(f"{directory}/gram.f32", dtype=np.float32).reshape(columns, columns).astype(np.float64)

start = time.perf_counter()
order = np.argsort(-np.diag(gram), kind="stable")
h = gram[order][:, order]
h[np.diag_indices(columns)] += DAMP * np.mean(np.diag(h))
upper = np.linalg.cholesky(np.linalg.inv(h)).T.copy()
factored = time.perf_counter()

groups = weight.reshape(rows, columns // GROUP, GROUP)
low, high = np.minimum(groups.min(axis=2), 0), np.maximum(groups.max(axis=2), 0)
scales = ((high - low) / TOP).astype(np.float16).astype(np.float64)
zeros = np.minimum(np.round(-low / scales), TOP)
w = weight[:, order].copy()
restored = np.zeros_like(w)
for begin in range(0, columns, BLOCK):
    end = min(begin + BLOCK, columns)
    block = w[:, begin:end].copy()
    errors = np.zeros_like(block)
    for i in range(end - begin):
        k = order[begin + i] // GROUP
        s, z = scales[:, k], zeros[:, k]
        code = np.clip(np.round(block[:, i] / s) + z, 0, TOP)
        restored[:, begin + i] = (code - z) * s
        errors[:, i] = (block[:, i] - restored[:, begin + i]) / upper[begin + i, begin + i]
        block[:, i + 1 :] -= np.outer(errors[:, i], upper[begin + i, begin + i + 1 : end])
    w[:, end:] -= errors @ upper[begin:end, end:]
rounded = time.perf_counter()

d = weight[:, order] - restored
g = gram[order][:, order]
print(
    json.dumps(
        {
            "factorSeconds": factored - start,
            "roundSeconds": rounded - factored,
            "outputError": float(np.sum((d @ g) * d) / np.sum((weight[:, order] @ g) * weight[:, order])),
            "version": f"numpy {np.__version__}",
        }
    )
)
