"""Runs GPTQ and AWQ models with GPTQModel's own unpacking, in float32 (see protocol.py).

Its CPU kernels take half precision only; so a model is loaded in fp16, in which scales are stored, and its parameters are widened then:
codes times fp16 scales are exact in float32. Jobs name the backend; half runs the kernels as they are.
"""

import protocol

import torch
from gptqmodel import BACKEND, GPTQModel
from gptqmodel.nn_modules.qlinear.torch_awq import AwqTorchLinear
from gptqmodel.quantization.awq.utils.packing_utils import dequantize_gemm
from torch_functions import torch_functions, unpack_once

torch.set_num_threads(1)
# A compiler would only be in the way of models this small.
torch.compile = lambda function=None, **_: function
half_forward = AwqTorchLinear.forward


def wide_forward(linear, inputs):
    """AwqTorchLinear.forward() without its rounding to half precision."""
    if not hasattr(linear, "wide_weight"):
        parts = (linear.qweight, linear.qzeros, linear.scales)
        linear.wide_weight = dequantize_gemm(*parts, linear.bits, linear.group_size)
    outputs = torch.matmul(inputs, linear.wide_weight)
    return outputs if linear.bias is None else outputs + linear.bias


def run(job):
    half = job.get("half", False)
    AwqTorchLinear.forward = half_forward if half else wide_forward
    model = GPTQModel.load(job["directory"], device="cpu", backend=BACKEND[job["backend"]], dtype=torch.float16).model
    model = model.eval() if half else model.float().eval()
    unpack_once(model)
    logits_of, begin = torch_functions(model)
    return protocol.run(job, logits_of, begin)


results = [run(job) for job in protocol.request()["jobs"]]
protocol.answer(["gptqmodel", "torch", "transformers"], results=results)
