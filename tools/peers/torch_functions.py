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
