"""Loss and gradients of whole two-layer Qwen3-style models (grouped queries, query and key norms, tied and untied head) in float64.

python tools/golden/model-gradients.py > test/golden/model-gradients.json     (needs: pip install torch numpy)
Written from the papers with PyTorch's autograd; shares no code and no operator with bitmend. Rotary angles, cosines and sines are
rounded to float32, as the transformers library makes them.
"""

import base64
import json
import platform

import numpy
import torch

SEED = 20261122
BATCH, TOKENS = 3, 7
SIZES = {
    "vocab_size": 19,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "max_position_embeddings": 64,
}


def shapes(tied):
    hidden, inner, width = SIZES["hidden_size"], SIZES["intermediate_size"], SIZES["head_dim"]
    queries, keys = SIZES["num_attention_heads"] * width, SIZES["num_key_value_heads"] * width
    found = {"model.embed_tokens.weight": (SIZES["vocab_size"], hidden), "model.norm.weight": (hidden,)}
    for layer in range(SIZES["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        found |= {
            prefix + "input_layernorm.weight": (hidden,),
            prefix + "self_attn.q_proj.weight": (queries, hidden),
            prefix + "self_attn.k_proj.weight": (keys, hidden),
            prefix + "self_attn.v_proj.weight": (keys, hidden),
            prefix + "self_attn.o_proj.weight": (hidden, queries),
            prefix + "self_attn.q_norm.weight": (width,),
            prefix + "self_attn.k_norm.weight": (width,),
            prefix + "post_attention_layernorm.weight": (hidden,),
            prefix + "mlp.gate_proj.weight": (inner, hidden),
            prefix + "mlp.up_proj.weight": (inner, hidden),
            prefix + "mlp.down_proj.weight": (hidden, inner),
        }
    return found if tied else found | {"lm_head.weight": (SIZES["vocab_size"], hidden)}


def norm(x, weight):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + SIZES["rms_norm_eps"]) * weight


def rotate(x):
    half = SIZES["head_dim"] // 2
    frequency = (SIZES["rope_theta"] ** (-numpy.arange(half) / half)).astype(numpy.float32)
    angle = (numpy.arange(TOKENS, dtype=numpy.float32)[:, None] * frequency[None, :]).astype(numpy.float64)
    cos, sin = (torch.from_numpy(f(angle).astype(numpy.float32).astype(numpy.float64)) for f in (numpy.cos, numpy.sin))
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def forward(parameters, ids):
    heads, shared, width = SIZES["num_attention_heads"], SIZES["num_key_value_heads"], SIZES["head_dim"]
    x = parameters["model.embed_tokens.weight"][ids]
    hidden_above = torch.triu(torch.full((TOKENS, TOKENS), float("-inf"), dtype=torch.float64), 1)
    for layer in range(SIZES["num_hidden_layers"]):
        get = lambda name: parameters[f"model.layers.{layer}.{name}.weight"]
        y = norm(x, get("input_layernorm"))
        split = lambda name, count: (y @ get(f"self_attn.{name}_proj").T).view(BATCH, TOKENS, count, width)
        query = rotate(norm(split("q", heads), get("self_attn.q_norm")).transpose(1, 2))
        key = rotate(norm(split("k", shared), get("self_attn.k_norm")).transpose(1, 2))
        value = split("v", shared).transpose(1, 2)
        key, value = (t.repeat_interleave(heads // shared, 1) for t in (key, value))
        weights = torch.softmax(query @ key.transpose(2, 3) / width**0.5 + hidden_above, -1)
        attended = (weights @ value).transpose(1, 2).reshape(BATCH, TOKENS, heads * width)
        x = x + attended @ get("self_attn.o_proj").T
        y = norm(x, get("post_attention_layernorm"))
        gate = y @ get("mlp.gate_proj").T
        x = x + (gate * torch.sigmoid(gate) * (y @ get("mlp.up_proj").T)) @ get("mlp.down_proj").T
    head = parameters.get("lm_head.weight", parameters["model.embed_tokens.weight"])
    return norm(x, parameters["model.norm.weight"]) @ head.T


def encode(array):
    return base64.b64encode(array.tobytes()).decode()


def model(tied):
    random = numpy.random.default_rng(SEED)
    values = {
        name: (random.normal(1, 0.1, shape) if len(shape) == 1 else random.normal(0, shape[1] ** -0.5, shape)).astype(numpy.float32)
        for name, shape in shapes(tied).items()
    }
    ids, targets = (random.integers(0, SIZES["vocab_size"], (BATCH, TOKENS)) for _ in range(2))
    weights = random.integers(0, 4, BATCH * TOKENS) / 8  # exact in float32, some 0
    parameters = {name: torch.from_numpy(value.astype(numpy.float64)).requires_grad_() for name, value in values.items()}
    log_probabilities = torch.log_softmax(forward(parameters, torch.from_numpy(ids)), -1).reshape(BATCH * TOKENS, -1)
    picked = log_probabilities.gather(1, torch.from_numpy(targets.reshape(-1, 1))).reshape(-1)
    loss = -(picked * torch.from_numpy(weights)).sum()
    loss.backward()
    return {
        "config": SIZES | {"model_type": "qwen3", "tie_word_embeddings": tied},
        "batch": BATCH,
        "tokens": TOKENS,
        "ids": ids.reshape(-1).tolist(),
        "targets": targets.reshape(-1).tolist(),
        "weights": weights.tolist(),
        "loss": loss.item(),
        "parameters": [
            {
                "name": name,
                "float32": encode(values[name]),
                "gradientFloat64": encode(parameter.grad.numpy()),
            }
            for name, parameter in parameters.items()
        ],
    }


versions = f"torch {torch.__version__}, numpy {numpy.__version__}, Python {platform.python_version()}"
source = f"tools/golden/model-gradients.py, {versions}, seed {SEED}: python tools/golden/model-gradients.py > test/golden/model-gradients.json"
print(json.dumps({"source": source, "models": {"a tied head": model(True), "untied head": model(False)}}, indent=2))
