"""Next-token distributions after the transformers library's own processors, for random logits and settings.

    python -m venv VENV && VENV/bin/pip install torch==2.15.0 transformers==5.23.0
    VENV/bin/python tools/golden/sampling.py > test/golden/sampling.json && npx oxfmt test/golden/sampling.json

The order is that of `GenerationMixin._get_logits_processor`: repetition penalty, temperature, top-k, top-p, min-p.
"""

import json

import torch
import transformers
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

SEED = 20261122
SETTINGS = [
    dict(temperature=1.0),
    dict(temperature=0.6, topP=0.95),
    dict(temperature=1.5, topK=7),
    dict(temperature=0.7, topK=12, topP=0.8),
    dict(temperature=1.0, minP=0.1),
    dict(temperature=1.2, topK=20, topP=0.9, minP=0.05),
    dict(temperature=0.8, topP=0.9, repetitionPenalty=1.3),
]


def processors(options: dict) -> LogitsProcessorList:
    chain = LogitsProcessorList()
    if "repetitionPenalty" in options:
        chain.append(RepetitionPenaltyLogitsProcessor(options["repetitionPenalty"]))
    chain.append(TemperatureLogitsWarper(options["temperature"]))
    if "topK" in options:
        chain.append(TopKLogitsWarper(options["topK"]))
    if "topP" in options:
        chain.append(TopPLogitsWarper(options["topP"]))
    if "minP" in options:
        chain.append(MinPLogitsWarper(options["minP"]))
    return chain


generator = torch.Generator().manual_seed(SEED)
cases = []
for options in SETTINGS:
    for _ in range(3):
        logits = (3 * torch.randn(1, 40, generator=generator)).float()
        seen = torch.randint(0, 40, (1, 6), generator=generator)
        probabilities = processors(options)(seen, logits.clone()).softmax(-1)[0]
        cases.append(
            {
                "options": options,
                "seen": seen[0].tolist(),
                "logits": logits[0].tolist(),
                "probabilities": [float(f"{value:.6g}") for value in probabilities.tolist()],
            }
        )
print(
    json.dumps(
        {
            "source": {
                "program": f"transformers {transformers.__version__}, torch {torch.__version__}",
                "seed": SEED,
                "command": "tools/golden/sampling.py",
            },
            "cases": cases,
        }
    )
)
