"""Packs random quantized matrices with AutoAWQ's own code, and dequantizes them with it.

The package as a whole wants a GPU; these functions do not, so they are taken out of its source by name.

python -m venv VENV && VENV/bin/pip install torch==2.15.0 numpy
VENV/bin/pip download --no-deps --no-binary :all: autoawq==0.2.9 && tar xzf autoawq-0.2.9.tar.gz
VENV/bin/python tools/golden/awq-files.py autoawq-0.2.9 > test/golden/awq-files.json && npx oxfmt test/golden
"""

import ast
import json
import runpy
import sys
from pathlib import Path

import torch

SEED = 20261122
ROWS, COLUMNS, GROUP_SIZE = 32, 64, 32
GROUPS = COLUMNS // GROUP_SIZE
package = Path(sys.argv[1]) / "awq"

dequantize_gemm = runpy.run_path(str(package / "utils/packing_utils.py"))["dequantize_gemm"]
layer_class = next(
    node
    for node in ast.parse((package / "modules/linear/gemm.py").read_text()).body
    if isinstance(node, ast.ClassDef) and node.name == "WQLinear_GEMM"
)
namespace = {"torch": torch, "nn": torch.nn, "get_best_device": lambda: "cpu"}
exec(compile(ast.Module([layer_class], []), "gemm.py", "exec"), namespace)
WQLinear_GEMM = namespace["WQLinear_GEMM"]

generator = torch.Generator().manual_seed(SEED)
cases = []
for symmetric in (True, False):
    codes = torch.randint(0, 16, (ROWS, COLUMNS), generator=generator)
    zero_points = torch.randint(0, 16, (ROWS, GROUPS), generator=generator)
    if symmetric:
        zero_points.fill_(8)
    # Few bits, so that every product below is exact in fp16.
    scales = torch.randint(1, 8, (ROWS, GROUPS), generator=generator).float() / 8
    index = torch.arange(COLUMNS) // GROUP_SIZE
    linear = torch.nn.Linear(COLUMNS, ROWS, bias=False)
    linear.weight.data = (codes - zero_points[:, index]) * scales[:, index]
    layer = WQLinear_GEMM.from_linear(linear, 4, GROUP_SIZE, scales=scales.T.contiguous(), zeros=zero_points.T.contiguous())
    weight = dequantize_gemm(layer.qweight, layer.qzeros, layer.scales, 4, GROUP_SIZE).float().T
    assert torch.equal(weight, linear.weight.data), "AutoAWQ restores what it packed"
    cases.append(
        {
            "symmetric": symmetric,
            "codes": codes.flatten().tolist(),
            "zeroPoints": zero_points.flatten().tolist(),
            "scales": scales.flatten().tolist(),
            "qweight": layer.qweight.flatten().tolist(),
            "qzeros": layer.qzeros.flatten().tolist(),
        }
    )
source = {
    "program": f"autoawq 0.2.9 (WQLinear_GEMM.from_linear, dequantize_gemm), torch {torch.__version__}",
    "seed": SEED,
    "command": "tools/golden/awq-files.py",
}
print(json.dumps({"source": source, "rows": ROWS, "columns": COLUMNS, "groupSize": GROUP_SIZE, "cases": cases}))
