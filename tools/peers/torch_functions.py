import torch
from transformers import DynamicCache


def torch_functions(model):
    """What protocol.run() asks of a model of transformers: its logits of whole sequences, and of one that grows."""

    def logits_of(tokens, **options):
        with torch.inference_mode():
            return model(torch.tensor([tokens]), **options).logits[0].float().numpy()

    def begin():
        cache = DynamicCache(config=model.config)
        return lambda tokens: logits_of(tokens, past_key_values=cache, use_cache=True)

    return logits_of, begin


def unpack_once(model):
    """Has every linear of GPTQModel keep what its own unpacking gives, instead of unpacking at every call."""
    for module in model.modules():
        if hasattr(module, "qweight") and hasattr(module, "dequantize_weight"):
            with torch.inference_mode():
                weight = module.dequantize_weight()
            module.dequantize_weight = lambda num_itr=1, weight=weight: weight
