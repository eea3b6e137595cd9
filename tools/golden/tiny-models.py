"""Writes tiny random models with the transformers library, and the logits it computes for one sequence.

    python -m venv VENV && VENV/bin/pip install torch==2.15.0 transformers==5.23.0
    VENV/bin/python tools/golden/tiny-models.py test/golden/tiny && npx oxfmt test/golden

Weights are stored in bfloat16; logits are computed in float32 from the stored values.
"""

import json
import pathlib
import sys

import torch
import transformers
from transformers import LlamaConfig, Qwen2Config, Qwen3Config

SEED = 20261122
POSITIONS = 24
SHAPE = dict(
    vocab_size=48,
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    bos_token_id=1,
    eos_token_id=2,
)

# Rope scaling is made to matter within 24 positions: small original contexts and a small base.
MODELS = {
    "llama": LlamaConfig(
        **SHAPE,
        rope_parameters=dict(
            rope_type="llama3",
            rope_theta=500.0,
            factor=4.0,
            low_freq_factor=1.0,
            high_freq_factor=4.0,
            original_max_position_embeddings=16,
        ),
    ),
    "llama-bias-linear": LlamaConfig(
        **{**SHAPE, "num_key_value_heads": 4},
        attention_bias=True,
        mlp_bias=True,
        tie_word_embeddings=True,
        rope_parameters=dict(rope_type="linear", rope_theta=100.0, factor=3.0),
    ),
    "qwen2": Qwen2Config(
        **SHAPE,
        tie_word_embeddings=True,
        rope_parameters=dict(
            rope_type="yarn", rope_theta=300.0, factor=4.0, original_max_position_embeddings=16
        ),
    ),
    "qwen2-dynamic": Qwen2Config(
        **{**SHAPE, "max_position_embeddings": 8},
        rope_parameters=dict(rope_type="dynamic", rope_theta=100.0, factor=2.0),
    ),
    "qwen3": Qwen3Config(
        **SHAPE, head_dim=16, tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=1000.0)
    ),
}


def write(name: str, config: transformers.PreTrainedConfig, directory: pathlib.Path) -> None:
    generator = torch.Generator().manual_seed(SEED)
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():
        for key, parameter in sorted(model.named_parameters()):
            center = 1.0 if "norm" in key else 0.0
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_((center + 0.2 * noise).bfloat16().float())
    tokens = torch.randint(0, config.vocab_size, (1, POSITIONS), generator=generator)
    with torch.no_grad():
        logits = model(tokens).logits[0]
    model.bfloat16().save_pretrained(directory / name)
    (directory / name / "generation_config.json").unlink(missing_ok=True)
    record = {
        "source": {
            "program": f"transformers {transformers.__version__}, torch {torch.__version__}, float32, eager attention",
            "seed": SEED,
            "command": "tools/golden/tiny-models.py test/golden/tiny",
        },
        "tokenIds": tokens[0].tolist(),
        "shape": list(logits.shape),
        "logits": [float(f"{value:.8g}") for value in logits.flatten().tolist()],
    }
    (directory / name / "logits.json").write_text(json.dumps(record) + "\n")
    print(name, sum(p.numel() for p in model.parameters()), float(logits.std()))


torch.set_num_threads(1)
for name, config in MODELS.items():
    write(name, config, pathlib.Path(sys.argv[1]))
