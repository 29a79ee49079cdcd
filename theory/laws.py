r"""Laws: what happens, beside what cannot be exceeded (docs/statements.md 5).

L2, the sharp law of the leverage-sampled loss: kappa solves kappa (1 - N(kappa)/k) = lam with
N(kappa) < k, and L^A(J) ~ kappa N(kappa). It is a prediction, never a bound; its coherence score
chi says when to distrust it (chi > .12), and so do fewer nodes than N(lam).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .arrays import Array, Namespace, as_count, as_real, as_ridge, input_eps, namespace, to_numpy
from .spectrum import as_spectrum, degrees_of_freedom, fixed_point_ridge, smoother

#: Above this coherence score the law was seen to err by more than about 7 % (laws.L2).
COHERENCE_WARNING = 0.12


@dataclass(frozen=True)
class SampledLaw:
    """Prediction of a sampled loss, with how far to trust it. Not a bound: losses exceed it.

    Attributes
    ----------
    value : float
        kappa N(kappa), about the mean loss.
    ridge : float
        kappa.
    coherence : float
        chi of :func:`coherence_score`.
    width : int
        k.
    degrees : float
        N(lam).
    """

    value: float
    ridge: float
    coherence: float
    width: int
    degrees: float

    @property
    def warning(self) -> str | None:
        """Why not to trust it, in words; None where it held, within 8 %, wherever it was tried."""
        if not self.coherence <= COHERENCE_WARNING:
            return (
                f"coherence score {self.coherence:.3g} is above {COHERENCE_WARNING:g}: the nodes "
                "are too coherent for the law of the sampled loss, which may err several-fold"
            )
        if self.width < self.degrees:
            return (
                f"{self.width} nodes are fewer than the {self.degrees:.4g} degrees of freedom: the "
                "law of the sampled loss was seen to be some 10 % too low there"
            )
        return None


def sampled_law(cov: Any, ridge: float, width: int) -> SampledLaw:
    """Law of the input loss of k leverage-sampled nodes, with its score and its warning.

    Arguments and errors as :func:`coherence_score`.
    """
    spectrum = as_spectrum(cov, vectors=True)
    return SampledLaw(
        sampled_loss_law(spectrum, ridge, width),
        sampled_ridge(spectrum, ridge, width),
        coherence_score(spectrum, ridge, width),
        as_count("width", width),
        float(degrees_of_freedom(spectrum, ridge)),
    )


def sampled_ridge(spectrum_or_cov: Any, ridge: float, width: int) -> float:
    r"""Effective ridge kappa of k leverage-sampled nodes: kappa (1 - N(kappa)/k) = lam.

    The one root with N(kappa) < k; it lies in [lam, lam + Tr Sigma/k]. At lam = 0 it is the root
    of N(kappa) = k, and 0 from k = rank on.

    Source: laws.L2 (deterministic equivalent of a ridge sketch; cf. arXiv 2211.03751).

    Raises
    ------
    ValueError
        Negative ridge, or a width that is not a whole number of at least 1.
    """
    return fixed_point_ridge(
        as_spectrum(spectrum_or_cov), as_ridge(ridge), as_count("width", width)
    )


def sampled_loss_law(spectrum_or_cov: Any, ridge: float, width: int) -> float:
    """Predicted input loss L^A of k leverage-sampled nodes, kappa N(kappa) (laws.L2).

    For the multiset of :func:`~pruneproof.theory.select_leverage` with its ridges
    tau_i = k lam q_i / multiplicity. Same units as Tr Sigma.
    """
    spectrum = as_spectrum(spectrum_or_cov)
    kappa = sampled_ridge(spectrum, ridge, width)
    return kappa * float(degrees_of_freedom(spectrum, kappa))


def coherence_score(cov: Any, ridge: float, width: int, distribution: Any = None) -> float:
    r"""chi = (1/(k N(kappa)^2)) sum_ij H_ij^4/(q_i q_j), H = Sigma (Sigma + kappa)^{-1}.

    Parameters
    ----------
    cov : (m, m) array, or Spectrum with eigenvectors
    ridge : float
    width : int
    distribution : (m,) array, optional
        Drawing law q, at least 0 with sum 1; by default leverage at `ridge`, q_j = l_j/N(lam).

    Returns
    -------
    float
        At most .12, and k at least N(lam): the law held within 8 % wherever it was tried, mostly
        within 3 %. Above .12 it erred by more, up to thirtyfold (laws.L2). 0 for Sigma = 0;
        infinite where `distribution` never draws a node that counts.

    Raises
    ------
    ValueError
        As :func:`sampled_ridge`; `distribution` is not a probability distribution on the nodes.
    """
    spectrum = as_spectrum(cov, vectors=True)
    xp = namespace(spectrum.eigenvalues)
    kappa = sampled_ridge(spectrum, ridge, width)
    h = smoother(spectrum, kappa)
    dof = float(xp.sum(xp.linalg.diagonal(h)))
    if dof == 0.0:
        return 0.0
    if distribution is None:
        leverage = xp.linalg.diagonal(smoother(spectrum, ridge))
        q = leverage / xp.sum(leverage)
    else:
        q = _drawing_law(distribution, spectrum.size, xp)
        never = xp.where(q > 0, xp.zeros_like(q), xp.linalg.diagonal(h))
        if float(xp.max(never)) > spectrum.size * input_eps(h):  # more than rounding of h
            return math.inf
    root = xp.where(q > 0, 1.0 / xp.sqrt(xp.where(q > 0, q, xp.ones_like(q))), xp.zeros_like(q))
    terms = (h / dof * root[:, None]) * (h * root[None, :])  # no powers that may underflow alone
    return float(xp.sum(terms * terms)) / width


def _drawing_law(distribution: Any, m: int, xp: Namespace) -> Array:
    """Probabilities of drawing each node: (m,), at least 0, sum 1 up to rounding."""
    q = as_real("distribution", distribution, ndim=1)
    if q.shape[0] != m:
        raise ValueError(f"distribution must have {m} entries, one a node, but has {q.shape[0]}")
    q = xp.asarray(to_numpy(q)) if namespace(q) is not xp else q
    total = float(xp.sum(q))
    if float(xp.min(q)) < 0 or abs(total - 1.0) > m * input_eps(distribution):
        raise ValueError(
            f"distribution must be at least 0 with sum 1, but its smallest entry is "
            f"{float(xp.min(q)):g} and its sum {total:.15g}; divide it by its sum"
        )
    return q
