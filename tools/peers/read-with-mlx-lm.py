"""Runs MLX models with mlx-lm in float32 (see protocol.py): scales and biases are widened after loading, which changes none of them."""

import protocol

import mlx.core as mx
import numpy
from mlx_lm import load
from mlx_lm.models.cache import make_prompt_cache

mx.set_default_device(mx.cpu)


def run(job):
    model, _ = load(job["directory"])
    model.set_dtype(mx.float32)

    def begin():
        cache = make_prompt_cache(model)
        return lambda tokens: numpy.array(model(mx.array([tokens]), cache=cache)[0])

    return protocol.run(job, lambda tokens: numpy.array(model(mx.array([tokens]))[0]), begin)


results = [run(job) for job in protocol.request()["jobs"]]
protocol.answer(["mlx", "mlx-lm"], results=results)
