"""Texts that a model writes, drawn token by token: `python sample.py MODEL COUNT LENGTH SEED FILE.jsonl` writes one JSON line {input_ids} a text."""

import json
import os
import sys

os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", OMP_NUM_THREADS="1")
import torch  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

torch.set_num_threads(1)
directory, count, length, seed, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
torch.manual_seed(seed)
tokens = torch.full((count, 1), model.config.bos_token_id)
with torch.inference_mode():
    past = None
    while tokens.shape[1] < length:
        output = model(tokens if past is None else tokens[:, -1:], past_key_values=past, use_cache=True)
        past = output.past_key_values
        drawn = torch.multinomial(torch.softmax(output.logits[:, -1], -1), 1)
        tokens = torch.cat([tokens, drawn], 1)
with open(path, "w") as file:
    for row in tokens.tolist():
        file.write(json.dumps({"input_ids": row}) + "\n")
