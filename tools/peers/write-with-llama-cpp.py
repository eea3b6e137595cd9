"""Writes GGUF files with llama.cpp: its converter from Hugging Face directories, then its own quantizer.

Request: source (a directory), unquantized (path of the F32 file), jobs: directory (path of a file), type (a name of llama.cpp's file types, e.g. Q4_K_M).
"""

import protocol

import os
import sys

import llama_cpp

# Beside the environment: see environment.ts.
sys.path.insert(0, os.path.join(sys.prefix, "llama.cpp"))
import convert_hf_to_gguf
from conversion.base import TextModel

request = protocol.request()
# The converter knows tokenizers by a hash of what they do; ours splits text as Qwen2 does.
TextModel.get_vocab_base_pre = lambda *_: "qwen2"
sys.argv = ["convert_hf_to_gguf.py", request["source"], "--outtype", "f32", "--outfile", request["unquantized"]]
convert_hf_to_gguf.main()

for job in request["jobs"]:
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{job['type']}")
    parameters.nthread = 1
    paths = [request["unquantized"].encode(), job["directory"].encode()]
    status = llama_cpp.llama_model_quantize(*paths, parameters)
    if status != 0:
        raise RuntimeError(f"llama_model_quantize() gave {status} for {job}")
protocol.answer(["llama-cpp-python", "gguf"])
