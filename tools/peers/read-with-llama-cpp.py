"""Runs GGUF files with llama.cpp (see protocol.py), texts are tokenized too.

Its CPU kernels round the input of a low-bit linear to 8 bits. A build with OpenBLAS multiplies 32 and more tokens in float32 instead, where weights
are not repacked; so every sequence is made that long by tokens at its end, which change nothing before them. Jobs with native run as llama.cpp
runs by default, but for one token after another.
"""

import protocol

import llama_cpp
import numpy

default_parameters = llama_cpp.llama_cpp.llama_model_default_params


def run(job):
    native = job.get("native", False)

    def parameters():
        settings = default_parameters()
        settings.use_extra_bufts = native
        return settings

    llama_cpp.llama_cpp.llama_model_default_params = parameters
    model = llama_cpp.Llama(
        model_path=job["directory"],
        n_ctx=256,
        n_batch=1 if native else 256,
        n_ubatch=256,
        n_threads=1,
        n_threads_batch=1,
        n_gpu_layers=0,
        logits_all=True,
        flash_attn=False,
        type_k=llama_cpp.GGML_TYPE_F32,
        type_v=llama_cpp.GGML_TYPE_F32,
        verbose=False,
    )

    def logits_of(tokens):
        model.reset()
        model.eval(tokens + [0] * (0 if native else 32 - len(tokens)))
        return numpy.array(model.scores[: len(tokens)])

    answer = protocol.run(job, logits_of)
    token_ids = [model.tokenize(text.encode(), add_bos=False, special=True) for text in job.get("texts", [])]
    model.close()
    return {**answer, "tokenIds": token_ids}


results = [run(job) for job in protocol.request()["jobs"]]
protocol.answer(["llama-cpp-python"], results=results)
