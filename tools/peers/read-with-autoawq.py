"""Runs AWQ models with the unpacking code of AutoAWQ, in float32 (see protocol.py); its kernels need a GPU."""

import protocol

import pathlib

import torch
from awq.utils.packing_utils import dequantize_gemm
from safetensors.torch import load_file
from torch_functions import torch_functions
from transformers import AutoConfig, AutoModelForCausalLM

torch.set_num_threads(1)


def dense_weights(directory, settings):
    tensors = {}
    for path in sorted(pathlib.Path(directory).glob("*.safetensors")):
        tensors.update(load_file(path))
    weights = {name: tensor.float() for name, tensor in tensors.items() if tensor.is_floating_point()}
    for name in [name for name in tensors if name.endswith(".qweight")]:
        module = name.removesuffix(".qweight")
        scales = weights.pop(f"{module}.scales")
        group_size = settings["group_size"] if settings["group_size"] > 0 else tensors[name].shape[0]
        unpacked = dequantize_gemm(tensors[name], tensors[f"{module}.qzeros"], scales, settings["bits"], group_size)
        weights[f"{module}.weight"] = unpacked.T.contiguous()
    return weights


def run(job):
    config = AutoConfig.from_pretrained(job["directory"])
    settings = config.quantization_config
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    outcome = model.load_state_dict(dense_weights(job["directory"], settings), strict=False)
    if outcome.unexpected_keys or set(outcome.missing_keys) - {"lm_head.weight"}:
        raise RuntimeError(str(outcome))
    model.tie_weights()
    logits_of, begin = torch_functions(model)
    return protocol.run(job, logits_of, begin)


results = [run(job) for job in protocol.request()["jobs"]]
protocol.answer(["autoawq", "torch", "transformers"], results=results)
