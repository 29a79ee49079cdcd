r"""What the law of the sampled loss is made of: its effective ridge and its coherence score (L2b).

Letters: mu_j the eigenvalues of Sigma, N(lam) = sum_j mu_j/(mu_j + lam), k the number of draws. The
law itself is tested by simulation (L2); its figures are written out here from the samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, Layer, Whole, layer
from ..mutants import Mutant
from ..oracles import degrees, eigenvalues
from ..registry import register
from ..sides import Sides, at_most, equal, together


@dataclass(frozen=True, eq=False)
class Drawn:
    """Layer that `width` nodes are drawn from; its kept nodes and node ridges are not used."""

    sampled: Layer
    width: int


def drawn_layer(rng: np.random.Generator, *, width: int = 6, **given: Any) -> Drawn:
    """Layer of a family."""
    return Drawn(layer(rng, **given), width)


@register(
    "laws.L2b",
    "identity",
    drawn_layer,
    {
        **{name: LAYERS[name] for name in ("family", "m", "log10_ridge", "seed")},
        "width": Whole(1, 40),
    },
    (*STRUCTURED, {"width": 1}, {"width": 40, "log10_ridge": 0.0}),
    mutants=(
        Mutant("kappa = lam", {"effective": False}),
        Mutant("2 k", {"width_factor": 2.0}),
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("third power in chi", {"power": 3}),
        Mutant("nodes drawn evenly in chi", {"leverage": False}),
    ),
)
def figures_of_the_law(
    drawn: Drawn,
    *,
    effective: bool = True,
    width_factor: float = 1.0,
    constant: float = 1.0,
    power: int = 4,
    leverage: bool = True,
) -> Sides:
    """The effective ridge solves its equation, and the coherence score is its double sum.

    Hypotheses
    ----------
    lam > 0, k >= 1.

    Statement
    ---------
    kappa (1 - N(kappa)/k) = lam has one root with N(kappa) < k; it lies in
    [lam, lam + Tr Sigma/k]. The law is kappa N(kappa), its score
    chi = (1/(k N(kappa)^2)) sum_ij H_ij^4/(q_i q_j), H = Sigma (Sigma + kappa)^{-1},
    q_j = l_j/N(lam).

    Source
    ------
    Derived [D]: kappa (1 - N(kappa)/k) is convex in kappa, 0 at 0, at most lam at lam and at least
    lam at lam + Tr Sigma/k.

    References
    ----------
    arXiv 2211.03751
    """
    sampled, k, lam = drawn.sampled, drawn.width, drawn.sampled.ridge
    law = theory.sampled_law(theory.second_moment(sampled.features), lam, k)
    mu, size = eigenvalues(sampled.features), sampled.size
    kappa = law.ridge if effective else lam
    dof, trace = degrees(mu, kappa), sampled.scale
    chi = _score(sampled, law.ridge, k, power, leverage)
    # an error E of Sigma moves kappa N(kappa) by at most m |E|, and l_j by at most |E|/lam
    scale = trace + kappa
    steep = 1.0 + (1.0 + 1.0 / float(np.min(_leverage(sampled)))) * trace / lam
    return together(
        equal(kappa - kappa * dof / (width_factor * k), lam, scale=scale, size=size, part="kappa"),
        equal(law.value, constant * kappa * dof, scale=scale, size=size, part="law"),
        equal(law.coherence, chi, scale=steep * max(1.0, chi), size=size, part="chi"),
        at_most(dof, k, scale=1.0 + trace / lam, size=size, part="N(kappa) < k"),
        at_most(lam, kappa, scale=scale, size=size, part="least kappa"),
        at_most(kappa, lam + trace / k, scale=scale, size=size, part="largest kappa"),
    )


def _smoother(sampled: Layer, ridge: float) -> Any:
    """Sigma (Sigma + ridge)^{-1}, by a solve."""
    cov = sampled.features.T @ sampled.features / len(sampled.features)
    return np.linalg.solve(cov + ridge * np.eye(sampled.m), cov)


def _leverage(sampled: Layer) -> Any:
    """l_j at lam."""
    return np.diag(_smoother(sampled, sampled.ridge))


def _score(sampled: Layer, kappa: float, k: int, power: int, leverage: bool) -> float:
    """chi, written out."""
    h, scores = np.abs(_smoother(sampled, kappa)), _leverage(sampled)
    q = scores / np.sum(scores) if leverage else np.full(sampled.m, 1.0 / sampled.m)
    return float(np.sum(h**power / np.outer(q, q)) / (k * np.trace(h) ** 2))
