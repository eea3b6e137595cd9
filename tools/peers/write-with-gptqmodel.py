"""Writes quantized models with GPTQModel. Request: source (a directory), calibration (token ids), jobs: directory, method (gptq, awq), settings."""

import protocol

import torch
from gptqmodel import BACKEND, GPTQModel
from gptqmodel.quantization.config import AWQConfig, GPTQConfig

torch.set_num_threads(1)
request = protocol.request()
calibration = [
    {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
    for ids in request["calibration"]
]
for job in request["jobs"]:
    torch.manual_seed(0)
    config = {"gptq": GPTQConfig, "awq": AWQConfig}[job["method"]](**job["settings"])
    model = GPTQModel.load(request["source"], config, device="cpu")
    model.quantize(calibration, batch_size=1, backend=BACKEND.AUTO)
    model.save(job["directory"])
protocol.answer(["gptqmodel", "torch", "transformers"])
