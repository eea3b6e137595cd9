"""How a peer program is asked and answers: one JSON request on stdin, one JSON answer on stdout; what libraries print goes to stderr.

A reader is asked jobs: directory (or file), sequences (token ids) and, where wanted, prompts (token ids) with maxNewTokens. It answers, for each job,
logits [tokens, vocabulary] of every sequence, in base64 of little-endian float32, and completions: greedy tokens, without a stop.
"""

import base64
import importlib.metadata
import json
import os
import sys

# Set before a library is imported.
os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", OMP_NUM_THREADS="1", TRANSFORMERS_VERBOSITY="error")
_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def request():
    return json.load(sys.stdin)


def answer(libraries, **content):
    versions = {name: importlib.metadata.version(name) for name in libraries}
    json.dump({"versions": versions, **content}, _answers)
    _answers.close()


def encode(logits):
    """logits: numpy array [tokens, vocabulary]."""
    return base64.b64encode(logits.astype("<f4").tobytes()).decode()


def run(job, logits_of, begin=None):
    """Answers one job.

    logits_of(tokens) gives a numpy array [tokens, vocabulary]; begin() gives a function that does so for the tokens that follow those it was given
    before. Without it, completions are computed whole again for every token.
    """
    completions = []
    for prompt in job.get("prompts", []):
        completion = []
        extend = begin() if begin is not None else None
        for _ in range(job["maxNewTokens"]):
            logits = logits_of(prompt + completion) if extend is None else extend(completion[-1:] or prompt)
            completion.append(int(logits[-1].argmax()))
        completions.append(completion)
    logits = [encode(logits_of(sequence)) for sequence in job["sequences"]]
    return {"logits": logits, "completions": completions}
