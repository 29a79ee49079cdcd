r"""Networks sampled by leverage: the paper-form bound delta_1, given its events (B3).

Letters: hidden layers l = 2..L, of which W^l reads phi^l; k_l draws from q = l_j/N(lam_l) with
ridges k lam q; D_l = diag(1/(k q_{v_i})), equal entries merged by adding them up, D = 1 at the
output; A_l the reconstruction, W#^l = W^l_{J_{l+1}} A_l. Every quantity is computed on the samples;
the theory draws, measures its events and states its bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Real, Space
from ..mutants import Mutant
from ..networks import CHAINS, Chain, chain, chain_features, mean_norm
from ..oracles import Index, ridge_fit
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together

SAMPLED: Space = {
    "depth": CHAINS["depth"],
    "width": CHAINS["width"],
    "activation": CHAINS["activation"],
    "log10_ridge": Real(-4.0, 0.5),
    "share": Real(0.1, 1.0),
    "seed": CHAINS["seed"],
}


#: Few draws of many nodes, some of which have k q_j < 1.
FEW_DRAWS = {
    "depth": 2,
    "log10_ridge": -1.0,
    "share": 0.1,
    "width": 40,
    "activation": "identity",
    "seed": 3,
}


@dataclass(frozen=True, eq=False)
class SampledChain:
    """Network whose hidden layers are drawn from by leverage.

    Attributes
    ----------
    net : Chain
    relative_ridge : float
        lam over the mean eigenvalue, at every layer.
    share : float
        Number of draws over the width of P1; below 1 the events may fail.
    seed : int
        Of the draws.
    """

    net: Chain
    relative_ridge: float
    share: float
    seed: int


def sampled_chain(
    rng: np.random.Generator,
    *,
    depth: int = 3,
    width: int = 8,
    activation: str = "relu",
    log10_ridge: float = -1.0,
    share: float = 1.0,
) -> SampledChain:
    """Network of `depth` layers and what is drawn from it."""
    net = chain(rng, depth=depth, width=width, activation=activation)
    return SampledChain(net, 10.0**log10_ridge, share, int(rng.integers(2**32)))


@dataclass(frozen=True, eq=False)
class Draw:
    """One layer's draw, measured on its samples.

    Attributes
    ----------
    ridge : float
    kept : (k',) index array
    inverse : (k',) array
        Diagonal of D.
    fold : (m, k') array
        A.
    loewner : float
        Least c with S_J <= c lam H, over 4.
    markov : float
        sum_i 1/q_{v_i} over (5/3) m k.
    theirs : SamplingEvents
        The same two by the theory.
    error : float
        Allowed of either figure.
    """

    ridge: float
    kept: Index
    inverse: Floats
    fold: Floats
    loewner: float
    markov: float
    theirs: theory.SamplingEvents
    error: float


def _draw(features: Floats, relative_ridge: float, share: float, rng: np.random.Generator) -> Draw:
    """Draw from one layer and measure S_J against lam H by ridge regression on the samples."""
    n, m = features.shape
    cov, lam = theory.second_moment(features), relative_ridge * float(np.mean(features**2))
    if lam == 0.0:
        raise theory.InapplicableError("leverage sampling needs Sigma != 0, but no node is active")
    k = max(1, math.ceil(share * theory.paper_width(cov, lam)))
    selection = theory.select_leverage(cov, k, lam, rng=rng)
    kept, counts = np.asarray(selection.kept), np.asarray(selection.multiplicity)
    left, s, basis = np.linalg.svd(features / np.sqrt(n), full_matrices=False)
    q = (basis**2).T @ (s**2 / (s**2 + lam)) / np.sum(s**2 / (s**2 + lam))
    tau = k * lam * q[kept] / counts
    # alpha.phi for the directions alpha = lam^{-1/2} H^{-1/2} u: all S_J <= c lam H at once
    whitened = np.sqrt(n) * left * np.sqrt((s**2 + lam) / lam)
    ratio = float(np.linalg.eigvalsh(ridge_fit(features, whitened, kept, tau).moment)[-1])
    markov = float(np.sum(counts / q[kept])) / (5 / 3 * m * k)
    condition = (float(s[0]) ** 2 + lam) / lam
    theirs = theory.sampling_events(cov, lam, kept, counts)
    fold = ridge_fit(features, features, kept, tau).coefficients
    # an error of q is enlarged by 1/q, one of W by the square of its inverse, c
    error = condition * (ratio**2 + ratio + 1) * (1 / float(np.min(q[kept])) + 1)
    return Draw(lam, kept, lam / tau, fold, ratio / 4, markov, theirs, error)


def _row_constant(weight: Floats) -> float:
    """R with every row of norm at most R/sqrt(rows)."""
    return math.sqrt(len(weight)) * float(np.max(np.linalg.norm(weight, axis=1)))


def _stated(
    weights: Sequence[Floats], ridges: Sequence[float], rate: float, power: float, rows: bool
) -> float:
    """sum_l (prod_{l'>=l} Rbar_{l'}) lam_l^power, Rbar^2 = rate R^2."""
    radius = [_row_constant(w) / (1.0 if rows else math.sqrt(len(w))) for w in weights]
    total = 0.0
    for place, lam in enumerate(ridges):
        total += math.prod(math.sqrt(rate) * r for r in radius[place:]) * lam**power
    return total


@register(
    "spectral.B3",
    "inequality",
    sampled_chain,
    SAMPLED,
    (
        {},
        {"depth": 2, "log10_ridge": -3.0},
        {"depth": 2, "share": 0.2, "log10_ridge": 0.0},
        {"depth": 4, "activation": "tanh"},
        {"depth": 4, "activation": "identity", "log10_ridge": -2.0},
        {"depth": 3, "share": 0.4, "log10_ridge": -2.0},
        {"depth": 2, "width": 1},
    ),
    (
        Mutant(
            "sqrt(lam) -> lam",
            {"power": 1.0},
            examples=({"depth": 2, "log10_ridge": -9.0, "share": 0.5},),
        ),
        Mutant("rows <= R, not R/sqrt(m)", {"rows": False}, must_die=False),
        Mutant("20/3 -> 1", {"rate": 1.0}, must_die=False),
        Mutant("F-norm 20/3 -> 20/48", {"norm": 20 / 48}),
        Mutant("F-norm 20/3 -> 20/6", {"norm": 20 / 6}, must_die=False),
        Mutant("D -> 1/D", {"inverted": True}, examples=(FEW_DRAWS,)),
    ),
)
def sampled_network(
    sampled: SampledChain,
    *,
    rate: float = 20 / 3,
    power: float = 0.5,
    rows: bool = True,
    norm: float = 20 / 3,
    inverted: bool = False,
) -> Sides:
    """A network sampled by leverage is close to the whole one where the draws are good.

    Hypotheses
    ----------
    eta elementwise and 1-Lipschitz; rows ||W^l_j|| <= R_l/sqrt(m_{l+1}), l = 2..L (R_l measured);
    at l = 2..L a multiset of k_l draws by leverage with tau = k lam q such that S_J <= 4 lam H and
    sum_i 1/q_{v_i} <= (5/3) m_l k_l. Draws at which an event fails are outside the hypotheses.

    Statement
    ---------
    ||f - f#||_n <= sum_l (prod_{l'>=l} Rbar_{l'}) sqrt(lam_l), Rbar = sqrt(20/3) R. With
    D_l = diag(1/(k q_{v_i})), D = 1 at the output: ||D_{l+1}^{1/2} W#^l D_l^{-1/2}||_F <= Rbar_l,
    and ||D_2^{1/2} W^1||_F <= sqrt(5/3) R_1.

    Source
    ------
    Suzuki et al. [R: the form delta_1]; proof and constants [D].

    References
    ----------
    arXiv 1808.08558
    """
    net, rng = sampled.net, np.random.default_rng(sampled.seed)
    phi = net.features()
    found = [_draw(x, sampled.relative_ridge, sampled.share, rng) for x in phi[1:-1]]
    bound = theory.sampled_network_bound(
        net.weights[1:], [d.ridge for d in found], [d.theirs for d in found]
    ).value
    for d in found:
        worse, part = max(d.loewner, d.markov), "an event fails, and is not refused"
        event = at_most(worse, 1.0, scale=d.error, size=64, part=part)
        if not event.hold:
            return event
    ridges = [d.ridge for d in found]
    claimed = _stated(net.weights[1:], ridges, 20 / 3, 0.5, True)
    allowed = bound + _stated(net.weights[1:], ridges, rate, power, rows) - claimed
    rows_kept = [*(d.kept for d in found), np.arange(len(net.weights[-1]))]
    inverses = [*(d.inverse for d in found), np.ones(len(net.weights[-1]))]
    weights = [net.weights[0][rows_kept[0]]]
    weights += [w[j] @ d.fold for w, j, d in zip(net.weights[1:], rows_kept[1:], found)]
    biases = [b[j] for b, j in zip(net.biases, rows_kept)]
    pruned = chain_features(weights, biases, net.activation, net.inputs)[-1]
    scale = bound + max(mean_norm(x) for x in phi) * math.prod(
        1.0 + float(np.linalg.norm(w)) for w in [*weights, *net.weights]
    )
    size = 12 * len(net.weights)
    parts = [
        at_most(mean_norm(phi[-1] - pruned), allowed, scale=scale, size=size, part="output"),
        equal(bound, claimed, scale=bound, size=size, part="bound's value"),
    ]
    for place, weight in enumerate(weights):
        before = np.ones(weight.shape[1]) if place == 0 else inverses[place - 1]
        scaled = np.sqrt(inverses[place])[:, None] * weight
        scaled = scaled * np.sqrt(before) if inverted else scaled / np.sqrt(before)
        square = (norm if place else 5 / 3) * _row_constant(net.weights[place]) ** 2
        length, part = float(np.sum(scaled**2)), "F-norm" if place else "first F-norm"
        parts.append(at_most(length, square, scale=square + length, size=64, part=part))
    for d in found:
        ours = [d.loewner, d.markov]
        parts.append(equal(ours, list(d.theirs), scale=d.error, size=64, part="events"))
    return together(*parts)
