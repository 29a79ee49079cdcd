r"""Best of greedy and a few volume draws: greedy's quality in practice, with a guarantee.

Greedy alone may exceed the bound of claim spectral.D6 (instance spectral.A2). One volume draw has
mean loss E = E L^theta_0(J), known exactly (spectral.I7), and by Markov's inequality exceeds 2 E
with probability at most 1/2; all of n independent draws do with probability at most 2^{-n}. So

    n = ceil(log2(1/delta)):   L <= 2 E <= 2 lam_vol(k) Tr(Q H_{lam_vol(k)})   w.p. >= 1 - delta

for the best of them, whatever greedy adds [D].
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import (
    as_covariance,
    as_generator,
    as_probability,
    as_real,
    as_width,
    namespace,
    to_numpy,
)
from ..batched import information_losses
from ..elementary import volume_residual
from ..objective import mixture, quadratic_form
from ..spectrum import decompose, smoother, volume_ridge
from .selection import Selection
from .volume import select_volume


def select_best_of(
    cov: Any,
    width: int,
    *,
    theta: float = 1.0,
    output_weights: Any = None,
    delta: float = 0.05,
    rng: Any,
) -> Selection:
    r"""Best of greedy and ceil(log2(1/delta)) volume draws, at ridge 0.

    Parameters
    ----------
    cov : (m, m) array
    width : int
        k, from 1 to m. Beyond the numerical rank there is no volume sampling, and none is needed:
        greedy adds to the rank of its choice until nothing is left to lose.
    theta : float
        1: input loss; 0: output loss.
    output_weights : (p, m) array
        Z; needed where theta < 1.
    delta : float
        Probability of failure allowed, strictly between 0 and 1.
    rng : Generator, seed or None
        Passed to ``numpy.random.default_rng``.

    Returns
    -------
    Selection
        `losses` are the winner's if greedy wins, else None.

    Raises
    ------
    ValueError
        Not a second-moment matrix, a width outside 1..m, theta outside [0, 1] or below 1 with no
        `output_weights`, a delta outside (0, 1).
    """
    from .greedy import select_greedy

    theta, z = mixture(theta, output_weights, as_real("cov", cov, ndim=2))
    cov = as_covariance(cov)
    k = as_width(width, cov.shape[0])
    draws = math.ceil(-math.log2(as_probability("delta", delta)))
    generator = as_generator(rng)
    spectrum = decompose(cov)
    greedy = select_greedy(cov, k, theta=theta, output_weights=z)
    if k > spectrum.rank:
        guarantee = (
            f"Without a ridge the loss is 0 up to rounding: {k} nodes exceed the numerical rank "
            f"{spectrum.rank} (spectral.D6 at k > rank), and greedy gains at every step until "
            "nothing is left."
        )
        return Selection(greedy.kept, greedy.ridge, "best_of", guarantee, losses=greedy.losses)
    found = [select_volume(spectrum, k, rng=generator) for _ in range(draws)]
    found.append(greedy)
    sets = np.stack([to_numpy(s.kept) for s in found])
    losses = to_numpy(information_losses(cov, sets, theta=theta, output_weights=z))
    best = found[int(np.argmin(losses))]
    xp = namespace(cov)
    q = quadratic_form(cov.shape[0], theta, z, xp)
    mean = float(xp.sum(q * volume_residual(spectrum, k)))
    ridge = volume_ridge(spectrum, k)
    ceiling = 2.0 * ridge * float(xp.sum(q * smoother(spectrum, ridge)))
    trivial = float(xp.sum(q * cov))
    vacuous = "" if 2.0 * mean < trivial else f" (VACUOUS beside Tr(Q Sigma) = {trivial:.4g})"
    guarantee = (
        f"Best of greedy and {draws} volume draws, here {best.method}, without a ridge: with "
        f"probability at least 1 - 2^-{draws} its loss is at most twice the mean of volume "
        f"sampling, 2 E = {2 * mean:.4g}{vacuous} (spectral.I7, Markov), itself at most "
        f"{ceiling:.4g} (spectral.D6); it is {losses.min():.4g}."
    )
    if k == spectrum.rank:
        guarantee = (
            f"Best of greedy and {draws} volume draws, here {best.method}, without a ridge: its "
            f"loss is 0 up to rounding, as {k} independent nodes span the numerical rank {k}."
        )
    return Selection(best.kept, best.ridge, "best_of", guarantee, losses=best.losses)
