"""Random blocks of every tensor type and their values by gguf-py, and a small model file written by its GGUFWriter.

python -m venv VENV && VENV/bin/pip install gguf==0.19.0 numpy==2.4.6
VENV/bin/python tools/golden/gguf-files.py test/golden/gguf && npx oxfmt test/golden/gguf

Q2_0 is unknown to gguf 0.19.0; its blocks are checked by llama.cpp itself (test/peers).
"""

import base64
import json
import sys
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize, quantize

SEED = 20261122
BLOCKS = 3
random = np.random.default_rng(SEED)
directory = Path(sys.argv[1])
directory.mkdir(parents=True, exist_ok=True)

# Byte offsets of the fp16 numbers in a block: random bits there could be infinite.
HALVES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.IQ4_NL: [0], T.TQ2_0: [64],
    T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208],
}
encode = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()

cases = []
for kind, halves in HALVES.items():
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    count = BLOCKS * (8 if elements == 32 else 1)
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for at in halves:
        blocks[:, at : at + 2] = random.normal(0, 0.05, (count, 1)).astype(np.float16).view(np.uint8)
    values = dequantize(blocks.reshape(1, -1), kind)
    cases.append({"type": kind.name, "blocks": encode(blocks), "values": encode(values.astype("<f4"))})

HIDDEN, WIDE, HEADS, SIZE = 32, 64, 4, 48
expected = {}
writer = gguf.GGUFWriter(directory / "written-by-gguf-py.gguf", "llama")
writer.add_context_length(64)
writer.add_embedding_length(HIDDEN)
writer.add_block_count(1)
writer.add_feed_forward_length(WIDE)
writer.add_head_count(HEADS)
writer.add_head_count_kv(2)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_freq_base(10000.0)
writer.add_rope_dimension_count(HIDDEN // HEADS)
writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
writer.add_quantization_version(2)
writer.add_tokenizer_model("gpt2")
writer.add_tokenizer_pre("llama-bpe")
writer.add_token_list([chr(65 + index) for index in range(45)] + ["AB", "<s>", "</s>"])
writer.add_token_types([1] * 46 + [3, 3])
writer.add_token_merges(["A B"])
writer.add_bos_token_id(46)
writer.add_eos_token_id(47)
writer.add_chat_template("{{ messages[0].content }}")


def permute(weights):
    """`LlamaModel.permute` of llama.cpp's convert_hf_to_gguf.py."""
    heads = weights.shape[0] // (HIDDEN // HEADS)
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def add(name, hub_name, shape, kind, permuted=False):
    values = random.normal(0, 0.1, shape).astype(np.float32)
    stored = values if kind == T.F32 else dequantize(quantize(values, kind), kind)
    expected[hub_name] = encode(stored.astype("<f4"))
    ordered = permute(values) if permuted else values
    writer.add_tensor(name, ordered if kind == T.F32 else quantize(ordered, kind), raw_dtype=kind)


add("token_embd.weight", "model.embed_tokens.weight", (SIZE, HIDDEN), T.Q8_0)
add("output_norm.weight", "model.norm.weight", (HIDDEN,), T.F32)
add("output.weight", "lm_head.weight", (SIZE, HIDDEN), T.F16)
layer = "model.layers.0."
add("blk.0.attn_norm.weight", layer + "input_layernorm.weight", (HIDDEN,), T.F32)
add("blk.0.ffn_norm.weight", layer + "post_attention_layernorm.weight", (HIDDEN,), T.F32)
add("blk.0.attn_q.weight", layer + "self_attn.q_proj.weight", (HIDDEN, HIDDEN), T.Q4_0, permuted=True)
add("blk.0.attn_k.weight", layer + "self_attn.k_proj.weight", (HIDDEN // 2, HIDDEN), T.BF16, permuted=True)
add("blk.0.attn_v.weight", layer + "self_attn.v_proj.weight", (HIDDEN // 2, HIDDEN), T.Q4_1)
add("blk.0.attn_output.weight", layer + "self_attn.o_proj.weight", (HIDDEN, HIDDEN), T.Q5_0)
add("blk.0.ffn_gate.weight", layer + "mlp.gate_proj.weight", (WIDE, HIDDEN), T.Q5_1)
add("blk.0.ffn_up.weight", layer + "mlp.up_proj.weight", (WIDE, HIDDEN), T.Q8_0)
add("blk.0.ffn_down.weight", layer + "mlp.down_proj.weight", (HIDDEN, WIDE), T.Q4_0)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

source = {
    "program": f"gguf-py 0.19.0, numpy {np.__version__}",
    "seed": SEED,
    "command": "tools/golden/gguf-files.py test/golden/gguf",
}
document = {"source": source, "cases": cases, "parameters": expected}
(directory / "gguf.json").write_text(json.dumps(document))
