"""Writes quantized models with mlx-lm. Request: source (a directory), jobs: directory, bits, group_size, or recipe (a mixture that mlx-lm names)."""

import protocol

from mlx_lm import convert

request = protocol.request()
for job in request["jobs"]:
    convert(
        request["source"],
        job["directory"],
        quantize=True,
        q_bits=job.get("bits"),
        q_group_size=job["group_size"],
        quant_predicate=job.get("recipe"),
        dtype=job.get("dtype"),
    )
protocol.answer(["mlx", "mlx-lm"])
