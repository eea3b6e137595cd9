"""Golden values for GPTQ: a plain numpy float64 reading of algorithm 1 of https://arxiv.org/abs/2210.17323,
one column at a time, without blocks, with the textbook factorization (invert H, then factor the inverse).

Grids follow AutoGPTQ's Quantizer (min-max; mse=True, norm 2.4, grid 100, maxshrink 0.8), with three rules of bitmend that
decide which numbers are compared: scales are rounded to float16 first, symmetric grids span twice the absolute maximum,
and a dead feature keeps its weights (the Hessian's diagonal is set to the mean of the live ones).

Run: python3 tools/golden/gptq.py > test/golden/gptq.json && npx oxfmt test/golden/gptq.json      (numpy only)
"""

import base64
import itertools
import json
import platform

import numpy as np

SEED = 20261122


def fit(values, bits, symmetric, search):
    """values [rows, group] -> scale [rows], zero [rows]"""
    top = 2**bits - 1
    low = np.minimum(values.min(axis=1), 0)
    high = np.maximum(values.max(axis=1), 0)
    if symmetric:
        high = np.maximum(-low, high)
        low = -high

    def grid(factor):
        scale = ((high * factor - low * factor) / top).astype(np.float16).astype(np.float64)
        zero = np.full_like(scale, 2 ** (bits - 1)) if symmetric else np.round(-(low * factor) / scale)
        return scale, np.minimum(zero, top)

    scale, zero = grid(1.0)
    if search:
        best = np.full(len(values), np.inf)
        for step in range(80):
            s, z = grid(1 - step / 100)
            code = np.clip(np.round(values / s[:, None]) + z[:, None], 0, top)
            error = (np.abs((code - z[:, None]) * s[:, None] - values) ** 2.4).sum(axis=1)
            better = error < best
            best = np.where(better, error, best)
            scale = np.where(better, s, scale)
            zero = np.where(better, z, zero)
    return scale, zero


def gptq(weight, gram, bits, group, symmetric, order, search, damp=0.01):
    w = weight.astype(np.float64).copy()
    h = gram.astype(np.float64).copy()
    rows, columns = w.shape
    g = columns if group == -1 else group
    top = 2**bits - 1
    dead = np.diag(h) == 0
    mean = np.diag(h)[~dead].mean()
    h[dead, dead] = mean
    scales = np.zeros((rows, columns // g))
    zeros = np.zeros((rows, columns // g))
    if order == "activation":
        for k in range(columns // g):
            scales[:, k], zeros[:, k] = fit(w[:, k * g : (k + 1) * g], bits, symmetric, search)
        raw = np.diag(gram).astype(np.float64)
        permutation = np.argsort(-raw, kind="stable")
    else:
        permutation = np.arange(columns)
    w = w[:, permutation]
    h = h[permutation][:, permutation]
    h[np.diag_indices(columns)] += damp * mean
    upper = np.linalg.cholesky(np.linalg.inv(h)).T
    codes = np.zeros((rows, columns), dtype=np.uint8)
    for i in range(columns):
        k = permutation[i] // g
        if order == "natural" and i % g == 0:
            scales[:, k], zeros[:, k] = fit(w[:, i : i + g], bits, symmetric, search)
        code = np.clip(np.round(w[:, i] / scales[:, k]) + zeros[:, k], 0, top)
        error = (w[:, i] - (code - zeros[:, k]) * scales[:, k]) / upper[i, i]
        w[:, i + 1 :] -= np.outer(error, upper[i, i + 1 :])
        codes[:, permutation[i]] = code
    restored = (codes - np.repeat(zeros, g, axis=1)) * np.repeat(scales, g, axis=1)
    d = weight.astype(np.float64) - restored
    gram64 = gram.astype(np.float64)
    full = weight.astype(np.float64)
    return {
        "codes": text(codes, np.uint8),
        "scales": text(scales, np.float32),
        "zeroPoints": text(zeros, np.uint8),
        "outputError": float(np.sum((d @ gram64) * d) / np.sum((full @ gram64) * full)),
        "weightError": float(np.sum(d * d) / np.sum(full * full)),
    }


def text(array, dtype):
    return base64.b64encode(np.ascontiguousarray(array, dtype=dtype).tobytes()).decode()


def matrices(generator):
    """name -> (weight [12, n], gram [n, n]), both float32"""

    def inputs(tokens, n, rank):
        mixing = generator.normal(size=(rank, n)) * generator.gamma(1.0, size=n)
        return generator.normal(size=(tokens, rank)) @ mixing + 0.1 * generator.normal(size=(tokens, n))

    correlated = inputs(400, 64, 12)
    # Fewer tokens than features and two features that never fire: singular before damping.
    singular = inputs(50, 96, 96)
    singular[:, [7, 40]] = 0
    return {
        "correlated": (generator.normal(size=(12, 64)) * 0.05, correlated.T @ correlated),
        "singular": (generator.standard_t(4, size=(12, 96)) * 0.02, singular.T @ singular),
    }


def main():
    generator = np.random.default_rng(SEED)
    made = {name: (w.astype(np.float32), h.astype(np.float32)) for name, (w, h) in matrices(generator).items()}
    cases = []
    every = itertools.product((2, 3, 4, 8), (32, -1), (True, False), ("natural", "activation"), (False, True))
    for index, (bits, group, symmetric, order, search) in enumerate(every):
        for name in ("correlated", "singular"):
            if name == "singular" and index % 3 != 0:
                continue
            weight, gram = made[name]
            cases.append(
                {
                    "matrix": name,
                    "options": {
                        "bits": bits,
                        "groupSize": group,
                        "symmetric": symmetric,
                        "columnOrder": order,
                        "range": "mse" if search else "minmax",
                    },
                    **gptq(weight, gram, bits, group, symmetric, order, search),
                }
            )
    document = {
        "source": f"tools/golden/gptq.py, numpy {np.__version__}, Python {platform.python_version()}, seed {SEED}: "
        "python3 tools/golden/gptq.py > test/golden/gptq.json",
        "matrices": {
            name: {"rows": w.shape[0], "columns": w.shape[1], "weight": text(w, np.float32), "gram": text(h, np.float32)}
            for name, (w, h) in made.items()
        },
        "cases": cases,
    }
    print(json.dumps(document, indent=1))


main()
