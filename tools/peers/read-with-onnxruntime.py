"""Runs ONNX directories with onnxruntime (see protocol.py); sequences whole, completions token by token through the cache."""

import protocol

import numpy
import onnxruntime


def run(job):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(job["directory"] + "/onnx/model.onnx", options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    pasts = [entry for entry in session.get_inputs() if entry.name.startswith("past_key_values")]

    def begin():
        state = {"length": 0, "cache": {}}

        def extend(tokens):
            before, cache = state["length"], state["cache"]
            state["length"] = after = before + len(tokens)
            feeds = {
                "input_ids": numpy.array([tokens], dtype=numpy.int64),
                "attention_mask": numpy.ones((1, after), dtype=numpy.int64),
                "position_ids": numpy.arange(before, after, dtype=numpy.int64)[None],
            }
            for entry in pasts:
                empty = numpy.zeros((1, entry.shape[1], 0, entry.shape[3]), numpy.float32)
                feeds[entry.name] = cache.get(entry.name.replace("past_key_values", "present"), empty)
            state["cache"] = dict(zip(outputs, session.run(None, feeds)))
            return state["cache"]["logits"][0]

        return extend

    return protocol.run(job, lambda tokens: begin()(tokens), begin)


results = [run(job) for job in protocol.request()["jobs"]]
protocol.answer(["onnxruntime"], results=results)
