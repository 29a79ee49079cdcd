r"""One layer, k distinct nodes: floors no choice goes below, ceilings some choice meets.

Letters: Sigma the second moment with eigenvalues mu_1 >= mu_2 >= ..., H_lam =
Sigma (Sigma + lam)^{-1}, N(lam) = Tr H_lam, Q = theta I + (1 - theta) Z^T Z, tau = 0.

    floor (D2)        Tr(Q S_J) >= sum_{i>k} mu_i(Q^{1/2} Sigma Q^{1/2})      every J
    converse (X5)     Tr S_J >= lam (N(lam) - k)                              every J and lam
    ceilings          Tr(Q S_J) <= c lam Tr(Q H_lam)                          some J
        X1            N(lam) = k,   c = 1 (input part), 4/3 (output part)
        D6            lam = lam_vol(k) >= lam_N(k), c = 1
        D7            N(lam) = k/2, c = 1
    D8                Tr S_J <= (k + 1) sum_{i>k} mu_i                        some J

X1, D5-D8 and X6 hold in the mean over J drawn by volume sampling, hence for some J. All are
claims spectral.* [D: derived and tested here]. This module may import the spectrum only.
"""

from __future__ import annotations

import math
from typing import Any

from ..arrays import as_ridge, as_width, namespace
from ..errors import InapplicableError
from ..spectrum import (
    as_spectrum,
    degrees_of_freedom,
    fixed_point_ridge,
    tail_sum,
    volume_ridge,
)
from .bound import Bound
from .directions import Directions, LowerBound, directions, ridge_bound


def floor(cov: Any, width: int, *, theta: float = 1.0, output_weights: Any = None) -> LowerBound:
    r"""Loss that no k distinct nodes go below: sum_{i>k} mu_i(Q^{1/2} Sigma Q^{1/2}).

    Parameters
    ----------
    cov : (m, m) array, Spectrum, or (m,) eigenvalues where theta = 1
    width : int
        k, from 1 to m.
    theta : float
    output_weights : (p, m) array
        Z; needed where theta < 1.

    Returns
    -------
    LowerBound
        Units of the loss; the trivial value is 0.

    Raises
    ------
    ValueError
        Not a second moment, a width outside 1..m, theta < 1 without `output_weights`.

    Notes
    -----
    Claim spectral.D2 [D]; any node ridge tau >= 0. Attained by flat Sigma with tau = 0.
    """
    where = directions(cov, theta, output_weights)
    k = as_width(width, where.spectrum.size)
    if where.rotated is None:
        value = tail_sum(where.spectrum, k)
    else:
        value = tail_sum(_objective_eigenvalues(where), k)
    note = f"every choice of {k} distinct nodes with any ridges loses at least this; certain"
    return LowerBound("spectral.D2", value, 0.0, {"tail": value}, note)


def _objective_eigenvalues(where: Directions) -> Any:
    """Eigenvalues of Sigma^{1/2} Q Sigma^{1/2}, which are those of Q^{1/2} Sigma Q^{1/2}."""
    mu = where.spectrum.eigenvalues
    xp = namespace(mu)
    factor = where.rotated * xp.sqrt(mu)
    gram = (1.0 - where.theta) * (xp.matrix_transpose(factor) @ factor)
    gram = gram + where.theta * mu[:, None] * xp.eye(mu.shape[0], dtype=xp.float64)
    return xp.clip(xp.linalg.eigvalsh((gram + xp.matrix_transpose(gram)) / 2.0), 0.0, None)


def converse_floor(spectrum_or_cov: Any, ridge: float, width: int) -> LowerBound:
    """Input loss that no k distinct nodes go below: lam (N(lam) - k), at any lam.

    So k <= N(lam)/2 forces L^A >= lam N(lam)/2: the width N(lam) of X1 is needed up to constants.
    Vacuous where k >= N(lam). Claim spectral.X5 [D].

    Raises
    ------
    ValueError
        Negative ridge, a width outside 1..m, not a spectrum.
    """
    spectrum = as_spectrum(spectrum_or_cov)
    lam = as_ridge(ridge)
    k = as_width(width, spectrum.size)
    dof = float(degrees_of_freedom(spectrum, lam))
    note = f"every choice of {k} distinct nodes loses at least this of the inputs; certain"
    terms = {"ridge": lam, "degrees_of_freedom": dof}
    return LowerBound("spectral.X5", lam * (dof - k), 0.0, terms, note)


def dof_bound(cov: Any, width: int, *, theta: float = 1.0, output_weights: Any = None) -> Bound:
    r"""Loss some k nodes meet at lam = lam_N(k), N(lam) = k: lam [theta N + (4/3)(1 - theta) N'].

    N(lam) nodes suffice: volume sampling has E L^A <= lam N(lam) and E S_J <= (4/3) lam H_lam, so
    by linearity the constant 4/3 is paid on the output part only. At k >= rank it is 0, as some k
    nodes then lose nothing.

    Parameters
    ----------
    cov, width, theta, output_weights
        As :func:`floor`.

    Returns
    -------
    Bound
        `terms`: the ridge lam_N(k), the input and the output part.

    Raises
    ------
    ValueError
        As :func:`floor`.

    Notes
    -----
    Claim spectral.X1 [D]. Equality: flat Sigma, theta = 1.
    """
    where = directions(cov, theta, output_weights)
    k = as_width(width, where.spectrum.size)
    lam = fixed_point_ridge(where.spectrum, 0.0, k)
    note = f"some {k} nodes (volume sampling, in the mean) lose at most this; no ridge"
    return ridge_bound("spectral.X1", where, lam, note, output_constant=4.0 / 3.0)


