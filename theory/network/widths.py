r"""Widths of all sites from a ridge or from an error budget, X1 beside the paper-style width.

    dof      N(lam) nodes suffice: E L^A <= lam N(lam)                 (claim spectral.X1 [D])
    volume   the least k with lam_vol(k) <= lam                        (claim spectral.D6 [D])
    paper    ceil(5 N log(80 N)) draws                                 (paper-style, P1; [R])

N(lam) = Tr Sigma (Sigma + lam)^{-1} of the site's second moment Sigma, centred where the
reconstruction is affine. No width is advised above the number of channels there are; the
paper-style figure itself is shown as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import as_ridge, as_theta, namespace
from ..bounds.advice import width_for_budget
from ..bounds.directions import directions
from ..bounds.paper import paper_width
from ..errors import InapplicableError
from ..spectrum import Spectrum, decompose, degrees_of_freedom
from .network import Network
from .site_moments import SiteMoments, site_moments
from .sites import Site

#: Mostly the output loss; enough of the input loss to rank nodes beyond the rank of Z.
DEFAULT_THETA = 0.1


@dataclass(frozen=True)
class AdvisedWidth:
    """Width advised for one site, with X1's and the paper-style width for the same demand.

    Attributes
    ----------
    name : str
        Site.
    size : int
        Channels there are.
    width : int
        Advised by the rule that was asked for, from 1 to `size`.
    dof_width : int
        X1: ceil(N(lam)) at `ridge`, or the least width whose X1 bound is within `budget`.
    paper_width : int or None
        Paper-style: ceil(5 N log(80 N)) at `ridge`, which may exceed `size`; None where there is
        none: at ridge 0, or where no width up to `size` has a paper-style bound within `budget`.
    ridge : float or None
        lam the two speak of; None where they speak of a budget.
    budget : float or None
        Loss L^theta they speak of, units of Tr(Q Sigma); None where they speak of a ridge.
    """

    name: str
    size: int
    width: int
    dof_width: int
    paper_width: int | None
    ridge: float | None = None
    budget: float | None = None


def dof_width(spectrum: Spectrum, ridge: float) -> int:
    """ceil(N(lam)), at least 1; a figure within rounding above a whole number counts as it."""
    dof = float(degrees_of_freedom(spectrum, ridge))
    return max(1, math.ceil(dof * (1.0 - spectrum.size * np.finfo(np.float64).eps)))


def _volume_width(spectrum: Spectrum, ridge: float) -> int:
    """Least k with lam_vol(k) <= lam: ceil(sum_j min(1, mu_j/lam)), at most the rank."""
    if ridge == 0.0:
        return max(1, spectrum.rank)
    xp = namespace(spectrum.eigenvalues)
    total = float(xp.sum(xp.clip(spectrum.eigenvalues / ridge, None, 1.0)))
    rounding = spectrum.size * float(np.finfo(np.float64).eps)
    return max(1, min(math.ceil(total * (1.0 - rounding)), spectrum.rank))


RIDGE_RULES: dict[str, Callable[[Spectrum, float], int]] = {
    "dof": dof_width,
    "volume": _volume_width,
    "paper": lambda spectrum, ridge: paper_width(spectrum, ridge),
}


def as_rule(rule: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    """Name of a known rule, or a sentence that lists the known ones."""
    if not isinstance(rule, str) or rule not in known:
        raise ValueError(f"rule must be one of {', '.join(known)}, but is {rule!r}")
    return rule


def advised_at_ridge(site: Site, spectrum: Spectrum, width: int, ridge: float) -> AdvisedWidth:
    """`width` beside X1's and the paper-style width at a ridge."""
    return AdvisedWidth(
        name=site.name,
        size=site.width,
        width=min(width, site.width),
        dof_width=dof_width(spectrum, ridge),
        paper_width=paper_width(spectrum, ridge) if ridge > 0.0 else None,
        ridge=ridge,
    )


