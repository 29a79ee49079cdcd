r"""Volume sampling without chance (claim spectral.D9 [D]): conditional expectations, O(m^3 k).

Add one node at a time, each time the one after which the mean loss of the nodes still to be drawn
is smallest. An average is never below its smallest term, so the mean loss of volume sampling is
never exceeded, for the Q asked about:

    Tr(Q S_J) <= sum_i mu_i e_k(mu_{-i})/e_k(mu) u_i^T Q u_i <= lam_vol(k) Tr(Q H_{lam_vol(k)}),

by claims spectral.I7 and D5, D6 [D]. For the mean after adding j let S be the residual so far,
nu_i, v_i its eigenpairs, r the nodes still to be drawn after j, and F(D) = det(I + x D S)
Tr(Q S (I + x D S)^{-1}) the generating function of det S_RR Tr(Q S_R) over sets R, D diagonal.
Its derivative in d_j at D = I keeps the sets that hold j; the power x^{r+1} reads, q = V^T Q V,

    E[Tr Q S | j] = sum_{i != l} nu_i nu_l e_r(nu_{-i,-l}) (v_ji^2 q_ll - v_ji v_jl q_il)
                    / sum_i nu_i e_r(nu_{-i}) v_ji^2,

for all j at once from one factorisation of S. (One factorisation for every j costs O(m^4 k).)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, as_covariance, as_real, as_width, namespace, to_numpy
from ..elementary import exclusion, exclusions, ratios, volume_residual
from ..objective import mixture, quadratic_form
from ..spectrum import Spectrum, decompose, smoother, volume_ridge
from .selection import Selection


def select_volume_derandomised(
    cov: Any, width: int, *, theta: float = 1.0, output_weights: Any = None
) -> Selection:
    r"""k nodes whose loss is at most the mean of volume sampling, and so at most D6's bound.

    Parameters
    ----------
    cov : (m, m) array
    width : int
        k, from 1 to m. Beyond the numerical rank nothing is left to lose: the lowest unused nodes
        fill up.
    theta : float
        1: input loss; 0: output loss.
    output_weights : (p, m) array
        Z; needed where theta < 1.

    Returns
    -------
    Selection
        `kept` in the order chosen, `losses` after each step, `ridge` 0.

    Raises
    ------
    ValueError
        Not a second-moment matrix, a width outside 1..m, theta outside [0, 1] or below 1 with no
        `output_weights`.
    """
    theta, z = mixture(theta, output_weights, as_real("cov", cov, ndim=2))
    cov = as_covariance(cov)
    xp = namespace(cov)
    m = cov.shape[0]
    k = as_width(width, m)
    spectrum = decompose(cov)
    q = quadratic_form(m, theta, z, xp)
    kept: list[int] = []
    losses: list[float] = []
    left = cov
    while len(kept) < k:
        node = _next_node(left, cov, q, min(k, spectrum.rank) - len(kept) - 1, spectrum.noise)
        if node is None:
            node = min(set(range(m)) - set(kept))
        else:
            left = _without(left, node)
        kept.append(node)
        losses.append(max(float(xp.sum(q * left)), 0.0))
    return Selection(
        xp.asarray(kept, dtype=xp.int64),
        xp.zeros(k, dtype=xp.float64),
        "derandomised",
        _guarantee(spectrum, k, q),
        losses=xp.asarray(losses, dtype=xp.float64),
    )


def _next_node(residual: Array, cov: Array, q: Array, later: int, noise: float) -> int | None:
    """Node of smallest conditional mean; None where the residual is 0 up to rounding."""
    means = conditional_means(residual, q, max(later, 0), noise) if later >= 0 else None
    if means is None:
        return None
    xp = namespace(cov)
    least = cov.shape[0] * float(np.finfo(np.float64).eps) * xp.linalg.diagonal(cov)
    open_ = xp.linalg.diagonal(residual) > least
    scores = to_numpy(xp.where(open_, means, xp.full_like(means, xp.inf)))
    return int(np.argmin(scores)) if np.isfinite(scores).any() else None


def conditional_means(residual: Array, q: Array, later: int, noise: float) -> Array | None:
    r"""Mean of Tr(Q S) after adding j and then drawing `later` nodes by volume, for all j, (m,).

    Eigenvalues of the residual up to `noise` count as 0; `later` is lowered to the rank less 1.
    None where the residual is 0. Entries of nodes already spanned mean nothing.
    """
    xp = namespace(residual)
    values, vectors = xp.linalg.eigh(residual)
    n = int(xp.sum(xp.astype(values > noise, xp.int64)))
    if n == 0:
        return None
    nu = xp.flip(values)[:n]
    basis = xp.flip(vectors, axis=1)[:, :n]
    later = min(later, n - 1)
    rho = ratios(nu, n)
    single = exclusions(nu, rho)  # (n + 1, n): e_s(nu_{-i})/e_s(nu)
    pairs = single[later, :, None] * _second_exclusion(nu, rho, single, later)
    weights = nu / nu[0]  # keeps products of two eigenvalues in range
    pairs = pairs * weights[:, None] * nu[None, :]
    pairs = (pairs + xp.matrix_transpose(pairs)) / 2 * (1.0 - xp.eye(n, dtype=xp.float64))
    form = xp.matrix_transpose(basis) @ q @ basis
    squares = basis * basis
    means = squares @ (pairs @ xp.linalg.diagonal(form)) - xp.sum(
        (basis @ (pairs * form)) * basis, axis=1
    )
    mass = squares @ (weights * single[later, :])
    return means / xp.where(mass > 0, mass, xp.ones_like(mass))


def _second_exclusion(nu: Array, rho: Array, single: Array, size: int) -> Array:
    """e_s(nu_{-i,-l})/e_s(nu_{-i}) at s = size, (n, n); the diagonal means nothing."""
    xp = namespace(nu)
    n = nu.shape[0]
    without = rho[: n - 1, None] * single[1:n, :] / single[: n - 1, :]  # ratios of nu_{-i}
    return exclusion(xp.broadcast_to(nu, (n, n)), without[:, :, None], size)


def _without(residual: Array, node: int) -> Array:
    """Residual after adding a node; its own row and column are 0 exactly."""
    xp = namespace(residual)
    column = residual[:, node]
    left = residual - column[:, None] * (column / column[node])[None, :]
    other = xp.astype(xp.arange(residual.shape[0]) != node, xp.float64)
    left = left * other[:, None] * other[None, :]
    return (left + xp.matrix_transpose(left)) / 2


def _guarantee(spectrum: Spectrum, width: int, q: Array) -> str:
    if width >= spectrum.rank:
        return (
            f"Without a ridge the loss is 0 up to rounding: {width} nodes span the numerical rank "
            f"{spectrum.rank} (spectral.D6 at k >= rank)."
        )
    xp = namespace(q)
    mean = float(xp.sum(q * volume_residual(spectrum, width)))
    ridge = volume_ridge(spectrum, width)
    ceiling = ridge * float(xp.sum(q * smoother(spectrum, ridge)))
    return (
        f"Without a ridge L^theta is at most the mean of volume sampling, {mean:.4g} (spectral.I7 "
        f"and D9), which is at most lam Tr(Q Sigma (Sigma + lam)^(-1)) = {ceiling:.4g} at lam = "
        f"lam_vol({width}) = {ridge:.4g} (spectral.D6)."
    )
