"""Golden values for AWQ's scale and clip search and for SmoothQuant's scales: a plain numpy float64 reading of AutoAWQ 0.2.9
(`awq/quantize/quantizer.py`, `_search_best_scale` and `_compute_best_clip`) and of SmoothQuant's equation 4, from the activations themselves.

Rules of bitmend that decide which numbers are compared: scales of a grid are rounded to float16 first; the loss of a scale is the sum over the
readers of the error of their outputs relative to their outputs, all tokens counted; both families of scales compete, scale 1 first;
channels that share a giver share scales (mean of the statistics for AWQ, largest for SmoothQuant); a channel that was never excited keeps 1; weights beyond
a clipped range go to the nearest code (AutoAWQ clamps them to the range first, from where rounding may lead one code further in).

Run: python3 tools/golden/activation-aware.py > test/golden/activation-aware.json && npx oxfmt test/golden/activation-aware.json      (numpy only)
"""

import base64
import json
import platform

import numpy as np

SEED = 20261122
RATIOS = 20


def spanning(low, high, bits, symmetric):
    top = 2**bits - 1
    width = 2 * np.maximum(-low, high) if symmetric else high - low
    step = width / top
    scale = np.where(step == 0, 2.0**-14, step.astype(np.float16).astype(np.float64))
    zero = np.full_like(scale, 2.0 ** (bits - 1)) if symmetric else np.minimum(np.round(-low / scale), top)
    return scale, zero


def rounded(values, scale, zero, bits):
    code = np.clip(np.round(values / scale) + zero, 0, 2**bits - 1)
    return (code - zero) * scale


def grouped(matrix, group):
    return matrix.reshape(matrix.shape[0], -1, group)


def nearest(matrix, bits, group, symmetric):
    parts = grouped(matrix.astype(np.float64), group)
    low = np.minimum(parts.min(axis=-1, keepdims=True), 0)
    high = np.maximum(parts.max(axis=-1, keepdims=True), 0)
    scale, zero = spanning(low, high, bits, symmetric)
    return rounded(parts, scale, zero, bits).reshape(matrix.shape)


def shared(values, channels, reduce):
    return np.array([reduce(values[channels == channel]) for channel in range(channels.max() + 1)])


def awq_search(inputs, readers, channels, bits, group, symmetric):
    magnitude = shared(np.abs(inputs).mean(axis=0), channels, np.mean)
    stacked = np.concatenate(readers).astype(np.float64)
    parts = np.abs(grouped(stacked, group))
    relative = (parts / (parts.max(axis=-1, keepdims=True) + 1e-6)).reshape(stacked.shape).mean(axis=0)
    weight = shared(relative, channels, np.mean)
    live = magnitude > 0

    def normalized(raw):
        raw = np.maximum(raw, 1e-4)
        raw = raw / np.sqrt(raw[live].max() * raw[live].min())
        return np.where(live, raw, 1.0)

    ratios = np.arange(RATIOS) / RATIOS
    candidates = [np.ones_like(magnitude)]
    candidates += [normalized(magnitude**ratio) for ratio in ratios[1:]]
    candidates += [normalized(magnitude**ratio / (weight ** (1 - ratio) + 1e-4)) for ratio in ratios]

    def loss(scales):
        columns = scales[channels]
        total = 0.0
        for matrix in readers:
            restored = nearest((matrix * columns).astype(np.float32), bits, group, symmetric) / columns
            error = inputs @ (matrix.astype(np.float64) - restored).T
            total += (error**2).sum() / ((inputs @ matrix.T.astype(np.float64)) ** 2).sum()
        return total

    losses = [loss(scales) for scales in candidates]
    best = int(np.argmin(losses))
    return {"scales": candidates[best].tolist(), "loss": losses[best], "plainLoss": losses[0], "best": best}


def clip_search(inputs, matrix, bits, group, symmetric):
    parts = grouped(matrix.astype(np.float64), group)
    tokens = inputs.reshape(len(inputs), 1, -1, group)
    most = np.abs(parts).max(axis=-1, keepdims=True)
    best = np.full(most.shape[:2], np.inf)
    scales = np.zeros(most.shape[:2])
    zeros = np.zeros(most.shape[:2])
    for step in range(10):
        limit = most * (1 - step / 20)
        cut = np.clip(parts, -limit, limit)
        low = np.minimum(cut.min(axis=-1, keepdims=True), 0)
        high = np.maximum(cut.max(axis=-1, keepdims=True), 0)
        scale, zero = spanning(low, high, bits, symmetric)
        difference = parts - rounded(parts, scale, zero, bits)
        error = ((tokens * difference[None]).sum(axis=-1) ** 2).sum(axis=0)
        better = error < best
        best = np.where(better, error, best)
        scales = np.where(better, scale[..., 0], scales)
        zeros = np.where(better, zero[..., 0], zeros)
    return {"scales": pack(scales.astype(np.float32)), "zeroPoints": pack(zeros.astype(np.uint8))}


def smooth(inputs, readers, channels, alpha):
    activation = shared(np.abs(inputs).max(axis=0), channels, np.max)
    weight = shared(np.abs(np.concatenate(readers)).max(axis=0).astype(np.float64), channels, np.max)
    with np.errstate(divide="ignore", invalid="ignore"):
        scales = np.maximum(activation**alpha / weight ** (1 - alpha), 1e-5)
    return np.where((activation > 0) & (weight > 0), scales, 1.0).tolist()


def pack(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def main():
    random = np.random.default_rng(SEED)
    tokens, columns = 48, 32
    # Multiples of 1/8 below 2^7: every sum of the Gram matrix is exact in float32.
    spread = np.exp(random.normal(size=columns))
    inputs = np.clip(np.round(random.normal(size=(tokens, columns)) * spread * 8), -1023, 1023) / 8
    inputs[:, 5] = 0
    readers = [(random.normal(size=(rows, columns)) / 6).astype(np.float32) for rows in (16, 8)]
    readers[0][:, 9] *= 6
    heads = (np.arange(columns) // 16) * 8 + np.arange(columns) % 8  # two query heads to each value head of 8
    cases = []
    for channels in (np.arange(columns), heads):
        for bits, group, symmetric in ((4, 8, False), (3, 16, False), (2, 16, True), (4, 32, True)):
            settings = {"bits": bits, "groupSize": group, "symmetric": symmetric}
            cases.append(
                {
                    **settings,
                    "channels": channels.tolist(),
                    "awq": awq_search(inputs, readers, channels, bits, group, symmetric),
                    "clip": clip_search(inputs, readers[0], bits, group, symmetric),
                }
            )
    smoothing = [
        {"channels": channels.tolist(), "alpha": alpha, "scales": smooth(inputs, readers, channels, alpha)}
        for channels in (np.arange(columns), heads)
        for alpha in (0.5, 0.85)
    ]
    print(
        json.dumps(
            {
                "source": f"numpy {np.__version__} on Python {platform.python_version()}, tools/golden/activation-aware.py, seed {SEED}",
                "meanAbsolute": np.abs(inputs).mean(axis=0).tolist(),
                "maxAbsolute": np.abs(inputs).max(axis=0).tolist(),
                "gram": pack((inputs.T @ inputs).astype(np.float32)),
                "readers": [{"rows": len(matrix), "values": pack(matrix)} for matrix in readers],
                "cases": cases,
                "smoothing": smoothing,
            }
        )
    )


main()
