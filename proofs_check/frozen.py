r"""Frozen layers for statements about chance: one second moment, drawn from again and again.

Letters: Sigma = X^T X with X = features/sqrt(n) = P diag(s) U^T, mu = s^2, y_j the rows of
Y = U diag(s/sqrt(mu + lam)). Then H = Sigma (Sigma + lam)^{-1} = Y Y^T, l_j = |y_j|^2 is the
leverage, N = sum_j l_j, and nodes J with ridges tau > 0 leave the residual

    S_J = lam Y W^{-1} Y^T,    W = diag(lam/(mu + lam)) + sum_{j in J} (lam/tau_j) y_j y_j^T,

so c_1 lam H <= S_J <= c_2 lam H iff every eigenvalue of W on the range lies in [1/c_2, 1/c_1]
(directions with mu = 0 have eigenvalue 1). Y comes from the samples and is computed once; a trial
costs one eigenvalue problem. The theory is asked only for its own spectrum, which it is handed.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pruneproof import theory

from .generators import FAMILIES, Choice, Real, Space, Whole, samples
from .oracles import Index
from .sides import Floats, Sides, at_most, equal

#: Families of :func:`frozen_layer`: "strong" has one node of leverage `top`, all others `weak`.
FROZEN_FAMILIES = (*FAMILIES, "strong")

#: Largest factor by which the law "estimates" overestimates a leverage.
ESTIMATES = 3.0

FROZEN: Space = {
    "family": Choice(FROZEN_FAMILIES),
    "m": Whole(1, 24),
    "top": Real(0.05, 0.999),
    "delta": Real(0.01, 0.9),
    "seed": Whole(0, 65535),
}

#: Flat and steep, rotated and along the nodes, repeated, of a rectifier; the leverage .99 is far
#: from where (*) holds of itself (lam >= mu_1/3, so top <= 3/4).
DRAWN_FROM: tuple[dict[str, Any], ...] = (
    {"family": "flat", "m": 20},
    {"family": "diagonal", "m": 16, "top": 0.98},
    {"family": "power-law", "m": 16, "top": 0.98},
    {"family": "duplicated", "m": 12, "top": 0.95},
    {"family": "relu", "m": 12, "top": 0.99},
    {"family": "strong", "m": 41, "weak": 1e-3},
)
#: Many directions of one leverage: each must be drawn often enough.
MANY = {"family": "flat", "m": 80}


@dataclass(frozen=True, eq=False)
class FrozenLayer:
    """Samples of a layer, a ridge, and what is claimed of draws from it.

    Attributes
    ----------
    features : (n, m) array
    ridge : float
        lam > 0.
    delta : float
        Probability of failure that the width is made for.
    level : float
        Probability of failure that the statement claims.
    output_weights : (p, m) array
        Z, for the mixed loss at theta = 1/2.
    t : float
        Level of P2 and X3.
    law : (m,) array or None
        q' of X4.
    constant : float
        What X4 says of c for this law.
    draws : int
        Number of draws where the statement leaves it open.
    event : str
        Which event of P1b.
    """

    features: Floats
    ridge: float
    delta: float
    level: float
    output_weights: Floats
    t: float = 0.75
    law: Floats | None = None
    constant: float = 0.0
    draws: int = 0
    event: str = ""

    @functools.cached_property
    def spectrum(self) -> theory.Spectrum:
        """What the theory draws from."""
        return theory.decompose(theory.second_moment(self.features))

    @functools.cached_property
    def _factors(self) -> tuple[Floats, Floats]:
        """mu (r,) and Y (m, r), from the samples."""
        _, s, basis = np.linalg.svd(
            self.features / np.sqrt(len(self.features)), full_matrices=False
        )
        return s**2, basis.T * (s / np.sqrt(s**2 + self.ridge))

    @property
    def m(self) -> int:
        """Number of nodes."""
        return int(self.features.shape[1])

    @property
    def mu(self) -> Floats:
        """Eigenvalues, descending, (r,)."""
        return self._factors[0]

    @property
    def rows(self) -> Floats:
        """Y, (m, r)."""
        return self._factors[1]

    @functools.cached_property
    def leverage(self) -> Floats:
        """l_j, (m,)."""
        return np.asarray(np.sum(self.rows**2, axis=1))

    @functools.cached_property
    def dof(self) -> float:
        """N(lam)."""
        return float(np.sum(self.mu / (self.mu + self.ridge)))

    @functools.cached_property
    def form(self) -> Floats:
        """Y^T Q Y, (r, r), of Q = (I + Z^T Z)/2."""
        read = self.output_weights @ self.rows
        return np.asarray((self.rows.T @ self.rows + read.T @ read) / 2)

    @property
    def mixture(self) -> dict[str, Any]:
        """Arguments by which the theory states a bound for Q."""
        return {"theta": 0.5, "output_weights": self.output_weights}

    @property
    def intrinsic(self) -> float:
        """d = N (mu_1 + lam)/mu_1."""
        return self.dof * self.condition * self.ridge / float(self.mu[0])

    @property
    def condition(self) -> float:
        """(mu_1 + lam)/lam: how much whitening enlarges an error of Sigma."""
        return float(self.mu[0] + self.ridge) / self.ridge

    def whitened(self, kept: Index, tau: Floats) -> Floats:
        """W, (r, r)."""
        chosen = self.rows[kept]
        drawn = chosen.T @ (chosen * (self.ridge / tau)[:, None])
        return np.asarray(np.diag(self.ridge / (self.mu + self.ridge)) + drawn)

    def loss(self, whitened: Floats) -> float:
        """Tr(Q S_J), theta = 1/2."""
        return self.ridge * float(np.trace(np.linalg.solve(whitened, self.form)))


def drawn(selection: theory.Selection) -> tuple[Index, Floats, Floats]:
    """Distinct nodes, their ridges and multiplicities."""
    counts = np.ones(selection.width) if selection.multiplicity is None else selection.multiplicity
    return np.asarray(selection.kept), np.asarray(selection.ridge), np.asarray(counts, dtype=float)


def ridges_as_stated(frozen: FrozenLayer, kept: Index, tau: Floats, counts: Floats) -> Sides:
    """The theory's ridges are those of the statement, lam k q_j over the multiplicity."""
    own = frozen.leverage[kept] / frozen.dof
    given = tau * counts / (frozen.ridge * np.sum(counts))
    return equal(given, own, scale=frozen.condition, size=2 * frozen.m, part="ridges")


