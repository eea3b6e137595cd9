"""Writes quantized models with llm-compressor. Request: source (a directory), calibration (token ids), jobs: directory, modifiers.

A modifier is {"kind": "quantization" | "gptq" | "awq" | "smoothquant", ...its own settings}.
"""

import protocol

import torch
from datasets import Dataset
from llmcompressor import oneshot
from llmcompressor.modifiers.gptq import GPTQModifier
from llmcompressor.modifiers.quantization import QuantizationModifier
from llmcompressor.modifiers.transform import AWQModifier, SmoothQuantModifier
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)
# AWQ of llm-compressor 0.14 pins memory whether there is a GPU or not.
torch.Tensor.pin_memory = lambda tensor, *_: tensor
request = protocol.request()
kinds = {
    "quantization": QuantizationModifier,
    "gptq": GPTQModifier,
    "awq": AWQModifier,
    "smoothquant": SmoothQuantModifier,
}
rows = [{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in request["calibration"]]
for job in request["jobs"]:
    model = AutoModelForCausalLM.from_pretrained(request["source"], dtype=torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained(request["source"])
    modifiers = [kinds[settings.pop("kind")](**settings) for settings in job["modifiers"]]
    oneshot(
        model=model,
        tokenizer=tokenizer,
        dataset=Dataset.from_list(rows),
        recipe=modifiers,
        num_calibration_samples=len(rows),
        max_seq_length=max(map(len, request["calibration"])),
    )
    model.save_pretrained(job["directory"], save_compressed=True)
    tokenizer.save_pretrained(job["directory"])
protocol.answer(["llmcompressor", "compressed-tensors", "torch", "transformers"])
