r"""Widths of all sites within a number of parameters.

    paper    minimise the number of parameters, which for a chain is sum_l N_l(lam_l)
             N_{l+1}(lam_{l+1}) up to biases, subject to sum_l sqrt(lam_l) <= D, with the width
             N(lam) of X1                                  (Suzuki et al., 1808.08558v1 [C])
    direct   one relative loss level L^theta(J_k)/Tr(Q Sigma) for all sites, J_k greedy

A budget P fixes D: the least D whose optimum has at most P parameters is the minimum of
sum_l sqrt(lam_N(k_l)) over widths k with at most P parameters (the same two criteria, the other
one held). That minimum is searched over the widths of two sites at a time, all others held, until
no pair gets better: exact for up to two sites, a pairwise optimum beyond.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_theta, to_numpy
from ..bounds.directions import directions
from ..spectrum import Spectrum, decompose, fixed_point_ridge
from .layers import Conv2d, Dense, Layer, Residual
from .network import Network
from .site_moments import SiteMoments
from .sites import Path, Site
from .widths import DEFAULT_THETA, AdvisedWidth, advised_at_ridge, as_rule, hidden_sites

Counts = NDArray[np.int64]


def parameter_counter(network: Network, sites: Sequence[Site]) -> Callable[[Any], Any]:
    """Number of parameters of the pruned network as a function of the sites' widths, in order.

    A width may be an array; the count then has its shape.
    """
    writer = {path: place for place, site in enumerate(sites) for path in site.writers}
    reader = {path: place for place, site in enumerate(sites) for path in site.readers}
    terms = []
    for path, layer in _parametric(network.layers, ()):
        weights = math.prod(layer.weight.shape[1:])  # of one output
        read, written = reader.get(path), writer.get(path)
        if read is not None:
            weights //= sites[read].width  # of one output and one channel
        terms.append((weights, read, layer.outputs, written))

    def count(widths: Any) -> Any:
        total: Any = 0
        for weights, read, outputs, written in terms:
            inputs = weights if read is None else weights * widths[read]
            total = total + (outputs if written is None else widths[written]) * (inputs + 1)
        return total

    return count


def _parametric(layers: Sequence[Layer], prefix: Path) -> list[tuple[Path, Dense | Conv2d]]:
    """Dense and Conv2d layers of the network by path."""
    found: list[tuple[Path, Dense | Conv2d]] = []
    for place, layer in enumerate(layers):
        if isinstance(layer, Residual):
            found += _parametric(layer.layers, (*prefix, place))
        elif isinstance(layer, (Dense, Conv2d)):
            found.append(((*prefix, place), layer))
    return found


def widths_for_parameters(
    network: Network,
    inputs: Any,
    parameters: int,
    *,
    rule: str = "direct",
    theta: float = DEFAULT_THETA,
    affine: bool = True,
) -> dict[str, AdvisedWidth]:
    """Width of every site so that the pruned network has at most so many parameters.

    Parameters
    ----------
    network : Network
    inputs : array
        The sample behind P_n.
    parameters : int
        Weights and biases that the pruned network may have.
    rule : {"direct", "paper"}
        One relative loss level for all sites, or the paper's rule.
    theta : float
        Of the loss that rule "direct" levels.
    affine : bool
        As in :func:`~pruneproof.theory.compress`.

    Returns
    -------
    dict of AdvisedWidth by site name
        `ridge` is lam_N(width), where N(lam) = width.

    Raises
    ------
    ValueError
        Fewer parameters than one channel a site needs, an unknown rule, no hidden layer, inputs
        that the network cannot take.
    """
    rule = as_rule(rule, _RULES)
    budget = as_count("parameters", parameters)
    moments = hidden_sites(network, inputs, affine)
    sites = [m.site for m in moments]
    count = parameter_counter(network, sites)
    least = int(count([1] * len(sites)))
    if least > budget:
        raise ValueError(
            f"{budget} parameters are too few: one channel at each of the {len(sites)} sites "
            f"already needs {least}"
        )
    spectra = [decompose(m.cov) for m in moments]
    widths = _RULES[rule](moments, spectra, as_theta(theta), count, budget)
    return {
        site.name: advised_at_ridge(site, spectrum, width, fixed_point_ridge(spectrum, 0.0, width))
        for site, spectrum, width in zip(sites, spectra, widths)
    }


def _by_level(
    moments: Sequence[SiteMoments],
    spectra: Sequence[Spectrum],
    theta: float,
    count: Callable[[Any], Any],
    budget: int,
) -> list[int]:
    """Lowest common relative loss level whose widths fit, by bisection over all levels there are.

    A site's width at a level is the least k whose greedy loss is at most that level.
    """
    curves = [_relative_losses(m, s, theta) for m, s in zip(moments, spectra)]

    def widths_at(level: float) -> list[int]:
        # Losses fall with k, so their negatives rise.
        return [min(int(np.searchsorted(-c, -level)) + 1, c.size) for c in curves]

    levels = np.unique(np.concatenate([[1.0], *curves]))
    low, high = -1, levels.size - 1  # levels[high] fits: at level 1 every site has one channel
    while high - low > 1:
        middle = (low + high) // 2
        if int(count(widths_at(levels[middle]))) <= budget:
            high = middle
        else:
            low = middle
    return widths_at(levels[high])


def _relative_losses(moments: SiteMoments, spectrum: Spectrum, theta: float) -> NDArray[np.float64]:
    """L^theta(J_k)/Tr(Q Sigma) of greedy selection for k = 1, 2, ... up to the rank."""
    from ..selection.greedy import select_greedy

    mixture: dict[str, Any] = {"theta": theta, "output_weights": moments.output_weights}
    whole = directions(spectrum, **mixture).trivial
    if whole == 0.0:
        return np.zeros(1)
    most = max(1, spectrum.rank)
    losses = to_numpy(select_greedy(moments.cov, most, **mixture).losses) / whole
    return np.minimum(np.minimum.accumulate(losses), 1.0)  # rounding may raise the last ones


def _by_paper(
    moments: Sequence[SiteMoments],
    spectra: Sequence[Spectrum],
    theta: float,
    count: Callable[[Any], Any],
    budget: int,
) -> list[int]:
    """Least sum_l sqrt(lam_N(k_l)) within the budget, two sites at a time."""
    roots = [
        np.sqrt([fixed_point_ridge(s, 0.0, float(k)) for k in range(1, max(1, s.rank) + 1)])
        for s in spectra
    ]
    widths = _common_share([r.size for r in roots], count, budget)
    if len(roots) == 1:
        return [int(_largest(count, widths, 0, np.array([roots[0].size]), budget)[0])]
    improved = True
    while improved:
        improved = False
        for pair in combinations(range(len(roots)), 2):
            improved |= _better_pair(widths, pair, roots, count, budget)
    return widths


def _common_share(sizes: Sequence[int], count: Callable[[Any], Any], budget: int) -> list[int]:
    """Widths that are one share of each site's size, as large as the budget allows."""
    low, high = 0.0, 1.0

    def shared(share: float) -> list[int]:
        return [max(1, int(share * size)) for size in sizes]

    if int(count(shared(1.0))) <= budget:
        return shared(1.0)
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (middle, high) if int(count(shared(middle))) <= budget else (low, middle)
    return shared(low)