def below(frozen: FrozenLayer, whitened: Floats, constant: float, part: str) -> Sides:
    """S_J <= constant lam H, as 1/constant <= the least eigenvalue of W."""
    least = float(np.linalg.eigvalsh(whitened)[0])
    scale, size = _rounding(frozen, whitened)
    return at_most(1 / constant, least, scale=scale, size=size, part=part)


def above(frozen: FrozenLayer, whitened: Floats, constant: float, part: str) -> Sides:
    """S_J >= constant lam H, as the largest eigenvalue of W <= 1/constant."""
    largest = float(np.linalg.eigvalsh(whitened)[-1])
    scale, size = _rounding(frozen, whitened)
    return at_most(largest, 1 / constant, scale=scale, size=size, part=part)


def _rounding(frozen: FrozenLayer, whitened: Floats) -> tuple[float, int]:
    """Scale and size: W sums r + |J| positive terms; an error of Sigma reaches it whitened."""
    return float(np.trace(whitened)) * frozen.condition, int(np.sum(frozen.features.shape))


def frozen_layer(
    rng: np.random.Generator,
    *,
    family: str = "flat",
    m: int = 12,
    copies: int = 1,
    top: float = 0.99,
    weak: float = 0.01,
    delta: float = 0.2,
    level: float | None = None,
    t: float = 0.75,
    draws: int = 0,
    event: str = "",
) -> FrozenLayer:
    """Layer of one family, every node `copies` times, with mu_1/(mu_1 + lam) = `top`.

    `level` is delta/3 by default. The family "strong" has lam = 1 and Sigma diagonal.
    """
    if family == "strong":
        leverages = np.append(top, np.full(m - 1, weak))
        features = np.diag(np.sqrt(m * leverages / (1 - leverages)))
        ridge = 1.0
    else:
        features = np.repeat(samples(rng, family, m), copies, axis=1)
        largest = float(np.linalg.svd(features, compute_uv=False)[0]) ** 2 / len(features)
        ridge = largest * (1 - top) / top
    return FrozenLayer(
        features,
        ridge,
        delta,
        delta / 3 if level is None else level,
        rng.standard_normal((3, features.shape[1])),
        t=t,
        draws=draws,
        event=event,
    )


def bernstein_layer(rng: np.random.Generator, *, delta: float = 0.2, **given: Any) -> FrozenLayer:
    """As :func:`frozen_layer`, claimed to fail with probability delta."""
    return frozen_layer(rng, delta=delta, level=delta, **given)


def law_layer(rng: np.random.Generator, *, law: str = "uniform", **given: Any) -> FrozenLayer:
    """As :func:`frozen_layer`, with a law q' for X4.

    "uniform", "mixed" half and half with the leverage, or "estimates" l~_j between l_j and 3 l_j,
    normalised.
    """
    found = frozen_layer(rng, **given)
    m, leverage, dof = found.m, found.leverage, found.dof
    weights, constant = {
        "uniform": (np.ones(m), m * float(np.max(leverage))),
        "estimates": (leverage * rng.uniform(1.0, ESTIMATES, m), ESTIMATES * dof),
        "mixed": (leverage / dof + 1 / m, 2 * dof),
    }[law]
    return replace(found, law=weights / np.sum(weights), constant=constant)
