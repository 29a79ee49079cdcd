"""Where small weights share a sign, sampling drops less spectral norm than magnitude pruning.

Statement S9: W is 200 x 200; with probability .9 an entry is small, |w| uniform on (0, .15), with
sign + with probability (1 + kappa)/2; else N(0, 1). 15 % are kept. ||D||_2 of magnitude, of
truncated Poisson sampling, and of magnitude with the mean of D removed, beside the statement's
figures; the first two cross at kappa = .57 (.49 with 5 % large entries).

Statement S8: what the layer's output sees at kappa = 1, 20 % kept, inputs the ReLU of N(0, 1),
before and after the bias fix b + D E x, by the identity for E ||D x||^2.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from harness import table
from numpy.typing import NDArray

from pruneproof.simulations.coherent_weights import coherent_weights
from pruneproof.theory import layer_error, mean_removed, sparsify, threshold_poisson

#: kappa: the statement's ||D||_2 of magnitude, sampling, magnitude with its mean removed
STATED = {
    0.0: (2.1, 6.8, 2.1),
    0.5: (6.0, 6.6, 1.9),
    0.6: (7.1, 6.7, 1.8),
    0.8: (9.4, 6.7, 1.6),
    1.0: (11.8, 6.8, 1.3),
}


def norms(coherence: float, draws: int, small: float = 0.9) -> NDArray[np.float64]:
    """Mean over matrices of the three spectral norms."""
    found = []
    for seed in range(draws):
        rng = np.random.default_rng((seed, round(1000 * coherence)))
        w = coherent_weights(coherence, small=small, rng=rng)
        kept = int(0.15 * w.size)
        pruned = sparsify(w, kept, method="magnitude")
        sampled = threshold_poisson(w, kept, rng=rng)
        found.append([np.linalg.norm(w - x, 2) for x in (pruned, sampled, mean_removed(w, pruned))])
    return np.asarray(np.mean(found, axis=0))


def crossover(draws: int, small: float) -> float:
    """Coherence at which magnitude and sampling drop the same norm, between two of a grid."""
    grid = np.linspace(0.4, 0.7, 7)
    excess = np.array([np.subtract(*norms(c, draws, small)[:2]) for c in grid])
    return float(np.interp(0.0, excess, grid))


def output_errors(draws: int, size: int = 200) -> list[tuple[object, ...]]:
    """Rms errors of the layer's sums, without and with the bias fix, and the signal."""
    mean = np.full(size, 1.0 / math.sqrt(2.0 * math.pi))
    cov = (0.5 - 0.5 / math.pi) * np.eye(size)
    squares: dict[str, list[tuple[float, float]]] = {}
    for seed in range(draws):
        rng = np.random.default_rng((seed, 8))
        w = coherent_weights(1.0, size=size, rng=rng)
        for method in ("magnitude", "threshold-poisson", "none kept"):
            kept = np.zeros_like(w)
            if method != "none kept":
                kept = sparsify(w, int(0.2 * w.size), method=method, rng=rng)
            pair = layer_error(w - kept, cov, mean), layer_error(w - kept, cov)
            squares.setdefault(method, []).append(pair)
    stated = {"magnitude": (59.5, 7.9), "threshold-poisson": (25.4, 21.0), "none kept": (89, "-")}
    rows: list[tuple[object, ...]] = []
    for method, found in squares.items():
        plain, fixed = np.sqrt(np.mean(found, axis=0))
        rows.append((method, *(f"{x:.1f} ({y})" for x, y in zip((plain, fixed), stated[method]))))
    return rows


def main(quick: bool) -> None:
    draws = 2 if quick else 20
    rows = []
    for coherence, stated in STATED.items():
        found = norms(coherence, draws)
        pairs = [f"{x:.2f} ({y})" for x, y in zip(found, stated)]
        rows.append((coherence, *pairs))
    table(
        f"||D||_2 at 15 % kept, means over {draws} matrices (in brackets: the statement)",
        ("coherence", "magnitude", "threshold-poisson", "magnitude, mean removed"),
        rows,
    )
    table(
        "coherence at which magnitude and sampling cross",
        ("large entries", "found", "stated"),
        [("10 %", crossover(draws, 0.9), 0.57), ("5 %", crossover(draws, 0.95), 0.49)],
    )
    table(
        "rms error of the layer's sums at coherence 1, 20 % kept (in brackets: the statement)",
        ("method", "without bias fix", "with bias fix"),
        output_errors(draws),
    )


if __name__ == "__main__":
    main("--quick" in sys.argv)
