"""Runs a model directory with transformers (and compressed-tensors, and peft): one JSON request on stdin, one JSON answer on stdout.

Request: directory, sequences (token ids), and where wanted conversations (questions of a user) with maxNewTokens, adapter (a PEFT
directory), dequantize (low-bit weights become float32 while they are loaded, instead of when they are first used).
Answer: logits of every sequence, flat [tokens * vocabulary]; token ids of every conversation and its greedy completion; versions.
"""

import importlib.metadata
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, CompressedTensorsConfig

torch.set_num_threads(1)
request = json.load(sys.stdin)
directory = request["directory"]
tokenizer = AutoTokenizer.from_pretrained(directory)
options = {"quantization_config": CompressedTensorsConfig(dequantize=True)} if request.get("dequantize") else {}
model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, **options)
names = ["torch", "transformers", "compressed-tensors"]
if "adapter" in request:
    # Imported where it is used: it takes seconds.
    from peft import PeftModel

    model = PeftModel.from_pretrained(model, request["adapter"])
    names.append("peft")
model.eval()

answer = {
    "versions": {name: importlib.metadata.version(name) for name in names},
    "dataTypes": sorted({str(parameter.dtype) for parameter in model.parameters() if parameter.is_floating_point()}),
    "logits": [],
    "conversations": [],
}
with torch.inference_mode():
    for sequence in request["sequences"]:
        answer["logits"].append(model(torch.tensor([sequence])).logits.flatten().tolist())
    for question in request.get("conversations", []):
        messages = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        output = model.generate(**prompt, do_sample=False, max_new_tokens=request["maxNewTokens"])
        prompt_ids = prompt["input_ids"][0].tolist()
        completion = output[0, len(prompt_ids) :].tolist()
        if completion[-1] == tokenizer.eos_token_id:
            completion.pop()
        answer["conversations"].append({"promptIds": prompt_ids, "completionIds": completion})
json.dump(answer, sys.stdout)