def _better_pair(
    widths: list[int],
    pair: tuple[int, int],
    roots: Sequence[NDArray[np.float64]],
    count: Callable[[Any], Any],
    budget: int,
) -> bool:
    """Move two sites to their best widths with all others held; whether that was an improvement."""
    a, b = pair
    first: Counts = np.arange(1, roots[a].size + 1)
    trial: list[Any] = list(widths)
    trial[a] = first
    second = _largest(count, trial, b, np.full(first.shape, roots[b].size), budget)
    sums = np.where(second > 0, roots[a] + roots[b][np.maximum(second, 1) - 1], np.inf)
    best = int(np.argmin(sums))
    now = roots[a][widths[a] - 1] + roots[b][widths[b] - 1]
    if not sums[best] < now:
        return False
    widths[a], widths[b] = int(first[best]), int(second[best])
    return True


def _largest(
    count: Callable[[Any], Any], widths: Sequence[Any], place: int, most: Counts, budget: int
) -> Counts:
    """Largest width of one site, entry by entry, that fits beside the others; 0 where none does."""
    low, high = np.zeros_like(most), most + 1
    trial = list(widths)
    while np.any(high - low > 1):
        trial[place] = (low + high) // 2
        fits = (count(trial) <= budget) & (trial[place] > 0)
        low, high = np.where(fits, trial[place], low), np.where(fits, high, trial[place])
        high = np.maximum(high, low + 1)
    return low


_RULES: dict[str, Callable[..., list[int]]] = {"direct": _by_level, "paper": _by_paper}
