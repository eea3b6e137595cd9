"""Packs random quantized matrices with GPTQModel's own code, and dequantizes them with it.

The package as a whole wants a GPU; these methods do not, so they are taken out of its source by name.

python -m venv VENV && VENV/bin/pip install torch==2.15.0 numpy
VENV/bin/pip download --no-deps --no-binary :all: gptqmodel==7.7.0 && tar xzf gptqmodel-7.7.0.tar.gz
VENV/bin/python tools/golden/gptq-files.py gptqmodel-7.7.0 > test/golden/gptq-files.json && npx oxfmt test/golden
"""

import ast
import contextlib
import json
import math
import sys
import types
from pathlib import Path

import numpy as np
import torch

SEED = 20261122
ROWS, COLUMNS, GROUP_SIZE = 32, 64, 32
GROUPS = COLUMNS // GROUP_SIZE
package = Path(sys.argv[1]) / "gptqmodel"


def functions(path, names, namespace):
    """Compiles the named functions and methods of a file without running the rest of it."""
    found = [
        node
        for node in ast.walk(ast.parse((package / path).read_text()))
        if isinstance(node, ast.FunctionDef) and node.name in names
    ]
    for node in found:
        node.decorator_list = []
        node.returns = None
        for argument in node.args.args + node.args.kwonlyargs:
            argument.annotation = None
    exec(compile(ast.Module(found, []), path, "exec"), namespace)
    return [namespace[name] for name in names]


class Layer:
    """Stands for GPTQModel's layer: the attributes that its methods use."""

    def register_buffer(self, name, tensor):
        setattr(self, name, tensor)

    def qzero_format(self, format):
        self.format = format


dequant_names = [
    "_require_int32_words_for_3bit",
    "_unpack_rows_3bit",
    "_unpack_cols_3bit",
    "_pack_cols_3bit",
    "unpack_cols",
    "pack_cols",
    "_shift_gptq_qzeros",
    "_revert_gptq_v1_qzeros_correction",
]
shared = {"torch": torch, "PLANAR_BITS": (5, 6, 7)}
functions("utils/model_dequant.py", dequant_names, shared)
log = types.SimpleNamespace(info=types.SimpleNamespace(once=lambda text: None))
(to_version_1,) = functions(
    "utils/model.py", ["convert_gptq_v2_to_v1_format_module"], {**shared, "BaseQuantLinear": Layer, "log": log}
)
one_thread = types.SimpleNamespace(threadpool_limits=lambda count: contextlib.nullcontext())
names = ["_torch_shift_factor", "_torch_right_shift", "_torch_left_shift", "pack_original", "dequantize_weight", "_dequantize_from_codes"]
layer_namespace = {
    "t": torch,
    "torch": torch,
    "np": np,
    "math": math,
    "nn": torch.nn,
    "THREADPOOLCTL": one_thread,
    "_ConvNd": torch.nn.modules.conv._ConvNd,
    "transformers": types.SimpleNamespace(pytorch_utils=types.SimpleNamespace(Conv1D=type("Conv1D", (), {}))),
}
methods = functions("nn_modules/qlinear/__init__.py", names, layer_namespace)
pack_original, dequantize_weight, from_codes = methods[3:]

generator = torch.Generator().manual_seed(SEED)


def layer_of(bits, group_of):
    layer = Layer()
    layer.bits, layer.maxq, layer.planar = bits, 2**bits - 1, False
    layer.pack_dtype, layer.pack_dtype_bits, layer.pack_factor = torch.int32, 32, 32 // bits
    layer.pack_np_dtype, layer.pack_np_math_dtype = np.int32, np.uint32
    layer.in_features, layer.dequant_dtype = COLUMNS, torch.int16 if bits == 8 else torch.int8
    layer.g_idx = group_of
    if bits == 3:
        shifts = [
            [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0],
            [0, 1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31],
            [0, 2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 0],
        ]
        shifts = torch.tensor(shifts, dtype=torch.int32).reshape(1, 3, 12)
    else:
        shifts = torch.tensor([list(range(0, 32, bits))], dtype=torch.int32)
    layer.wf_unsqueeze_zero, layer.wf_unsqueeze_neg_one = shifts.unsqueeze(0), shifts.unsqueeze(-1)
    layer._init_wf_unsqueeze_buffers = lambda: None
    layer._dequantize_from_codes = types.MethodType(from_codes, layer)
    return layer


cases = []
for bits in (2, 3, 4, 8):
    for kind in ("symmetric", "asymmetric", "activation-order"):
        codes = torch.randint(0, 2**bits, (ROWS, COLUMNS), generator=generator)
        if kind == "symmetric":
            zero_points = torch.full((ROWS, GROUPS), 2 ** (bits - 1))
        else:
            zero_points = torch.randint(0, 2**bits, (ROWS, GROUPS), generator=generator)
        # Few bits, so that every product below is exact in fp16.
        scales = torch.randint(1, 8, (ROWS, GROUPS), generator=generator).float() / 8
        natural = torch.arange(COLUMNS, dtype=torch.int32) // GROUP_SIZE
        group_of = natural[torch.randperm(COLUMNS, generator=generator)] if kind == "activation-order" else natural
        layer = layer_of(bits, group_of)
        linear = torch.nn.Linear(COLUMNS, ROWS, bias=False)
        index = group_of.long()
        linear.weight.data = (codes - zero_points[:, index]) * scales[:, index]
        pack_original(layer, linear, scales, zero_points.float(), group_of)
        version_2 = layer.qzeros.clone()
        weight = dequantize_weight(layer).float().T
        assert torch.equal(weight, linear.weight.data), "GPTQModel restores what it packed"
        to_version_1(layer, types.SimpleNamespace(bits=bits, pack_dtype=torch.int32))
        cases.append(
            {
                "bits": bits,
                "kind": kind,
                "codes": codes.flatten().tolist(),
                "zeroPoints": zero_points.flatten().tolist(),
                "scales": scales.flatten().tolist(),
                "groupOf": group_of.tolist(),
                "qweight": layer.qweight.flatten().tolist(),
                "qzerosVersion1": layer.qzeros.flatten().tolist(),
                "qzerosVersion2": version_2.flatten().tolist(),
                "weight": weight.flatten().tolist() if kind == "activation-order" else [],
            }
        )
source = {
    "program": f"gptqmodel 7.7.0 (pack_original, dequantize_weight, convert_gptq_v2_to_v1_format_module), torch {torch.__version__}",
    "seed": SEED,
    "command": "tools/golden/gptq-files.py",
}
shape = {"rows": ROWS, "columns": COLUMNS, "groupSize": GROUP_SIZE}
print(json.dumps({"source": source, **shape, "cases": cases}))
