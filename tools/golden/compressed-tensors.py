"""Packs random quantized matrices with the compressed-tensors library: 0.20.0, and 0.17.0, the last with the older packer.

python -m venv VENV && VENV/bin/pip install torch==2.15.0 compressed-tensors==0.20.0
VENV/bin/python -P tools/golden/compressed-tensors.py > test/golden/compressed-tensors.json
VENV/bin/pip install compressed-tensors==0.17.0
VENV/bin/python -P tools/golden/compressed-tensors.py > test/golden/compressed-tensors-0.17.json && npx oxfmt test/golden
"""

import json

import compressed_tensors
import torch
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32

SEED = 20261122
ROWS, COLUMNS, GROUPS = 7, 36, 3

generator = torch.Generator().manual_seed(SEED)
cases = []
for bits in (2, 3, 4, 5, 6, 8):
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1)
    codes = torch.randint(low, high, (ROWS, COLUMNS), generator=generator, dtype=torch.int8)
    zero_points = torch.randint(low, high, (ROWS, GROUPS), generator=generator, dtype=torch.int8)
    cases.append(
        {
            "bits": bits,
            "rows": ROWS,
            "columns": COLUMNS,
            "groups": GROUPS,
            "signedCodes": codes.flatten().tolist(),
            "signedZeroPoints": zero_points.flatten().tolist(),
            "weightPacked": pack_to_int32(codes, bits).flatten().tolist(),
            "weightZeroPoint": pack_to_int32(zero_points, bits, packed_dim=0).flatten().tolist(),
        }
    )
source = {
    "program": f"compressed-tensors {compressed_tensors.__version__}, torch {torch.__version__}",
    "seed": SEED,
    "command": "tools/golden/compressed-tensors.py",
}
print(json.dumps({"source": source, "cases": cases}))
