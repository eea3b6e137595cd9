"""Golden values for training: AdamW and gradient clipping by torch, the DPO and distillation losses with their gradients.

python3 -P tools/golden/training.py > test/golden/training.json     (needs torch; -P: statistics.py beside this file is not the library)
"""

import json
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(20)
STEPS, SIZE = 12, 6


def adamw():
    """Two groups, the second without decay; float32 parameters as trained here; learning rates change at every step."""
    start = torch.randn(2, SIZE)
    gradients = torch.randn(STEPS, 2, SIZE) * torch.logspace(-3, 2, STEPS)[:, None, None]
    rates = [0.01 * (1 + step % 3) for step in range(STEPS)]
    matrix, gain = (torch.nn.Parameter(row.clone()) for row in start)
    groups = [{"params": [matrix], "weight_decay": 0.1}, {"params": [gain], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.95), eps=1e-8)
    norms = []
    for step in range(STEPS):
        matrix.grad, gain.grad = gradients[step, 0].clone(), gradients[step, 1].clone()
        norms.append(float(torch.nn.utils.clip_grad_norm_([matrix, gain], 1.0)))
        for group in optimizer.param_groups:
            group["lr"] = rates[step]
        optimizer.step()
    return {
        "start": start.flatten().tolist(),
        "gradients": gradients.flatten(1).tolist(),
        "rates": rates,
        "norms": norms,
        "end": torch.cat([matrix, gain]).detach().tolist(),
    }


def dpo():
    """TRL's sigmoid loss on summed log-probabilities, float64."""
    policy = (torch.randn(5, 2, dtype=torch.float64) * 4 - 12).requires_grad_()
    reference = torch.randn(5, 2, dtype=torch.float64) * 4 - 12
    beta = 0.3
    logits = (policy[:, 0] - policy[:, 1]) - (reference[:, 0] - reference[:, 1])
    losses = -F.logsigmoid(beta * logits)
    losses.mean().backward()
    return {
        "beta": beta,
        "policy": policy.tolist(),
        "reference": reference.tolist(),
        "losses": losses.tolist(),
        "gradient": policy.grad.tolist(),
    }


def distillation():
    """Forward Kullback-Leibler divergence per token, weighted; float64."""
    teacher = torch.randn(4, 9, dtype=torch.float64) * 3
    student = (torch.randn(4, 9, dtype=torch.float64) * 3).requires_grad_()
    weights = torch.tensor([0.5, 0.0, 0.25, 0.25], dtype=torch.float64)
    per_token = F.kl_div(F.log_softmax(student, -1), F.log_softmax(teacher, -1), log_target=True, reduction="none").sum(-1)
    loss = (per_token * weights).sum()
    loss.backward()
    return {
        "teacher": teacher.tolist(),
        "student": student.tolist(),
        "weights": weights.tolist(),
        "loss": loss.item(),
        "gradient": student.grad.tolist(),
    }


source = f"tools/golden/training.py, torch {torch.__version__}, seed 20, Python {sys.version.split()[0]}"
json.dump({"source": source, "adamw": adamw(), "dpo": dpo(), "distillation": distillation()}, sys.stdout)
print()