def widths_for_ridge(
    network: Network,
    inputs: Any,
    ridge: float | Sequence[float],
    *,
    rule: str = "dof",
    affine: bool = True,
) -> dict[str, AdvisedWidth]:
    """Width of every site that a ridge asks for.

    Parameters
    ----------
    network : Network
    inputs : array
        The sample behind P_n.
    ridge : float or sequence of float
        lam >= 0, for all sites or one a site; units of the features squared.
    rule : {"dof", "volume", "paper"}
    affine : bool
        As in :func:`~pruneproof.theory.compress`.

    Returns
    -------
    dict of AdvisedWidth by site name
        Which :func:`~pruneproof.theory.compress` takes as its widths.

    Raises
    ------
    ValueError
        A negative ridge, ridges of the wrong number, an unknown rule, no hidden layer, inputs that
        the network cannot take.
    """
    rule = as_rule(rule, RIDGE_RULES)
    sites = hidden_sites(network, inputs, affine)
    given = [ridge] * len(sites) if np.ndim(ridge) == 0 else list(np.asarray(ridge))
    if len(given) != len(sites):
        raise ValueError(f"ridge has {len(given)} entries, but the network has {len(sites)} sites")
    ridges = [as_ridge(r) for r in given]
    advice = {}
    for moments, lam in zip(sites, ridges):
        spectrum = decompose(moments.cov, vectors=False)
        width = RIDGE_RULES[rule](spectrum, lam)
        advice[moments.site.name] = advised_at_ridge(moments.site, spectrum, width, lam)
    return advice


def widths_for_error(
    network: Network,
    inputs: Any,
    budget: float,
    *,
    rule: str = "dof",
    theta: float = DEFAULT_THETA,
    affine: bool = True,
) -> dict[str, AdvisedWidth]:
    """Least width of every site whose loss stays within a fraction of Tr(Q Sigma).

    Parameters
    ----------
    network : Network
    inputs : array
        The sample behind P_n.
    budget : float
        Fraction of L^theta of keeping nothing, Tr(Q Sigma), that may be lost at each site; from 0
        to 1.
    rule : str
        Bound, law or selection that is held to the budget, as
        :func:`~pruneproof.theory.width_for_budget`. A site where it asks for more channels than
        there are is left whole.
    theta : float
        1: fraction of Tr Sigma.
    affine : bool
        As in :func:`~pruneproof.theory.compress`.

    Returns
    -------
    dict of AdvisedWidth by site name

    Raises
    ------
    ValueError
        A budget outside [0, 1], an unknown rule, no hidden layer, inputs that the network cannot
        take.
    """
    fraction = as_ridge(budget, name="budget")
    if fraction > 1.0:
        raise ValueError(
            f"budget is a fraction of the loss and must be at most 1, but is {budget:g}"
        )
    theta = as_theta(theta)
    advice = {}
    for moments in hidden_sites(network, inputs, affine):
        spectrum = decompose(moments.cov)
        mixture: dict[str, Any] = {"theta": theta, "output_weights": moments.output_weights}
        allowed = fraction * directions(spectrum, **mixture).trivial
        size = moments.site.width
        advice[moments.site.name] = AdvisedWidth(
            name=moments.site.name,
            size=size,
            width=_least_width(spectrum, allowed, rule, mixture) or size,
            dof_width=_least_width(spectrum, allowed, "dof", mixture) or size,
            paper_width=_least_width(spectrum, allowed, "paper", mixture),
            budget=allowed,
        )
    return advice


def _least_width(
    spectrum: Spectrum, allowed: float, rule: str, mixture: Mapping[str, Any]
) -> int | None:
    """Least width within the loss allowed, or None where no width up to m is."""
    try:
        return width_for_budget(spectrum, allowed, rule=rule, **mixture)
    except InapplicableError:
        return None


def hidden_sites(network: Network, inputs: Any, affine: bool) -> list[SiteMoments]:
    """Moments of all sites, or a sentence that there are none."""
    sites = site_moments(network, inputs, affine=affine)
    if not sites:
        raise ValueError("the network has no hidden layer, so no width can be advised")
    return sites
