r"""Chains of layers before and after their weights are pruned, with plain forward passes.

Letters: x_l = phi_l(W_l x_{l-1} + b_l), xh_l the same with Wh_l and bh_l, phi_l with the Lipschitz
constant rho_l, the last layer linear; ||.|| the root of the mean over inputs of the squared norm.
Forward passes and bounds are written out here; :meth:`Pruning.networks` alone asks the theory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from .networks import ACTIVATIONS
from .sides import Floats
from .soft_vectors import entries

PHI: Mapping[str, Callable[[Floats], Floats]] = {
    **ACTIVATIONS,
    "logistic": lambda x: (1 + np.tanh(x / 2)) / 2,
}
RHO = {"identity": 1.0, "relu": 1.0, "tanh": 1.0, "logistic": 0.25}


@dataclass(frozen=True, eq=False)
class Pruning:
    """A chain of layers before and after pruning, and inputs.

    Attributes
    ----------
    weights, biases, pruned, pruned_biases : tuples of arrays
    activation : str
        Of all layers but the last.
    inputs : (n, d) array
    norm : {"2", "inf"}
    kept : tuple of int
        s_l, where every row keeps its largest; else empty.
    order : float
        q in (0, 2).
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    pruned: tuple[Floats, ...]
    pruned_biases: tuple[Floats, ...]
    activation: str
    inputs: Floats
    norm: str = "2"
    kept: tuple[int, ...] = ()
    order: float = 1.0

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.weights)

    def activations(self, pruned: bool) -> list[Floats]:
        """x_0, ..., x_L of one of the two networks."""
        weights = self.pruned if pruned else self.weights
        biases = self.pruned_biases if pruned else self.biases
        found = [self.inputs]
        for place, (w, b) in enumerate(zip(weights, biases, strict=True)):
            sums = found[-1] @ w.T + b
            found.append(sums if place == self.depth - 1 else PHI[self.activation](sums))
        return found

    def root(self, values: Floats) -> float:
        """||values||."""
        squares = np.sum(values**2, axis=1) if self.norm == "2" else np.max(values**2, axis=1)
        return math.sqrt(float(np.mean(squares)))

    def size(self, weight: Floats) -> float:
        """Operator norm."""
        if self.norm == "2":
            return float(np.linalg.norm(weight, 2))
        return float(np.max(np.sum(np.abs(weight), axis=1)))

    @property
    def error(self) -> float:
        """||x_L - xh_L||."""
        return self.root(self.activations(False)[-1] - self.activations(True)[-1])

    def networks(self) -> tuple[Any, Any]:
        """Both as the theory has them."""
        found = []
        for weights, biases in ((self.weights, self.biases), (self.pruned, self.pruned_biases)):
            layers = [theory.Dense(w, b, self.activation) for w, b in zip(weights, biases)]
            layers[-1] = theory.Dense(weights[-1], biases[-1])
            found.append(theory.Network(layers))
        return found[0], found[1]

    def bound(self, norms: str, activations: str, *, biases: bool = True) -> float:
        """Errors of the layers times the norms of what follows: original, pruned or absolute."""
        x = self.activations(activations == "pruned")
        local = []
        for place in range(self.depth):
            lost = x[place] @ (self.weights[place] - self.pruned[place]).T
            if biases:
                lost = lost + self.biases[place] - self.pruned_biases[place]
            local.append(self.root(lost))
        return self.amplify(local, norms)

    def amplify(self, local: list[float], norms: str) -> float:
        """sum_l [prod_{k > l} rho_k norm_k] rho_l local_l."""
        total = 0.0
        for place, error in enumerate(local):
            last = place == self.depth - 1
            rho = 1.0 if last else RHO[self.activation]
            weight = {
                "original": self.weights[place],
                "pruned": self.pruned[place],
                "absolute": np.abs(self.weights[place]),
            }[norms]
            total = rho * (total * self.size(weight) + error)
        return total


def pruning(
    rng: np.random.Generator,
    *,
    family: str = "drawn",
    law: str = "normal",
    depth: int = 3,
    width: int = 4,
    way: str = "zeroed",
    keep: float = 0.5,
    activation: str = "relu",
    norm: str = "2",
    fix: bool = False,
    z: float = 1.0,
) -> Pruning:
    """Weights "zeroed", "shrunk" or changed at "any" entry, biases moved by `fix`.

    "isometric": identities behind the one pruned layer. "witness": two linear layers, of which
    zeroing -z raises a norm.
    """
    if family == "witness":
        lower = np.array([[1.0, 1.0], [1.0, 0.0]])
        v = np.linalg.svd(lower)[2][0]
        first = np.array([[v[0], 0.0], [v[1], -v[1]]])
        kept = np.array([[0.0, 0.0], [0.0, -v[1]]])
        nothing = (np.zeros(2), np.zeros(2))
        second = np.array([[1.0, 1.0], [1.0, -z]])
        return Pruning(
            (first, second), nothing, (kept, lower), nothing, "identity", np.ones((1, 2)), norm
        )
    weights, pruned, biases, moved = [], [], [], []
    for place in range(depth):
        w = np.stack([entries(rng, law, width, width) for _ in range(width)])
        mask = rng.random(w.shape) < keep
        factor = {"zeroed": 0.0, "shrunk": 0.5, "any": 1.0}[way]
        after = np.where(mask, w, factor * w)
        if way == "any":
            after = np.where(mask, w, w + rng.standard_normal(w.shape))
        b = rng.standard_normal(width)
        if family == "isometric" and place:
            w = after = np.eye(width)
            b = np.zeros(width)
        weights.append(w)
        pruned.append(after)
        biases.append(b)
        moved.append(b + (w - after) @ rng.standard_normal(width) if fix else b)
    x = rng.standard_normal((width + 3, width))
    phi = "identity" if family == "isometric" else activation
    return Pruning(tuple(weights), tuple(biases), tuple(pruned), tuple(moved), phi, x, norm)
