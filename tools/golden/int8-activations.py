"""Dynamic per-token int8 activations and a W8A8 product by the compressed-tensors library.

python -m venv VENV && VENV/bin/pip install torch==2.15.0 compressed-tensors==0.20.0
VENV/bin/python -P tools/golden/int8-activations.py > test/golden/int8-activations.json && npx oxfmt test/golden
"""

import json

import compressed_tensors
import torch
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import fake_quantize, quantize
from compressed_tensors.quantization.utils import compute_dynamic_scales_and_zp

SEED = 20261122
TOKENS, COLUMNS, ROWS = 7, 48, 5

generator = torch.Generator().manual_seed(SEED)
inputs = torch.randn(1, TOKENS, COLUMNS, generator=generator)
inputs[0, 1, 7] = 300.0  # an outlier channel
inputs[0, 2] = 0.0  # a token of zeros
inputs[0, 3] = torch.arange(COLUMNS) - 20 + 0.5  # halves: with a largest value of 127.5 the scale is 1
inputs[0, 3, 0] = 127.5
inputs[0, 4] = -inputs[0, 3]
inputs[0, 5] *= 1e-20

arguments = QuantizationArgs(num_bits=8, type="int", symmetric=True, strategy="token", dynamic=True)
scales, zero_points = compute_dynamic_scales_and_zp(inputs, arguments, module=None)
codes = quantize(inputs, scales, zero_points, arguments)
rounded = fake_quantize(inputs, scales, zero_points, arguments)

weight_codes = torch.randint(-128, 128, (ROWS, COLUMNS), generator=generator, dtype=torch.int32)
weight_scales = (torch.rand(ROWS, 1, generator=generator) / 64).half().float()
outputs = torch.nn.functional.linear(rounded.double(), weight_codes.double() * weight_scales.double())

source = {
    "program": f"compressed-tensors {compressed_tensors.__version__}, torch {torch.__version__}",
    "seed": SEED,
    "command": "python -P tools/golden/int8-activations.py",
}
print(
    json.dumps(
        {
            "source": source,
            "tokens": TOKENS,
            "columns": COLUMNS,
            "rows": ROWS,
            "inputs": inputs.flatten().tolist(),
            "scales": scales.flatten().tolist(),
            "codes": codes.flatten().tolist(),
            "weightCodes": weight_codes.flatten().tolist(),
            "weightScales": weight_scales.flatten().tolist(),
            "outputs": outputs.flatten().tolist(),
        }
    )
)
