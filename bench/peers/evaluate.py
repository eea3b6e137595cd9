"""How far quantized models are from the model they come from, all by one program in float64: `python evaluate.py REQUEST.json`.

Request: source (a directory, full precision), texts (name -> .jsonl file of input_ids and, where not all
predictions count, counted: for each token whether what is predicted from it does), models (name -> directory in compressed-tensors, GPTQ, AWQ or
dense safetensors), linears (names of models without folded scales, whose linears can be compared one by one), predictions (false where they mean
nothing; then at most 2,048 tokens of each text are looked at).

For each model and text:
- half: ||f(h) - g(h)||^2 / ||f(h)||^2 of what attention and feed-forward halves f of a layer add, on the full model's own inputs h, mean of all halves;
- linear: ||X(W - Q)^T||^2 / ||XW^T||^2 on the full model's own inputs X, mean of all linears;
- divergence: mean KL of the next-token distribution from the full model's; perplexity.
Prints one line of JSON.
"""

import json
import os
import pathlib
import sys

os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", TRANSFORMERS_VERBOSITY="error")
request = json.load(open(sys.argv[1]))
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers import AutoConfig, AutoModelForCausalLM  # noqa: E402

torch.set_num_threads(request.get("threads", 1))
torch.set_default_dtype(torch.float64)


def fields(words, bits, count):
    """Unsigned integers of `bits` bits, packed without gaps into 32-bit words along the first dimension."""
    stream = np.unpackbits(np.ascontiguousarray(words).astype("<u4").view(np.uint8).reshape(*words.shape, 4), axis=-1, bitorder="little")
    stream = np.moveaxis(stream, -1, 1).reshape(words.shape[0] * 32, *words.shape[1:])
    stream = stream[: count * bits].reshape(count, bits, *words.shape[1:])
    return np.tensordot(stream, 1 << np.arange(bits), axes=(1, 0)).astype(np.int64)


def apart(words, bits, count):
    """The same where no field crosses a word, whose last bits are left over: compressed-tensors."""
    each = 32 // bits
    unsigned = words.astype(np.int64) & 0xFFFFFFFF
    parts = np.stack([(unsigned >> (bits * place)) & (2**bits - 1) for place in range(each)], axis=1)
    return parts.reshape(-1, *words.shape[1:])[:count]


