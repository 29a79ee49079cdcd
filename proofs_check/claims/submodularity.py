"""How good greedy selection is: weak submodularity, its guarantee, and what it does not inherit
(S2, S3, A2).

f(J) = L(empty) - L(J) is what keeping J saves; it is monotone but not submodular.
gam = lmin(D^{-1/2} (Sigma + T) D^{-1/2}), T = diag(tau), D = diag(Sigma_jj + tau_j).
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import SMALL_LAYERS, STRUCTURED, Layer, Real, Whole, layer
from ..mutants import Mutant
from ..oracles import Index, eigenvalues, form, ridge_fit
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together


def _saved(sampled: Layer, nodes: Index, quadratic: Floats) -> tuple[float, float]:
    """f of some nodes by least squares on the samples, and the amplification of its error."""
    empty = float(np.sum(quadratic * (sampled.features.T @ sampled.features)))
    fit = ridge_fit(sampled.features, sampled.features, nodes, sampled.node_ridge[nodes])
    saved = empty / len(sampled.features) - float(np.sum(quadratic * fit.moment))
    return saved, fit.amplification


def _submodularity(sampled: Layer, cov: Floats) -> float:
    lengths = np.diag(cov) + sampled.node_ridge
    lengths = np.sqrt(np.where(lengths > 0, lengths, 1.0))
    scaled = (cov + np.diag(sampled.node_ridge)) / lengths / lengths[:, None]
    return max(0.0, float(np.linalg.eigvalsh(scaled)[0]))


#: The instance of A2 as a layer: nodes 1 and 3 are strong and need each other, node 2 is weak, and
#: greedy takes it. Sigma = [[20, 0, 16], [0, 1, 0], [16, 0, 20]], Z = (1, -1, -1).
TRAP = {
    "shape": {
        "log10_spectrum": [math.log10(36.0), 0.0, math.log10(4.0)],
        "angles": [0.0, math.pi / 4, 0.0],
        "output_weights": [[1.0, -1.0, -1.0]],
    },
    "k": 2,
    "nodes": "none",
    "theta": 0.0,
}


def split_layer(rng: np.random.Generator, *, correlation: float = 0.0, **given: Any) -> Layer:
    """As :func:`layer`; with a correlation r > 0 instead two nodes read as (1, -1), no ridge.

    There the joint gain is 1/(1 - r) times the sum of the single ones.
    """
    found = layer(rng, **given)
    if correlation == 0.0:
        return found
    root = np.linalg.cholesky(np.array([[1.0, correlation], [correlation, 1.0]]))
    features = np.sqrt(2.0) * root.T
    z = np.array([[1.0, -1.0]])
    return Layer(features, np.arange(2), np.zeros(2), 1.0, 0.0, z, found.seed)


@register(
    "spectral.S2",
    "inequality",
    split_layer,
    SMALL_LAYERS,
    (*STRUCTURED, *({"correlation": r} for r in (0.5, 0.9, 0.99))),
    mutants=(
        Mutant("gam / .95", {"constant": 1 / 0.95}),
        Mutant("gam dropped", {"power": 0.0}),
        Mutant("sqrt(gam)", {"power": 0.5}),
    ),
)
def weak_submodularity(sampled: Layer, *, constant: float = 1.0, power: float = 1.0) -> Sides:
    """Single gains add up to at least gam times the joint gain.

    Hypotheses
    ----------
    J and R disjoint, any tau >= 0, Q positive semidefinite.

    Statement
    ---------
    sum_{j in R} (f(J + j) - f(J)) >= gam (f(J + R) - f(J)).

    Source
    ------
    Derived [D] from Das and Kempe on the augmented features (phi_j; sqrt(tau_j) e_j).

    Equality cases
    --------------
    Two nodes of correlation r read as (1, -1), J empty: both ratios are 1 - r.

    References
    ----------
    Das and Kempe 2011
    """
    cov, q = theory.second_moment(sampled.features), form(sampled.theta, sampled.output_weights)
    first = np.array([], dtype=np.int64) if sampled.m < 3 else sampled.kept[: sampled.m // 3]
    rest = np.setdiff1d(sampled.kept, first)
    before, _ = _saved(sampled, first, q)
    joint, amplification = _saved(sampled, np.append(first, rest), q)
    s = theory.residual(cov, first, sampled.node_ridge[first]) if len(first) else cov
    pivots = np.diag(s)[rest] + sampled.node_ridge[rest]
    full = np.diag(cov)[rest] + sampled.node_ridge[rest]
    live = pivots > 1e-12 * full  # a node that is explained already gains nothing
    gains = float(np.sum((np.diag(s @ q @ s)[rest] / np.where(live, pivots, 1.0))[live]))
    lower = constant * _submodularity(sampled, cov) ** power * (joint - before)
    scale = sampled.form_scale * sampled.scale * amplification
    return at_most(lower, gains, scale=scale, size=sampled.size)


@register(
    "spectral.S3",
    "inequality",
    layer,
    {**SMALL_LAYERS, "m": Whole(2, 7), "k": Whole(1, 4)},
    STRUCTURED,
    mutants=(
        Mutant("constant x 2", {"constant": 2.0}),
        Mutant("gam dropped", {"power": 0.0}, examples=(TRAP,)),
        Mutant("constant x 1.5", {"constant": 1.5}, must_die=False),
    ),
)
def greedy_guarantee(sampled: Layer, *, constant: float = 1.0, power: float = 1.0) -> Sides:
    """Greedy saves at least 1 - exp(-gam) of what the best k nodes save.

    Hypotheses
    ----------
    J_k greedy: each node joins with the largest gain; any tau >= 0, Q positive semidefinite.
    Exchange starts there and stops where no swap is better.

    Statement
    ---------
    f(J_k) >= (1 - exp(-gam)) max_{|J|=k} f(J); f(exchange) >= f(J_k).

    Source
    ------
    Derived [D] from Das and Kempe.

    Equality cases
    --------------
    None known; at diagonal Sigma greedy is optimal, the ratio 1 - 1/e.

    References
    ----------
    Das and Kempe 2011; Nemhauser, Wolsey and Fisher 1978
    """
    cov, k, z = theory.second_moment(sampled.features), len(sampled.kept), sampled.output_weights
    theta, tau, q = sampled.theta, sampled.node_ridge, form(sampled.theta, z)
    arguments = {"ridge": tau, "theta": theta, "output_weights": z}
    greedy = np.asarray(theory.select_greedy(cov, k, **arguments).kept)
    swapped = np.asarray(theory.select_exchange(cov, k, **arguments).kept)
    values = {
        nodes: _saved(sampled, np.array(nodes), q)
        for size in range(1, k + 1)
        for nodes in itertools.combinations(range(sampled.m), size)
    }

    def f(nodes: Any) -> float:
        return values[tuple(sorted(int(j) for j in nodes))][0]

    top = max(value for nodes, (value, _) in values.items() if len(nodes) == k)
    scale = sampled.form_scale * sampled.scale * max(a for _, a in values.values())
    size = sampled.size
    share = constant * (1 - np.exp(-(_submodularity(sampled, cov) ** power)))
    parts = [at_most(share * top, f(greedy), scale=scale, size=size)]
    for step in range(k):
        outside = [j for j in range(sampled.m) if j not in greedy[:step]]
        best = max(f([*greedy[:step], j]) for j in outside)
        now = f(greedy[: step + 1])
        parts.append(equal(best, now, scale=scale, size=size, part=f"pick {step + 1}"))
    others = [j for j in range(sampled.m) if j not in swapped]
    swaps = [f([*np.delete(swapped, i), j]) for i in range(k) for j in others]
    better = max([f(greedy), *swaps]) - f(swapped)
    parts.append(equal(max(better, 0.0), 0.0, scale=scale, size=size, part="exchange"))
    return together(*parts)


def greedy_trap(
    rng: np.random.Generator, *, outer: float = 20.0, inner: float = 1.0, coupling: float = 0.8
) -> Layer:
    """Two strong nodes of which each needs the other, and a weak one that greedy prefers.

    Sigma = [[a, 0, c a], [0, b, 0], [c a, 0, a]], Z = (1, -1, -1), theta = 0, k = 2, tau = 0.
    """
    a, b, c = outer, inner, coupling * outer
    cov = np.array([[a, 0.0, c], [0.0, b, 0.0], [c, 0.0, a]])
    features = np.sqrt(3.0) * np.linalg.cholesky(cov).T
    z = np.array([[1.0, -1.0, -1.0]])
    return Layer(features, np.arange(2), np.zeros(3), 1.0, 0.0, z, int(rng.integers(2**32)))


@register(
    "spectral.A2",
    "must-fail",
    greedy_trap,
    {"outer": Real(5.0, 40.0), "inner": Real(0.5, 2.0), "coupling": Real(0.0, 0.9)},
    ({},),
)
def greedy_meets_volume_bound(sampled: Layer) -> Sides:
    """FALSE: greedy selection meets the bound that some k nodes meet (D6).

    Hypotheses
    ----------
    As D6, with the greedy choice for J.

    Statement
    ---------
    L^theta_0(J_greedy) <= lam_v [theta N(lam_v) + (1 - theta) N'(lam_v; Z)], lam_v = lam_vol(k).

    Source
    ------
    Refuted here [D]: Sigma = [[20, 0, 16], [0, 1, 0], [16, 0, 20]], Z = (1, -1, -1), k = 2. Gains
    .8, 1, .8; greedy loses 36/5, the bound is 95/18, the ratio 648/475. On ordinary layers greedy
    is below the bound.

    References
    ----------
    spectral.D6, spectral.D9 (derandomised volume selection does meet it)
    """
    cov, k, z = theory.second_moment(sampled.features), 2, sampled.output_weights
    kept = np.asarray(theory.select_greedy(cov, k, theta=0.0, output_weights=z).kept)
    fit = ridge_fit(sampled.features, sampled.features, kept, np.zeros(k))
    loss = float(np.trace(z @ fit.moment @ z.T))
    bound = theory.volume_bound(cov, k, theta=0.0, output_weights=z).value
    mu = eigenvalues(sampled.features)
    scale = float(np.sum(z**2) * np.sum(mu)) * fit.amplification
    return at_most(loss, bound, scale=scale, size=6)
