r"""Laws: what happens, beside what cannot be exceeded (laws.md).

L2, the sharp law of the leverage-sampled loss: kappa solves kappa (1 - N(kappa)/k) = lam with
N(kappa) < k, and L^A(J) ~ kappa N(kappa). It is a prediction, never a bound; its coherence score
chi says when to distrust it (chi > .12).
"""

from __future__ import annotations

from typing import Any

from .arrays import as_count, as_real, as_ridge, namespace
from .spectrum import as_spectrum, degrees_of_freedom, fixed_point_ridge, smoother

#: Above this coherence score the law was seen to err by more than about 7 % (laws.md L2).
COHERENCE_WARNING = 0.12


def sampled_ridge(spectrum_or_cov: Any, ridge: float, width: int) -> float:
    r"""Effective ridge kappa of k leverage-sampled nodes: kappa (1 - N(kappa)/k) = lam.

    The one root with N(kappa) < k; it lies in [lam, lam + Tr Sigma/k]. At lam = 0 it is the root
    of N(kappa) = k, and 0 from k = rank on.

    Source: laws.md L2 (deterministic equivalent of a ridge sketch; cf. arXiv 2211.03751).

    Raises
    ------
    ValueError
        Negative ridge, or a width that is not a whole number of at least 1.
    """
    return fixed_point_ridge(
        as_spectrum(spectrum_or_cov), as_ridge(ridge), as_count("width", width)
    )


def sampled_loss_law(spectrum_or_cov: Any, ridge: float, width: int) -> float:
    """Predicted input loss L^A of k leverage-sampled nodes, kappa N(kappa) (laws.md L2).

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
        Drawing law q; by default leverage at `ridge`, q_j = l_j/N(lam).

    Returns
    -------
    float
        At most .12: the law held within 3 % on 14 settings; above, it erred by 7 % and more
        (laws.md L2).
    """
    spectrum = as_spectrum(cov, vectors=True)
    xp = namespace(spectrum.eigenvalues)
    kappa = sampled_ridge(spectrum, ridge, width)
    h = smoother(spectrum, kappa)
    dof = float(xp.sum(xp.linalg.diagonal(h)))
    if distribution is None:
        leverage = xp.linalg.diagonal(smoother(spectrum, ridge))
        q = leverage / xp.sum(leverage)
    else:
        q = as_real("distribution", distribution, ndim=1)
    inverse = xp.where(q > 0, 1.0 / xp.where(q > 0, q, xp.ones_like(q)), xp.zeros_like(q))
    squares = h * h
    return float(inverse @ (squares * squares) @ inverse) / (width * dof * dof)
