r"""Laws of sampled nodes that hold exactly: leverage draws (L1, L1b).

Letters: X = (phi(x_1), ..)^T/sqrt(n), n samples by m nodes, Sigma = X^T X, K = X X^T,
H = Sigma (Sigma + lam)^{-1}, N = Tr H. Draws v_1..v_k, node j in c_j of them, q_j = H_jj/N: in
sample space K_J = sum_i X_{v_i} X_{v_i}^T/(k q_{v_i}), and on the distinct nodes the ridges
tau_j = lam k q_j/c_j leave the residual S_J. Left sides and laws of draws come from the samples.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, Choice, Layer, Whole, layer
from ..mutants import Mutant
from ..oracles import Index, ridge_fit
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, loewner, together


@dataclass(frozen=True, eq=False)
class Draws:
    """Layer with nodes drawn from it, repeats counted.

    Attributes
    ----------
    sampled : Layer
        Its kept nodes and node ridges are not used.
    counts : (m,) array
        c_j.
    """

    sampled: Layer
    counts: Index

    @property
    def ridge(self) -> float:
        """lam."""
        return self.sampled.ridge

    @property
    def x(self) -> Floats:
        """X, (n, m)."""
        return np.asarray(self.sampled.features / np.sqrt(len(self.sampled.features)))

    @functools.cached_property
    def _factors(self) -> tuple[Floats, Floats]:
        """mu (r,) and V (m, r) of Sigma = V diag(mu) V^T."""
        _, s, basis = np.linalg.svd(self.x, full_matrices=False)
        return s**2, basis.T

    @property
    def leverage(self) -> Floats:
        """H_jj, (m,)."""
        mu, basis = self._factors
        return np.asarray((basis**2) @ (mu / (mu + self.ridge)))

    @property
    def inverse(self) -> Floats:
        """c_j/(k q_j) of every node, (m,)."""
        leverage = self.leverage
        return np.asarray(self.counts * np.sum(leverage) / (np.sum(self.counts) * leverage))

    @property
    def condition(self) -> float:
        """Size of K_J + K + lam over its least eigenvalue, which is at least lam."""
        size = float(np.sum(self.x**2 * (1.0 + self.inverse)))
        return 1.0 + size / self.ridge

    def extreme(self) -> tuple[float, Floats]:
        """Largest v.(S_J v)/v.(lam H v) over the range of Sigma, and the unit v that has it.

        S_J = lam Y W^{-1} Y^T, H = Y Y^T with Y = V diag(sqrt(mu/(mu + lam))), as in `frozen`.
        """
        mu, basis = self._factors
        genuine = mu > 1e-20 * mu[0]  # zeros are 1e-32, all else above 1e-12
        mu, basis = mu[genuine], basis[:, genuine]
        y = basis * np.sqrt(mu / (mu + self.ridge))
        w = np.diag(self.ridge / (mu + self.ridge)) + (y.T * self.inverse) @ y
        values, vectors = np.linalg.eigh(w)
        v = basis @ (np.sqrt((mu + self.ridge) / mu) * vectors[:, 0])
        return 1.0 / float(values[0]), np.asarray(v / np.linalg.norm(v))


def draws(rng: np.random.Generator, *, k: int = 4, law: str = "leverage", **given: Any) -> Draws:
    """Layer of a family and k draws, by its leverage or evenly."""
    sampled = layer(rng, **given)
    found = Draws(sampled, np.zeros(sampled.m, dtype=np.int64))
    leverage = found.leverage
    q = leverage / np.sum(leverage) if law == "leverage" else np.full(len(leverage), 1 / sampled.m)
    nodes = rng.choice(sampled.m, size=k, p=q)
    return Draws(sampled, np.bincount(nodes, minlength=sampled.m))


#: Many degrees of freedom, nearly all of which are explained.
MANY = {"family": "flat", "m": 12, "k": 40, "log10_ridge": 0.3}


@register(
    "laws.L1",
    "identity",
    draws,
    {
        **{name: LAYERS[name] for name in ("family", "m", "log10_ridge", "seed")},
        "k": Whole(1, 40),
        "law": Choice(("leverage", "uniform")),
    },
    (*STRUCTURED, MANY, {"family": "relu", "m": 10, "k": 30, "law": "uniform"}),
    mutants=(
        Mutant("multiplicity dropped", {"multiplicity": False}),
        Mutant("lam dropped before Phi", {"factor": False}),
        Mutant("k dropped from the ridges", {"width": False}),
        Mutant("c x .95 is enough", {"constant": 0.95}),
        Mutant("N dropped: L^A <= c lam", {"degrees": False}),
    ),
)
def leverage_algebra(
    drawn: Draws,
    *,
    multiplicity: bool = True,
    factor: bool = True,
    width: bool = True,
    constant: float = 1.0,
    degrees: bool = True,
) -> Sides:
    """Draws with the ridges of leverage sampling obey a Loewner algebra, whatever was drawn.

    Hypotheses
    ----------
    lam > 0, any draws v_1..v_k of positive leverage, repeats merged by tau_j = lam k q_j/c_j.

    Statement
    ---------
    S_J = lam X^T (K_J + lam)^{-1} X. For every c >= 1, K_J + lam >= (K + lam)/c iff S_J <= c lam H
    (the least such c is attained on both sides), and then L^A <= c lam N(lam).

    Source
    ------
    Derived [D] (push-through identity); c = 4 is what the sampling lemma P1 shows.

    References
    ----------
    arXiv 1808.08558
    """
    x, lam, k = drawn.x, drawn.ridge, int(np.sum(drawn.counts))
    cov = theory.second_moment(drawn.sampled.features)
    kept = np.flatnonzero(drawn.counts)
    leverage = np.asarray(theory.leverage_scores(cov, lam))
    tau = lam * leverage[kept] / theory.degrees_of_freedom(cov, lam)
    tau = tau * (k if width else 1) / (drawn.counts[kept] if multiplicity else 1)
    s, h = theory.residual(cov, kept, tau), theory.smoother(cov, lam)
    regular = (x * drawn.inverse) @ x.T + lam * np.eye(len(x))
    own = (lam if factor else 1.0) * x.T @ np.linalg.solve(regular, x)
    top, v = drawn.extreme()
    c = constant * max(1.0, top)
    loss, most = float(np.trace(s)), c * lam * (float(np.trace(h)) if degrees else 1.0)
    # an error E of Sigma moves l_j by |E|/lam, and S_J by its own size times the relative error
    steep = drawn.sampled.scale / lam / float(np.min(drawn.leverage[kept]))
    scale, size = drawn.sampled.scale * (drawn.condition + steep), drawn.sampled.size
    whole, room = x @ x.T + lam * np.eye(len(x)), lam * drawn.condition
    return together(
        equal(s, own, scale=scale, size=size, part="push-through"),
        equal(v @ s @ v, constant * top * lam * (v @ h @ v), scale=scale, size=size, part="v"),
        loewner(s, c * lam * h, scale=scale, size=size, part="node space"),
        loewner(whole / c, regular, scale=room, size=size, part="sample space"),
        at_most(loss, most, scale=scale, size=size, part="loss"),
    )


@dataclass(frozen=True, eq=False)
class AllDraws:
    """All draws of k nodes from q: a small layer, or Sigma = I_m of any size where it is None.

    Attributes
    ----------
    sampled : Layer or None
    m, k : int
    ridge : float
        lam.
    """

    sampled: Layer | None
    m: int
    k: int
    ridge: float


def all_draws(
    rng: np.random.Generator, *, k: int = 3, identity: int = 0, ridge: float = 1.0, **given: Any
) -> AllDraws:
    """Layer of a family, or Sigma = I_m with m = `identity` at the given ridge."""
    if identity:
        return AllDraws(None, identity, k, ridge)
    sampled = layer(rng, **given)
    return AllDraws(sampled, sampled.m, k, sampled.ridge)


#: N = 5, and every draw of 150 nodes loses at least 995.1 > 796 = 4 lam.
THOUSAND = {"identity": 1000, "ridge": 199.0, "k": 150}


@register(
    "laws.L1b",
    "expectation",
    all_draws,
    {
        **{name: LAYERS[name] for name in ("family", "log10_ridge", "seed")},
        "m": Whole(1, 5),
        "k": Whole(1, 4),
    },
    (
        *({**case, "m": 4} for case in STRUCTURED),
        {"family": "flat", "m": 1, "k": 3},
        {"family": "flat", "m": 3, "k": 4, "log10_ridge": 2.0},
        THOUSAND,
    ),
    mutants=(
        Mutant("constant / .95", {"constant": 1 / 0.95}),
        Mutant("k dropped from the ridges", {"width": False}),
        Mutant("lam H -> Sigma", {"shrunk": False}),
        Mutant("read as L^A <= 4 lam", {"without_degrees": True}, examples=(THOUSAND,)),
    ),
)
def mean_of_draws(
    drawn: AllDraws,
    *,
    constant: float = 1.0,
    width: bool = True,
    shrunk: bool = True,
    without_degrees: bool = False,
) -> Sides:
    """On average, leverage draws leave at least lam H: the loss without N cannot hold.

    Hypotheses
    ----------
    lam > 0, Sigma != 0, v_1..v_k iid from q, repeats merged by tau_j = lam k q_j/c_j.

    Statement
    ---------
    E S_J >= lam H, so E L^A >= lam N(lam); for Sigma = I_m every draw has
    L^A >= m - k + k tau/(1 + tau), tau = lam k/m (k <= m). The reading L^A <= 4 lam fails in
    expectation once N > 4, and for every draw at Sigma = I_1000, lam = 199, k = 150: 995.1 > 796.

    Source
    ------
    Derived [D] (Jensen's inequality for the inverse matrix, as E K_J = K).

    Equality cases
    --------------
    One node.

    References
    ----------
    arXiv 1808.08558; spectral.F2
    """
    lam, k = drawn.ridge, drawn.k
    share = 1.0 if width else 1.0 / k
    if drawn.sampled is None:
        return _of_identity(drawn, constant, share, shrunk, without_degrees)
    cov = theory.second_moment(drawn.sampled.features)
    h = theory.smoother(cov, lam)
    mean, scale = _mean_residual(drawn.sampled, k, share)
    size, loss = drawn.sampled.size, float(np.trace(mean))
    lower = constant * (lam * h if shrunk else cov)
    dof = theory.degrees_of_freedom(cov, lam)
    parts = [at_most(constant * lam * dof, loss, scale=scale, size=size, part="loss")]
    if without_degrees:
        parts.append(at_most(loss, 4 * lam, scale=scale, size=size, part="reading"))
    return together(loewner(lower, mean, scale=scale, size=size, part="residual"), *parts)


def _mean_residual(sampled: Layer, k: int, share: float) -> tuple[Floats, float]:
    """E S_J over all multisets of k draws, each by least squares, and the size of its terms."""
    found = Draws(sampled, np.zeros(sampled.m, dtype=np.int64))
    q = found.leverage / np.sum(found.leverage)
    mean, scale = np.zeros((sampled.m, sampled.m)), 0.0
    for nodes in itertools.combinations_with_replacement(range(sampled.m), k):
        counts = np.bincount(nodes, minlength=sampled.m)
        ways = math.factorial(k) / math.prod(math.factorial(c) for c in counts)
        kept = np.flatnonzero(counts)
        tau = share * sampled.ridge * k * q[kept] / counts[kept]
        fit = ridge_fit(sampled.features, sampled.features, kept, tau)
        chance = ways * float(np.prod(q**counts))
        mean += chance * fit.moment
        scale += chance * fit.amplification * sampled.scale
    # an error of Sigma reaches q divided by lam
    return mean, scale * (1.0 + sampled.scale / sampled.ridge)


def _of_identity(
    drawn: AllDraws, constant: float, share: float, shrunk: bool, without_degrees: bool
) -> Sides:
    """Sigma = I_m: node j loses 1/(1 + c_j m/(lam k)), c_j binomial; convex, so least when even."""
    from scipy.stats import binom

    m, k, lam = drawn.m, drawn.k, drawn.ridge
    dof = theory.degrees_of_freedom(np.ones(m), lam)
    counts = np.arange(k + 1)
    left = 1.0 / (1.0 + counts * m / (share * lam * k))
    mean = m * float(np.sum(binom.pmf(counts, k, 1 / m) * left))
    least = m - k + k * float(left[1])
    parts = [at_most(least, mean, scale=m, size=m, part="even draws lose least")]
    if without_degrees:
        parts.append(at_most(least, 4 * lam, scale=m, size=m, part="reading, best draw"))
    lower = constant * (lam * dof if shrunk else m)
    return together(at_most(lower, mean, scale=m, size=m, part="loss"), *parts)
