"""Quantizes random weights with MLX and dequantizes them, and dequantizes matrices whose biases are multiples of their scales.

python -m venv VENV && VENV/bin/pip install mlx==0.32.4 mlx-cpu==0.32.4 numpy
VENV/bin/python tools/golden/mlx-files.py > test/golden/mlx-files.json && npx oxfmt test/golden
"""

import json
from importlib.metadata import version

import mlx.core as mx
import numpy as np

SEED = 20261122
ROWS, COLUMNS = 2, 128
mx.set_default_device(mx.cpu)
generator = np.random.default_rng(SEED)
cases = []


def add(kind, bits, group_size, weight, scales, biases):
    settings = {"group_size": group_size, "bits": bits}
    ones = mx.ones(scales.shape, mx.float32)
    codes = mx.dequantize(weight, ones, mx.zeros(scales.shape, mx.float32), **settings)
    values = mx.dequantize(weight, scales, biases, **settings)
    cases.append(
        {
            "kind": kind,
            "bits": bits,
            "groupSize": group_size,
            "weight": np.array(weight).flatten().tolist(),
            "scales": np.array(scales).flatten().tolist(),
            "biases": np.array(biases).flatten().tolist(),
            "codes": np.array(codes).astype(int).flatten().tolist(),
            "values": np.array(values).flatten().tolist(),
        }
    )


for bits in (2, 3, 4, 5, 6, 8):
    for group_size in (32, 64, 128):
        weights = mx.array(generator.normal(size=(ROWS, COLUMNS)).astype(np.float32))
        weight, scales, biases = mx.quantize(weights, group_size=group_size, bits=bits)
        if group_size == 32:
            add("MLX's own quantizer", bits, group_size, weight, scales, biases)
        scales = mx.array((generator.integers(1, 64, scales.shape) / 64).astype(np.float32))
        zero_points = mx.array(generator.integers(0, 2**bits, scales.shape).astype(np.float32))
        add("exact zero points", bits, group_size, weight, scales, -zero_points * scales)
source = {
    "program": f"mlx {version('mlx')} (quantize, dequantize, on the CPU)",
    "seed": SEED,
    "command": "tools/golden/mlx-files.py",
}
print(json.dumps({"source": source, "rows": ROWS, "columns": COLUMNS, "cases": cases}))