def volume_bound(cov: Any, width: int, *, theta: float = 1.0, output_weights: Any = None) -> Bound:
    r"""Loss some k nodes meet at lam = lam_vol(k): lam [theta N(lam) + (1 - theta) N'(lam; Z)].

    lam_vol(k) = min_{r<k} (sum_{j>r} mu_j)/(k - r). Parameters and errors as :func:`dof_bound`.
    Claim spectral.D6 [D]; derandomised volume selection meets it (D9). Greedy selection need
    not.
    """
    where = directions(cov, theta, output_weights)
    k = as_width(width, where.spectrum.size)
    lam = volume_ridge(where.spectrum, k)
    note = f"some {k} nodes (volume sampling, in the mean) lose at most this; no ridge"
    return ridge_bound("spectral.D6", where, lam, note)


def doubled_dof_bound(
    cov: Any, width: int, *, theta: float = 1.0, output_weights: Any = None
) -> Bound:
    r"""Loss some k nodes meet at 2 N(lam) = k: lam [theta N(lam) + (1 - theta) N'(lam; Z)].

    lam Tr(Q H_lam) increases with lam, so this is the best lam with k >= 2 N(lam). Parameters and
    errors as :func:`dof_bound`. Claim spectral.D7 [D].
    """
    where = directions(cov, theta, output_weights)
    k = as_width(width, where.spectrum.size)
    lam = fixed_point_ridge(where.spectrum, 0.0, k / 2.0)
    note = f"some {k} = 2 N(lam) nodes (volume sampling, in the mean) lose at most this; no ridge"
    return ridge_bound("spectral.D7", where, lam, note)


def tail_bound(spectrum_or_cov: Any, width: int) -> Bound:
    """Input loss some k nodes meet: (k + 1) sum_{i>k} mu_i.

    k + 1 times the floor; below X1 only for fast decay. Claim spectral.D8 [D].

    Raises
    ------
    ValueError
        A width outside 1..m, not a spectrum.
    """
    spectrum = as_spectrum(spectrum_or_cov)
    k = as_width(width, spectrum.size)
    tail = tail_sum(spectrum, k)
    note = f"some {k} nodes (volume sampling, in the mean) lose at most this of the inputs"
    return Bound("spectral.D8", (k + 1) * tail, spectrum.trace, {"tail": tail}, note)


def reconstruction_norm_bound(spectrum_or_cov: Any, width: int) -> Bound:
    r"""Mean squared size of A_J under volume sampling: E ||A_J||_F^2 <= k (m - k + 1).

    So some J has both L^theta_0 <= 2 E L^theta_0 and ||A_J||_F^2 <= twice this (Markov), which
    bounds ||W#||_op <= ||W||_op ||A_J||_op before any node is chosen. Claim spectral.X6 [D].

    Raises
    ------
    InapplicableError
        width above the rank: no k nodes are linearly independent.
    ValueError
        A width outside 1..m, not a spectrum.
    """
    spectrum = as_spectrum(spectrum_or_cov)
    k = _independent_width(spectrum.rank, as_width(width, spectrum.size))
    value = float(k * (spectrum.size - k + 1))
    note = f"mean of ||A_J||_F^2 over volume-sampled J of {k} nodes; no ridge"
    return Bound("spectral.X6", value, math.inf, {"kept": float(k), "others": value - k}, note)


def determinant_bound(spectrum_or_cov: Any, width: int) -> Bound:
    r"""Largest eigenvalue of S_J at the J of largest determinant: (1 + k (m - k)) mu_{k+1}.

    Uniform over all directions, with |A_ij| <= 1 as well (Gu and Eisenstat 1996). Errors as
    :func:`reconstruction_norm_bound`. Claim spectral.X6 [D]; the trivial value is mu_1.
    """
    spectrum = as_spectrum(spectrum_or_cov)
    m = spectrum.size
    k = _independent_width(spectrum.rank, as_width(width, m))
    following = float(spectrum.eigenvalues[k]) if k < m else 0.0
    note = f"largest eigenvalue of S_J at the {k} nodes of largest determinant; no ridge"
    terms = {"factor": 1.0 + k * (m - k), "next_eigenvalue": following}
    value = (1.0 + k * (m - k)) * following
    return Bound("spectral.X6", value, float(spectrum.eigenvalues[0]), terms, note)


def _independent_width(rank: int, width: int) -> int:
    if width > rank:
        raise InapplicableError(
            f"volume sampling of {width} nodes needs a second moment of rank at least {width}, but "
            f"its rank is {rank}; ask for at most {rank} nodes, which lose nothing"
        )
    return width