def compressed(tensors, module, settings):
    """Of one configuration group; in 3 bits, older versions leave the last bits of each word empty."""
    rows, columns = (int(size) for size in tensors[f"{module}.weight_shape"])
    scale = tensors[f"{module}.weight_scale"].double().numpy()
    packed = tensors[f"{module}.weight_packed"].numpy()
    bits = next(iter(settings["config_groups"].values()))["weights"]["num_bits"]
    unpacked = fields if packed.shape[1] == -(-columns * bits // 32) else apart
    codes = unpacked(packed.T, bits, columns).T
    zero = tensors.get(f"{module}.weight_zero_point")
    zero = 2 ** (bits - 1) if zero is None else unpacked(zero.numpy(), bits, rows).repeat(columns // scale.shape[1], 1)
    return (codes - zero) * scale.repeat(columns // scale.shape[1], 1)


def gptq(tensors, module, settings):
    bits = settings["bits"]
    scale = tensors[f"{module}.scales"].double().numpy()
    group = tensors[f"{module}.g_idx"].numpy()
    codes = fields(tensors[f"{module}.qweight"].numpy(), bits, len(group))
    zero = fields(tensors[f"{module}.qzeros"].numpy().T, bits, scale.shape[1]).T
    later = settings.get("checkpoint_format", settings.get("format")) == "gptq_v2"
    return ((codes - (zero if later else zero + 1)[group]) * scale[group]).T


def awq(tensors, module, settings):
    def unpacked(words):
        unsigned = words.numpy().astype(np.int64) & 0xFFFFFFFF
        parts = np.stack([(unsigned >> (4 * place)) & 15 for place in (0, 4, 1, 5, 2, 6, 3, 7)], axis=-1)
        return parts.reshape(words.shape[0], -1)

    codes, zero = unpacked(tensors[f"{module}.qweight"]), unpacked(tensors[f"{module}.qzeros"])
    scale = tensors[f"{module}.scales"].double().numpy()
    each = codes.shape[0] // scale.shape[0]
    return ((codes - zero.repeat(each, 0)) * scale.repeat(each, 0)).T


def dense_weights(directory):
    tensors = {}
    for path in sorted(pathlib.Path(directory).glob("*.safetensors")):
        tensors.update(load_file(path))
    settings = json.load(open(f"{directory}/config.json")).get("quantization_config", {})
    weights = {name: tensor.double() for name, tensor in tensors.items() if name.rsplit(".")[-1] in ("weight", "bias")}
    for name in tensors:
        module, _, part = name.rpartition(".")
        if part == "weight_packed":
            weights[f"{module}.weight"] = torch.from_numpy(compressed(tensors, module, settings))
        if part == "qweight":
            read = awq if settings["quant_method"] == "awq" else gptq
            weights[f"{module}.weight"] = torch.from_numpy(np.ascontiguousarray(read(tensors, module, settings)))
    return weights


def load(directory):
    config = AutoConfig.from_pretrained(directory)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.torch_dtype = torch.float64
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float64, attn_implementation="sdpa").eval()
    outcome = model.load_state_dict(dense_weights(directory), strict=False)
    if outcome.unexpected_keys or set(outcome.missing_keys) - {"lm_head.weight"}:
        raise RuntimeError(str(outcome))
    model.tie_weights()
    return model


def halves(model):
    """What each half of each layer reads: the norm before it, its module, in order."""
    for layer in model.model.layers:
        yield layer.input_layernorm, layer.self_attn
        yield layer.post_attention_layernorm, layer.mlp


def linears(model):
    return {name: part for name, part in model.named_modules() if isinstance(part, torch.nn.Linear) and "lm_head" not in name}


def added(norm, part, hidden, extra):
    read = norm(hidden)
    return part(read) if not extra else part(read, **extra)[0]


class Watch:
    """Inputs of the halves and of the linears of the full model in one pass."""

    def __init__(self, model):
        self.hidden, self.extra, self.reads = {}, {}, {}
        self.hooks = []
        for index, (norm, part) in enumerate(halves(model)):
            self.hooks.append(norm.register_forward_pre_hook(lambda _, args, at=index: self.hidden.update({at: args[0]})))
            if index % 2 == 0:
                self.hooks.append(part.register_forward_pre_hook(lambda _, args, kwargs, at=index: self.note(at, kwargs), with_kwargs=True))
        for name, part in linears(model).items():
            self.hooks.append(part.register_forward_pre_hook(lambda _, args, at=name: self.reads.update({at: args[0]})))

    def note(self, at, kwargs):
        kept = ("position_embeddings", "attention_mask")
        self.extra[at] = {name: kwargs.get(name) for name in kept}


def square(tensor):
    return float((tensor * tensor).sum())


@torch.inference_mode()
def measure(full, watch, models, sequences):
    """Sums over batches of sequences of equal length, all models beside each other."""
    totals = {name: {"half": {}, "linear": {}, "kl": 0.0, "loss": 0.0} for name in models}
    whole = {"loss": 0.0, "predicted": 0}
    weights = {name: {at: part.weight for at, part in linears(models[name]).items()} for name in request["linears"] if name in models}
    for tokens, counted in batches(sequences):
        reference = predictions(full, tokens, counted)
        hidden, extra, reads = dict(watch.hidden), dict(watch.extra), dict(watch.reads)
        targets = tokens[:, 1:][counted][:, None]
        whole["predicted"] += targets.numel()
        whole["loss"] -= float(reference.gather(1, targets).sum()) if reference is not None else 0.0
        wanted = [added(norm, part, hidden[at], extra.get(at)) for at, (norm, part) in enumerate(halves(full))]
        # ||X W^T||^2 = tr(W G W^T)
        grams = {at: read.flatten(0, 1).T @ read.flatten(0, 1) for at, read in reads.items()}
        outputs = {at: float(((part.weight @ grams[at]) * part.weight).sum()) for at, part in linears(full).items()}
        for name, model in models.items():
            total = totals[name]
            scores = predictions(model, tokens, counted) if reference is not None else None
            if reference is not None:
                total["loss"] -= float(scores.gather(1, targets).sum())
                total["kl"] += float((reference.exp() * (reference - scores)).sum())
            for at, (norm, part) in enumerate(halves(model)):
                add(total["half"], at, square(added(norm, part, hidden[at], extra.get(at)) - wanted[at]), square(wanted[at]))
            for at, part in linears(full).items() if name in weights else ():
                difference = weights[name][at] - part.weight
                add(total["linear"], at, float(((difference @ grams[at]) * difference).sum()), outputs[at])
    predicted = whole["predicted"]
    return float(np.exp(whole["loss"] / predicted)), {
        name: {
            "half": mean(total["half"]),
            "linear": mean(total["linear"]),
            "divergence": total["kl"] / predicted if request["predictions"] else None,
            "perplexity": float(np.exp(total["loss"] / predicted)) if request["predictions"] else None,
        }
        for name, total in totals.items()
    }


def predictions(model, tokens, counted):
    """Logarithms of the probabilities that count, [predictions, vocabulary]; None where they are not asked for."""
    if request["predictions"]:
        return torch.log_softmax(model(tokens, use_cache=False).logits, -1)[:, :-1][counted]
    model.model(tokens, use_cache=False)
    return None


def batches(sequences):
    """Token ids [batch, length], and which of the predictions [batch, length - 1] count."""
    length = len(sequences[0]["input_ids"])
    if any(len(sequence["input_ids"]) != length for sequence in sequences):
        raise ValueError("expected sequences of one length")
    each = max(1, 2048 // length)
    last = len(sequences) if request["predictions"] else each
    for start in range(0, last, each):
        members = sequences[start : start + each]
        counted = [sequence.get("counted", [True] * length)[:-1] for sequence in members]
        yield torch.tensor([sequence["input_ids"] for sequence in members]), torch.tensor(counted)


def add(sums, at, error, whole):
    before = sums.get(at, (0.0, 0.0))
    sums[at] = before[0] + error, before[1] + whole


def mean(parts):
    return sum(error / whole for error, whole in parts.values()) / len(parts) if parts else None


full = load(request["source"])
watch = Watch(full)
texts = {name: [json.loads(line) for line in open(path)] for name, path in request["texts"].items()}
models = {}
for name, directory in request["models"].items():
    models[name] = load(directory)
    # Nobody rounds the embedding.
    models[name].model.embed_tokens = full.model.embed_tokens
    models[name].lm_head = full.lm_head
results = {name: {} for name in ["full", *models]}
for text, sequences in texts.items():
    perplexity, figures = measure(full, watch, models, sequences)
    results["full"][text] = {"perplexity": perplexity if request["predictions"] else None}
    for name in models:
        results[name][text] = figures[name]
json.dump(results, answers)
answers.write("\n")
answers.close()
