r"""Elementary symmetric polynomials of a spectrum, by ratios, and the volume-sampling identity I7.

Letters: mu_i > 0 the eigenvalues of Sigma (zeros are dropped), e_l their elementary symmetric
polynomials, rho_l = e_l/e_{l-1}, k the width. Adding one eigenvalue mu turns rho_l into

    rho'_l = (rho_l + mu) rho_{l-1}/(rho_{l-1} + mu),      rho'_1 = rho_1 + mu:

sums, products and quotients of positive numbers only, so nothing cancels, and every rho_l scales
as mu does, so nothing overflows where e_l itself would. As rho_l <= rho_{l-1} (Newton's
inequalities), the relative errors of rho_l and rho_{l-1} enter rho'_l with weights whose sum is
at most 1: with four roundings a step the relative error of every rho_l is below 4 m eps.

Volume sampling draws J with P(J) proportional to det Sigma_JJ, |J| = k <= rank. With c_i =
e_k(mu_{-i})/e_k(mu), the probability that eigenvector i takes no part in the draw (claim I7 [D]),

    E S_J = sum_i mu_i c_i u_i u_i^T,         E L^A = sum_i mu_i c_i = (k+1) e_{k+1}/e_k.

This module may import NumPy and the sibling modules arrays and spectrum.
"""

from __future__ import annotations

from typing import Any

from .arrays import Array, as_count, as_width, namespace
from .spectrum import Spectrum, as_spectrum


def elementary_ratios(eigenvalues: Any, order: int) -> Array:
    r"""Ratios rho_l = e_l/e_{l-1} for l = 1..order, (order,); 0 beyond the rank.

    Parameters
    ----------
    eigenvalues : (m,) eigenvalues, Spectrum, or (m, m) second moment
        At least 0, in any unit; values within a Spectrum's `noise` count as 0.
    order : int
        From 1 to m.

    Returns
    -------
    (order,) array
        Units of the eigenvalues; relative error below 4 m eps.

    Raises
    ------
    ValueError
        Negative eigenvalues, or an order outside 1..m.
    """
    spectrum = as_spectrum(eigenvalues)
    return ratios(present(spectrum), as_count("order", order, most=spectrum.size))


def log_elementary(eigenvalues: Any, order: int) -> Array:
    r"""Logarithms of e_0 = 1, e_1, ..., e_order, (order + 1,); -inf beyond the rank.

    Parameters and errors as :func:`elementary_ratios`, but `order` may be 0.
    """
    spectrum = as_spectrum(eigenvalues)
    xp = namespace(spectrum.eigenvalues)
    order = as_count("order", order, least=0, most=spectrum.size)
    start = xp.zeros(1, dtype=xp.float64)
    if order == 0:
        return start
    rho = ratios(present(spectrum), order)
    positive = rho > 0
    logs = xp.where(positive, xp.log(xp.where(positive, rho, xp.ones_like(rho))), -xp.inf)
    return xp.concat([start, xp.cumulative_sum(logs)])


def log_elementary_symmetric(eigenvalues: Any, size: int) -> Array:
    r"""Logarithms of e_0 = 1, e_1, ..., e_size, (size + 1,), as :func:`log_elementary`.

    The name and the letter of determinantal processes: e_k(l) = sum over |J| = k of det L_JJ.

    Parameters
    ----------
    eigenvalues : (m,) eigenvalues, Spectrum, or (m, m) kernel
    size : int
        From 0 to m.

    Returns
    -------
    (size + 1,) array
        -inf beyond the rank.

    Raises
    ------
    ValueError
        Negative eigenvalues, or a size outside 0..m.

    Notes
    -----
    Claim determinantal.D5 [D]; Kulesza and Taskar 2012.
    """
    spectrum = as_spectrum(eigenvalues)
    return log_elementary(spectrum, as_count("size", size, least=0, most=spectrum.size))


def volume_loss(spectrum_or_cov: Any, width: int) -> float:
    r"""Mean input loss of volume sampling, E L^A = (k+1) e_{k+1}/e_k; 0 from k = rank on.

    Parameters
    ----------
    spectrum_or_cov : Spectrum, (m,) eigenvalues, or (m, m) second moment
    width : int
        k, from 1 to m.

    Returns
    -------
    float
        Units of the eigenvalues.

    Raises
    ------
    ValueError
        Not a spectrum, or a width outside 1..m.

    Notes
    -----
    Claim spectral.I7 [D]; at most k lam_N(k) (spectral.X1 [D]).
    """
    spectrum = as_spectrum(spectrum_or_cov)
    k = as_width(width, spectrum.size)
    if k >= spectrum.rank:
        return 0.0
    return (k + 1) * float(ratios(present(spectrum), k + 1)[k])


