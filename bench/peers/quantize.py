"""Quantizes a model with a peer, as its own documentation would have it: `python quantize.py REQUEST.json`, all on the CPU.

Request: program (llm-compressor, gptqmodel, autoround, autoawq), source and directory, calibration (a .jsonl file of input_ids), threads, dtype of the
loaded model (bfloat16, float32), settings of the program's own. Prints one line of JSON: seconds of loading, quantizing and saving, versions.
"""

import importlib.metadata
import json
import os
import sys
import time

os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", TRANSFORMERS_VERBOSITY="error")
request = json.load(open(sys.argv[1]))
os.environ["OMP_NUM_THREADS"] = str(request["threads"])
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import torch  # noqa: E402

torch.set_num_threads(request["threads"])
torch.manual_seed(0)
dtype = getattr(torch, request["dtype"])
sequences = [json.loads(line)["input_ids"] for line in open(request["calibration"])]
marks = [time.perf_counter()]


def mark():
    marks.append(time.perf_counter())


def llm_compressor():
    from datasets import Dataset
    from llmcompressor import oneshot
    from llmcompressor.modifiers.gptq import GPTQModifier
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from llmcompressor.modifiers.transform import AWQModifier, SmoothQuantModifier
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # AWQ of llm-compressor 0.14 pins memory whether there is a GPU or not.
    torch.Tensor.pin_memory = lambda tensor, *_: tensor
    kinds = {"quantization": QuantizationModifier, "gptq": GPTQModifier, "awq": AWQModifier, "smoothquant": SmoothQuantModifier}
    marks[0] = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(request["source"], dtype=dtype)
    tokenizer = AutoTokenizer.from_pretrained(request["source"])
    mark()
    oneshot(
        model=model,
        tokenizer=tokenizer,
        dataset=Dataset.from_list([{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in sequences]),
        recipe=[kinds[kind](**settings) for kind, settings in request["settings"]["modifiers"]],
        num_calibration_samples=len(sequences),
        max_seq_length=max(map(len, sequences)),
        # Their order is that of the file for every program.
        shuffle_calibration_samples=False,
    )
    mark()
    model.save_pretrained(request["directory"], save_compressed=True)
    tokenizer.save_pretrained(request["directory"])
    return ["llmcompressor", "compressed-tensors"]


def gptqmodel():
    from gptqmodel import BACKEND, GPTQModel
    from gptqmodel.quantization.config import AWQConfig, GPTQConfig

    marks[0] = time.perf_counter()
    settings = dict(request["settings"])
    config = {"gptq": GPTQConfig, "awq": AWQConfig}[settings.pop("method")](**settings)
    model = GPTQModel.load(request["source"], config, device="cpu", dtype=dtype)
    mark()
    rows = [{"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)} for ids in sequences]
    model.quantize(rows, batch_size=1, backend=BACKEND.AUTO)
    mark()
    model.save(request["directory"])
    return ["gptqmodel"]


def autoround():
    from auto_round import AutoRound
    from transformers import AutoModelForCausalLM, AutoTokenizer

    marks[0] = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(request["source"], dtype=dtype)
    tokenizer = AutoTokenizer.from_pretrained(request["source"])
    mark()
    batches = [{"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)} for ids in sequences]
    length = min(map(len, sequences))
    rounder = AutoRound(
        model,
        tokenizer,
        dataset=batches,
        nsamples=len(sequences),
        seqlen=length,
        device_map="cpu",
        enable_torch_compile=False,
        **request["settings"],
    )
    rounder.quantize()
    mark()
    rounder.save_quantized(request["directory"], format="fake")
    return ["auto-round"]


def autoawq():
    from awq import AutoAWQForCausalLM
    from transformers import AutoTokenizer

    marks[0] = time.perf_counter()
    model = AutoAWQForCausalLM.from_pretrained(request["source"], device_map="cpu", torch_dtype=dtype)
    tokenizer = AutoTokenizer.from_pretrained(request["source"])
    mark()
    model.quantize(tokenizer, quant_config=request["settings"], calib_data=sequences, max_calib_samples=len(sequences))
    mark()
    model.save_quantized(request["directory"])
    return ["autoawq"]


programs = {"llm-compressor": llm_compressor, "gptqmodel": gptqmodel, "autoround": autoround, "autoawq": autoawq}
libraries = programs[request["program"]]()
mark()
seconds = {name: end - start for name, start, end in zip(("load", "quantize", "save"), marks, marks[1:])}
versions = {name: importlib.metadata.version(name) for name in [*libraries, "torch", "transformers"]}
json.dump({"seconds": seconds, "versions": versions}, answers)
answers.write("\n")
answers.close()
