"""Runs model directories with transformers, compressed-tensors and PEFT in float32 (see protocol.py).

Low-bit weights are decompressed when they are first used, to float32. Jobs may add: conversations (questions of a user, answered greedily until
the end token, at most maxNewTokens), adapter (a PEFT directory).
"""

import protocol

import torch
from torch_functions import torch_functions
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)


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
    directory = job["directory"]
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    if "adapter" in job:
        # Imported where it is used: it takes seconds.
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, job["adapter"])
    model.eval()
    logits_of, begin = torch_functions(model)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    with torch.inference_mode():
        conversations = [converse(model, tokenizer, text, job["maxNewTokens"]) for text in job.get("conversations", [])]
    return {**protocol.run(job, logits_of, begin), "conversations": conversations}


results = [run(job) for job in protocol.request()["jobs"]]
protocol.answer(["torch", "transformers", "compressed-tensors", "peft"], results=results)