def volume_residual(cov: Any, width: int) -> Array:
    r"""Mean residual of volume sampling, E S_J = sum_i mu_i c_i u_i u_i^T, (m, m).

    c_i = e_k(mu_{-i})/e_k(mu). From k = rank on it is 0: k nodes then span the range.

    Parameters
    ----------
    cov : (m, m) array, or Spectrum with eigenvectors
    width : int
        k, from 1 to m.

    Raises
    ------
    ValueError
        Not a second-moment matrix, or a width outside 1..m.

    Notes
    -----
    Claim spectral.I7 [D]; at most lam_vol(k) Sigma (Sigma + lam_vol(k))^{-1} (spectral.D5 [D]).
    """
    spectrum = as_spectrum(cov, vectors=True)
    xp = namespace(spectrum.eigenvalues)
    k = as_width(width, spectrum.size)
    if k >= spectrum.rank:
        return xp.zeros((spectrum.size, spectrum.size), dtype=xp.float64)
    mu = present(spectrum)
    basis = spectrum.eigenvectors[:, : mu.shape[0]]
    weights = mu * exclusion(mu, ratios(mu, mu.shape[0]), k)
    return (basis * weights) @ xp.matrix_transpose(basis)


def present(spectrum: Spectrum) -> Array:
    """Eigenvalues above the noise, (rank,), descending."""
    return spectrum.eigenvalues[: spectrum.rank]


def ratios(mu: Array, order: int) -> Array:
    """Ratios rho_1..rho_order of positive eigenvalues, one eigenvalue added at a time.

    Spectra may be stacked along further axes: `mu` (n, ...) gives (order, ...).
    """
    xp = namespace(mu)
    rho = xp.zeros((order, *mu.shape[1:]), dtype=xp.float64)
    one = xp.ones((1, *mu.shape[1:]), dtype=xp.float64)
    for i in range(mu.shape[0]):
        added = mu[i : i + 1]
        below = rho[:-1]
        rho = (rho + added) * xp.concat([one, below / (below + added)])
    return rho


def exclusion(mu: Array, rho: Array, width: int) -> Array:
    r"""Probabilities c_i = e_k(mu_{-i})/e_k(mu) that eigenvector i is left out, in O(n) each.

    With p_l = 1 - c_l the probability of being taken at size l, e_l = e_l(-i) + mu_i e_{l-1}(-i)
    reads p_l = (mu_i/rho_l)(1 - p_{l-1}) upwards from p_0 = 0, and
    c_{l-1} = (rho_l/mu_i)(1 - c_l) downwards from c_n = 0. p_l grows with l (Newton's
    inequalities), and a step multiplies the relative error by p/(1-p) upwards, (1-p)/p downwards:
    taking the upward branch where p_k <= 1/2 and the downward one elsewhere, neither ever
    amplifies it.

    Parameters
    ----------
    mu : (..., n) array
        Positive eigenvalues, descending.
    rho : (n, ...) array
        Their ratios, all n of them, along the first axis; entries broadcast against `mu`.
    width : int
        k, from 0 to n.
    """
    taken, left_out, upward = _both_branches(mu, rho, width)
    return namespace(mu).where(upward, 1.0 - taken, left_out)


def inclusion(mu: Array, rho: Array, width: int) -> Array:
    r"""Probabilities w_i = mu_i e_{k-1}(mu_{-i})/e_k(mu) = 1 - c_i that eigenvector i takes part.

    As :func:`exclusion`, and where w_i is small it is not rounded to units of 1.
    """
    taken, left_out, upward = _both_branches(mu, rho, width)
    return namespace(mu).where(upward, taken, 1.0 - left_out)


def _both_branches(mu: Array, rho: Array, width: int) -> tuple[Array, Array, Array]:
    """p_k by the upward branch, 1 - p_k by the downward one, and where the upward one holds."""
    xp = namespace(mu)
    taken = xp.zeros_like(mu)
    upward = taken <= 0.5
    for size in range(1, width + 1):
        taken = _at_most_one((mu / rho[size - 1, ...]) * (1.0 - taken))
        upward = upward & (taken <= 0.5)
    # p falls along the last axis, so the downward branch is needed on its first entries only.
    first = int(xp.max(xp.sum(xp.astype(~upward, xp.int64), axis=-1)))
    leading = mu[..., :first]
    left_out = xp.zeros_like(leading)
    for size in range(rho.shape[0] if first else width, width, -1):
        left_out = _at_most_one((rho[size - 1, ...] / leading) * (1.0 - left_out))
    rest = xp.zeros_like(mu[..., first:])
    return taken, xp.concat([left_out, rest], axis=-1), upward


def exclusions(mu: Array, rho: Array) -> Array:
    r"""Probabilities e_s(mu_{-i})/e_s(mu) for all sizes s = 0..n, (n + 1, n).

    As :func:`exclusion`, in O(n^2) for all sizes together.
    """
    xp = namespace(mu)
    n = mu.shape[0]
    taken, left_out = [xp.zeros_like(mu)], [xp.zeros_like(mu)]
    for size in range(n):
        taken.append(_at_most_one((mu / rho[size]) * (1.0 - taken[-1])))
        left_out.append(_at_most_one((rho[n - 1 - size] / mu) * (1.0 - left_out[-1])))
    upwards = xp.stack(taken)
    beyond = xp.cumulative_sum(xp.astype(upwards > 0.5, xp.int64), axis=0)
    return xp.where(beyond == 0, 1.0 - upwards, xp.flip(xp.stack(left_out), axis=0))


def _at_most_one(p: Array) -> Array:
    """Probabilities, cut at 1 where the branch that is not taken has run away."""
    return namespace(p).where(p < 1.0, p, 1.0)
