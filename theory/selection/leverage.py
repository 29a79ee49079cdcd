r"""Leverage sampling: node j drawn in proportion to l_j = [Sigma (Sigma + lam)^{-1}]_jj.

Letters: N = N(lam) = sum_j l_j, q_j = l_j/N, H = Sigma (Sigma + lam)^{-1}. Two ways to draw, each
with a statement uniform over all directions (:mod:`..bounds.sampling`):

    P1, P2  k iid draws from q, tau_i = k lam q_{v_i}:    S_J <= 4 lam H, or lam/(1 - t) H;
    P3      each node by its own coin, tau_j = lam p_j:   S_J <= 4 lam H.

P1 and P2 speak of the multiset of draws. Keeping each distinct node once needs tau_j =
k lam q_j / r_j, r_j its multiplicity, as merging r copies adds up their 1/tau; with the multiset's
tau on the merged nodes the statement is false (claim spectral.F1).

Sources: Suzuki et al., arXiv 1808.08558, and Bach 2017 [constants R]; proofs spectral.P1-P3 [D].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import as_count, as_generator, as_probability, as_ridge, namespace, to_numpy
from ..bounds.paper import PAPER_DELTA, paper_width
from ..bounds.sampling import bernoulli_probabilities, effective_dimension, sampling_level
from ..errors import InapplicableError
from ..spectrum import Spectrum, as_spectrum, degrees_of_freedom, leverage_scores
from .selection import Selection


def select_leverage(cov: Any, width: int, ridge: float, *, rng: Any) -> Selection:
    r"""Distinct nodes of k iid draws from q_j = l_j/N(lam), with tau_j = k lam q_j/multiplicity.

    Parameters
    ----------
    cov : (m, m) array, or Spectrum with eigenvectors
    width : int
        k, the number of draws (at least 1; it may exceed m). The number of distinct nodes kept is
        ``selection.width``, at most k.
    ridge : float
        lam > 0, units of the eigenvalues.
    rng : Generator, seed or None
        Passed to ``numpy.random.default_rng``.

    Returns
    -------
    Selection
        `kept` in the order first drawn, `multiplicity` beside it; the guarantee says whether P1
        applies at this width, else which t of P2 does, else that neither does.

    Raises
    ------
    InapplicableError
        `cov` is zero: no node has leverage.
    ValueError
        Not a second-moment matrix, a ridge that is not above 0, a width below 1.
    """
    spectrum = as_spectrum(cov, vectors=True)
    k = as_count("width", width)
    lam = as_ridge(ridge, positive=True)
    effective_dimension(spectrum, lam)  # refuses Sigma = 0
    leverage = to_numpy(leverage_scores(spectrum, lam))
    cumulative = np.cumsum(leverage)
    uniforms = as_generator(rng).random(k)
    draws = np.searchsorted(cumulative, uniforms * cumulative[-1], side="right")
    nodes, first, counts = np.unique(draws, return_index=True, return_counts=True)
    order = np.argsort(first)
    kept, multiplicity = nodes[order], counts[order]
    q = leverage[kept] / cumulative[-1]
    xp = namespace(spectrum.eigenvalues)
    return Selection(
        xp.asarray(kept),
        xp.asarray(k * lam * q / multiplicity),
        "leverage",
        _guarantee(spectrum, k, lam),
        multiplicity=xp.asarray(multiplicity),
    )


def select_bernoulli(cov: Any, ridge: float, *, delta: float, rng: Any) -> Selection:
    r"""Nodes kept by independent coins p_j = min(1, c l_j), c = (40/9) log(4 d/delta).

    Distinct nodes by construction, tau_j = lam p_j, and the guarantee P3 holds at every ridge:
    the width is random instead, E|J| = sum p_j <= c N(lam). `kept` may be EMPTY where the p_j are
    small: then S_J = Sigma, which P3 allows for.

    Parameters
    ----------
    cov : (m, m) array, or Spectrum with eigenvectors
    ridge : float
        lam > 0, units of the eigenvalues.
    delta : float
        Probability of failure allowed, strictly between 0 and 1.
    rng : Generator, seed or None
        Passed to ``numpy.random.default_rng``.

    Raises
    ------
    InapplicableError
        `cov` is zero: no node has leverage.
    ValueError
        Not a second-moment matrix, a ridge that is not above 0, a delta outside (0, 1).
    """
    spectrum = as_spectrum(cov, vectors=True)
    lam = as_ridge(ridge, positive=True)
    delta = as_probability("delta", delta)
    p = to_numpy(bernoulli_probabilities(spectrum, lam, delta))
    kept = np.flatnonzero(as_generator(rng).random(p.size) < p)
    ceiling = 4.0 * lam * float(degrees_of_freedom(spectrum, lam))
    guarantee = (
        f"With probability at least 1 - {delta:.4g}, S_J <= 4 lam Sigma (Sigma + lam)^(-1) at lam "
        f"= {lam:.4g}, hence L^A <= 4 lam N = {_ceiling(ceiling, spectrum)} (spectral.P3); the "
        f"mean width is {p.sum():.4g}."
    )
    xp = namespace(spectrum.eigenvalues)
    return Selection(xp.asarray(kept), xp.asarray(lam * p[kept]), "bernoulli", guarantee)


def _guarantee(spectrum: Spectrum, width: int, ridge: float) -> str:
    failure = PAPER_DELTA / 3.0  # 1/15, of P1; P2 is asked for the same
    dof = float(degrees_of_freedom(spectrum, ridge))
    condition = (
        f"k >= 5 N log(16 N/delta), that is {paper_width(spectrum, ridge)} draws at "
        f"N({ridge:.4g}) = {dof:.4g} and delta = {PAPER_DELTA}"
    )
    probability = "with probability at least 14/15"
    if width >= paper_width(spectrum, ridge):
        return (
            f"{width} draws meet {condition}: {probability} S_J <= 4 lam Sigma (Sigma + "
            f"lam)^(-1), hence L^A <= 4 lam N = {_ceiling(4 * ridge * dof, spectrum)} "
            "(spectral.P1)."
        )
    try:
        t = sampling_level(spectrum, ridge, width, failure)
    except InapplicableError:
        return (
            f"No guarantee at this width: {width} draws do not meet {condition} (spectral.P1), "
            "nor the condition of spectral.P2 at any t < 1."
        )
    return (
        f"{width} draws do not meet {condition} (spectral.P1), but {probability} S_J <= "
        f"lam/(1 - t) Sigma (Sigma + lam)^(-1) at t = {t:.4g}, hence L^A <= lam N/(1 - t) = "
        f"{_ceiling(ridge * dof / (1 - t), spectrum)} (spectral.P2)."
    )


def _ceiling(value: float, spectrum: Spectrum) -> str:
    """Bound on L^A in figures, and whether it says more than L^A <= Tr Sigma."""
    vacuous = "" if value < spectrum.trace else f", VACUOUS beside Tr Sigma = {spectrum.trace:.4g}"
    return f"{value:.4g}{vacuous}"
