"""Golden values for the divergence of next-token distributions, and for perplexity: the transformers library in float64, with linears of the tiny models
rounded to nearest by numpy (asymmetric, scales in float16), and KL(original || changed) averaged over the counted positions.

Run: python3 -P tools/golden/divergence.py > test/golden/divergence.json && npx oxfmt test/golden/divergence.json
(torch, transformers, numpy)
"""

import json
import pathlib

import numpy as np
import torch
import transformers

TINY = pathlib.Path(__file__).parent.parent.parent / "test" / "golden" / "tiny"
SEED = 20261122
GROUP = 8


def rounded(weight, bits):
    groups = weight.astype(np.float64).reshape(-1, GROUP)
    low = np.minimum(groups.min(axis=1), 0)
    high = np.maximum(groups.max(axis=1), 0)
    top = 2**bits - 1
    scale = ((high - low) / top).astype(np.float16).astype(np.float64)
    zero = np.minimum(top, np.round(-low / scale))
    codes = np.clip(np.round(groups / scale[:, None]) + zero[:, None], 0, top)
    return ((codes - zero[:, None]) * scale[:, None]).reshape(weight.shape)


def log_probabilities(model, sequences):
    with torch.no_grad():
        return [torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), dim=-1) for ids in sequences]


def divergence(original, changed, counted):
    values = []
    for reference, other, mask in zip(original, changed, counted):
        each = (reference.exp() * (reference - other)).sum(dim=-1)
        values += [value for value, counts in zip(each.tolist(), mask) if counts]
    return sum(values) / len(values)


def cases(name):
    model = transformers.AutoModelForCausalLM.from_pretrained(TINY / name, dtype=torch.float64)
    generator = np.random.default_rng(SEED)
    lengths = [11, 7, 7, 3]
    sequences = [generator.integers(0, model.config.vocab_size, length).tolist() for length in lengths]
    counted = [(np.arange(length) >= length // 3).tolist() for length in lengths]
    original = log_probabilities(model, sequences)
    modules = {key: module for key, module in model.named_modules() if key.endswith("_proj")}
    kept = {key: module.weight.data.clone() for key, module in modules.items()}
    changes = [
        {"bits": 3, "modules": ["model.layers.0.self_attn.q_proj"]},
        {"bits": 2, "modules": ["model.layers.1.mlp.gate_proj", "model.layers.1.mlp.up_proj"]},
        {"bits": 4, "modules": list(modules)},
    ]
    for change in changes:
        for key in change["modules"]:
            modules[key].weight.data = torch.from_numpy(rounded(kept[key].float().numpy(), change["bits"]))
        value = divergence(original, log_probabilities(model, sequences), counted)
        for key in change["modules"]:
            modules[key].weight.data = kept[key]
        yield {"model": name, **change, "sequences": sequences, "counted": counted, "divergence": value}


def losses(name):
    """The library's own loss: mean over the tokens after the first of each sequence."""
    model = transformers.AutoModelForCausalLM.from_pretrained(TINY / name, dtype=torch.float64)
    generator = np.random.default_rng(SEED + 1)
    lengths = [20, 9, 2]
    sequences = [generator.integers(0, model.config.vocab_size, length).tolist() for length in lengths]
    with torch.no_grad():
        means = [model(torch.tensor([ids]), labels=torch.tensor([ids])).loss.item() for ids in sequences]
    counts = [length - 1 for length in lengths]
    mean = sum(m * n for m, n in zip(means, counts)) / sum(counts)
    return {"model": name, "sequences": sequences, "meanLoss": mean}


print(
    json.dumps(
        {
            "source": f"transformers {transformers.__version__}, torch {torch.__version__}, numpy {np.__version__}, seed {SEED}: python3 -P tools/golden/divergence.py",
            "groupSize": GROUP,
            "cases": [case for name in ["llama", "qwen3"] for case in cases(name)],
            "losses": [losses(name) for name in ["llama", "qwen3"]],
        }
    )
)
