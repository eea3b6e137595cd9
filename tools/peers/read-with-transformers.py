"""Runs model directories with transformers in float32 (see protocol.py): with compressed-tensors, with GPTQModel (through optimum), with PEFT.

Low-bit weights of compressed-tensors are decompressed when they are first used, to float32. GPTQModel takes half precision only: such jobs name
the kernel as backend, are loaded in fp16, in which scales are stored, and widened then. Jobs may add: conversations (questions of a user, answered
greedily until the end token, at most maxNewTokens), adapter (a PEFT directory).
"""

import protocol

import torch
from torch_functions import torch_functions, unpack_once
from transformers import AutoModelForCausalLM, AutoTokenizer, GPTQConfig

torch.set_num_threads(1)


def load(job):
    if "backend" not in job:
        return AutoModelForCausalLM.from_pretrained(job["directory"], dtype=torch.float32)
    # A compiler would only be in the way of models this small.
    torch.compile = lambda function=None, **_: function
    settings = GPTQConfig(bits=job["bits"], backend=job["backend"])
    model = AutoModelForCausalLM.from_pretrained(
        job["directory"], dtype=torch.float16, device_map="cpu", quantization_config=settings
    )
    # The method of transformers refuses quantized models.
    model = torch.nn.Module.float(model)
    unpack_once(model)
    return model


def converse(model, tokenizer, question, count):
    messages = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**prompt, do_sample=False, max_new_tokens=count)
    prompt_ids = prompt["input_ids"][0].tolist()
    completion = output[0, len(prompt_ids) :].tolist()
    if completion[-1] == tokenizer.eos_token_id:
        completion.pop()
    return {"promptIds": prompt_ids, "completionIds": completion}


def run(job):
    model = load(job)
    if "adapter" in job:
        # Imported where it is used: it takes seconds.
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, job["adapter"])
    model.eval()
    logits_of, begin = torch_functions(model)
    tokenizer = AutoTokenizer.from_pretrained(job["directory"])
    with torch.inference_mode():
        conversations = [converse(model, tokenizer, text, job["maxNewTokens"]) for text in job.get("conversations", [])]
    return {**protocol.run(job, logits_of, begin), "conversations": conversations}


results = [run(job) for job in protocol.request()["jobs"]]
protocol.answer(["torch", "transformers", "compressed-tensors", "peft"], results=results)
