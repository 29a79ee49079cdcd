r"""Widths of families of neurons: how well k functions serve all of them (statements K1 to K5).

Letters: neurons phi(.; v), v ~ pi, inputs x ~ rho, kernel k(x, x') = E_v phi(x; v) phi(x'; v) with
eigenvalues mu_1 >= mu_2 >= ... in L2(rho). Eckart and Young:

    min_{dim V = k} E_v dist^2(phi_v, V) = sum_{j > k} mu_j,     sup_v dist^2 >= that for any V.

On the sphere, x and v uniform and phi = sigma(v.x), the mu are a_l^2, N(D,l) times each
(:mod:`.harmonics`), and blocks of whole degrees serve every neuron alike:

    dist^2(sigma(v.), V) = sum_{l not in V} N(D,l) a_l^2,

the optimal tail at k = sum_{l in V} N(D,l) exactly if V holds the k largest. For ReLU that order is
0, 1, 2, 4, 6, ..., and the tail falls as k^{-3/(D-1)}: a curse of dimension. Random neurons, and
any features whose law is invariant under rotations, serve no fixed neuron better on average (K4).

Sums run over the tail itself: terms one by one up to degree 4000, then the midpoint rule with the
first term of Euler and Maclaurin. Sources: Wu and Long, arXiv 2108.04964 (the question); the
statements [derived]. This module may import NumPy only.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import as_count, as_real, as_ridge, to_numpy
from ..errors import InapplicableError
from .harmonics import (
    Floats,
    harmonic_coefficients,
    harmonic_multiplicity,
    log_multiplicity,
    log_relu_coefficient,
    log_sign_coefficient,
    relu_harmonic_coefficient,
)

ACTIVATIONS = ("relu", "sign", "tanh")
#: Degrees up to which the tail is summed one by one; Euler-Maclaurin's second term is below
#: 1e-13 of the rest from there on.
_ONE_BY_ONE = 4000
#: Tails that begin beyond this degree count as 0: below 1e-260, and of ReLU below any float.
_FARTHEST = 10**270
#: Panels of unit length in ln(degree), and Gauss-Legendre nodes of each: the slowest tail, of sign,
#: falls as l^{-1/2} at least, and e^{-40} is below rounding.
_PANELS, _POINTS = 80, 12
#: Largest degree of a quadrature, how far above rounding a coefficient must lie to count, and how
#: many degrees without one end the spectrum of a smooth neuron.
_HIGHEST, _RESOLUTION, _QUIET = 4096, 16.0, 8


def neuron_width_tail(
    dimension: int, width: int, activation: str = "relu", *, gain: float = 1.0
) -> float:
    r"""Least mean squared distance of neurons to k functions: sum_{j > k} mu_j (statements K1, K3).

    Neurons sigma(gain v.x), v and x uniform on S^{D-1}; at k = 0 it is E sigma^2.

    Parameters
    ----------
    dimension : int
        D >= 2.
    width : int
        k >= 0, of any size.
    activation : {"relu", "sign", "tanh"}
    gain : float
        Above 0; of relu it is a factor of the neuron, of sign it is idle.

    Returns
    -------
    float
        Also a lower bound on sup_v dist^2 for any k functions (a squared Kolmogorov width), and on
        the mean error of k random features at any neuron (K4). Relative error about 1e-12 of relu
        and sign; 0 where it lies below the smallest float, or begins beyond degree 1e270.

    Raises
    ------
    ValueError
        Figures out of range, another activation.
    InapplicableError
        A tail of tanh so small, or a gain so large, that quadrature does not resolve it.
    """
    d, k = as_count("dimension", dimension, least=2), as_count("width", width, least=0)
    scale = as_ridge(gain, name="gain", positive=True)
    if _known(activation) == "relu":
        return scale**2 * _relu_tail(d, k)
    if activation == "sign":
        return _above(d, *_first_cut(d, k, 1, 0), log_sign_coefficient)
    found = _tanh_spectrum(d, scale)
    left, dropped = k, np.ones(len(found.counts))
    for degree in np.argsort(-found.energies / found.counts, kind="stable"):
        count = int(found.counts[degree])
        dropped[degree] = (count - min(left, count)) / count
        left -= min(left, count)
    return found.tail(dropped)


def harmonic_block_error(
    dimension: int, degrees: Iterable[int], activation: str = "relu", *, gain: float = 1.0
) -> float:
    r"""Squared distance of every neuron to all harmonics of some degrees (statements K2, K5).

    sum_{l not in degrees} N(D,l) a_l^2, the same for each neuron. Divided by the value for no
    degrees, E sigma^2, it is the relative tail.

    Parameters
    ----------
    dimension : int
    degrees : iterable of int
        The degrees kept, each once.
    activation, gain
        As :func:`neuron_width_tail`, as are the errors.

    Notes
    -----
    K2 [derived]: the addition theorem. It is :func:`neuron_width_tail` at the same number of
    functions exactly if the degrees have the largest a_l^2: of ReLU 'all degrees <= L' does not for
    L >= 3, as odd ones have a_l = 0 (a factor 12/5 at D = L = 3).
    """
    d = as_count("dimension", dimension, least=2)
    kept = [as_count("degree", degree, least=0) for degree in degrees]
    if len(set(kept)) < len(kept):
        raise ValueError(f"degrees must differ, but {max(kept, key=kept.count)} comes twice")
    scale = as_ridge(gain, name="gain", positive=True)
    top = max(kept, default=0)
    if _known(activation) == "tanh":
        found = _tanh_spectrum(d, scale)
        return found.tail(np.array([float(i not in kept) for i in range(len(found.counts))]))
    if activation == "sign":
        below = [_energy(d, i, log_sign_coefficient) for i in range(1, top + 1, 2) if i not in kept]
        return _tail(d, top + 1 + top % 2, log_sign_coefficient) + math.fsum(below)
    below = [_energy(d, i, log_relu_coefficient) for i in range(2, top + 1, 2) if i not in kept]
    below += [_low_energy(d, i) for i in (0, 1) if i not in kept]
    rest = _tail(d, max(top + 2 - top % 2, 2), log_relu_coefficient)
    return scale**2 * (rest + math.fsum(below))


def average_width(features: Any, width: int) -> float:
    r"""Least mean squared distance of sampled neurons to k functions of the inputs (statement K1).

    sum_{j > k} sigma_j(Phi)^2/(n N) with the singular values of Phi; the mean is over N neurons,
    the distances are root mean squares over n inputs.

    Parameters
    ----------
    features : (n, N) array
        Phi: a row an input, a column a neuron.
    width : int
        From 0 to min(n, N).

    Raises
    ------
    ValueError
        No finite matrix, a width out of range.
    """
    phi = to_numpy(as_real("features", features, ndim=2))
    k = as_count("width", width, least=0, most=min(phi.shape))
    values = np.linalg.svd(phi, compute_uv=False)[k:]
    return float(np.sum(values**2)) / phi.size


def neuron_distances(features: Any, functions: Any) -> Floats:
    r"""Squared distance of each sampled neuron to the span of some functions, (N,).

    ||phi_i - P phi_i||^2/n with P the projector on the columns of `functions` (statements K1, K4).
    Their mean, and so their largest, is at least :func:`average_width` at the functions' rank.

    Parameters
    ----------
    features : (n, N) array
    functions : (n, k) array
        Values at the same inputs; other neurons, for random features. k may be 0.

    Raises
    ------
    ValueError
        No finite matrices, or of different heights.
    """
    phi = to_numpy(as_real("features", features, ndim=2))
    basis = to_numpy(as_real("functions", functions, ndim=2, empty=True))
    if len(basis) != len(phi):
        raise ValueError(f"features have {len(phi)} rows, functions {len(basis)}; give as many")
    if basis.shape[1]:
        left, values, _ = np.linalg.svd(basis, full_matrices=False)
        left = left[:, values > max(basis.shape) * 2.0**-52 * values[0]]
        phi = phi - left @ (left.T @ phi)
    return np.asarray(np.sum(phi**2, axis=0) / len(phi))


def _relu_tail(d: int, k: int) -> float:
    """Tail of the ReLU: degree 0, degree 1, then the even ones."""
    if k <= d:
        first = (1 - min(k, 1)) * _low_energy(d, 0)
        second = (d - max(k - 1, 0)) / d * _low_energy(d, 1)
        return _tail(d, 2, log_relu_coefficient) + second + first
    return _above(d, *_first_cut(d, k, 2, d), log_relu_coefficient)


def _first_cut(d: int, k: int, least: int, others: int) -> tuple[int, float]:
    """First degree of the parity of `least` that k functions do not hold whole, and its share left.

    The degrees L, L-2, ... together have C(L+D-1, D-1) harmonics (the forms of degree L).
    """

    def held(degree: int) -> int:
        return math.comb(degree + d - 1, d - 1) + others

    steps = 1
    while held(least + 2 * steps) <= k:
        steps *= 2
    low, high = -1, steps  # held up to low steps, not up to high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if held(least + 2 * middle) <= k else (low, middle)
    degree = least + 2 * high
    return degree, (held(degree) - k) / harmonic_multiplicity(d, degree)


LogCoefficient = Callable[[int, Any], Any]


def _above(d: int, degree: int, share: float, log_coefficient: LogCoefficient) -> float:
    """A share of one degree's energy, and all of that of the next ones."""
    if degree > _FARTHEST:
        return 0.0
    here = share * _energy(d, degree, log_coefficient)
    return here + _tail(d, degree + 2, log_coefficient)


def _log_energy(d: int, degree: Any, log_coefficient: LogCoefficient) -> Any:
    """ln N(D,l) a_l^2 as a smooth function of the degree."""
    at = np.asarray(degree, dtype=np.float64)
    return log_multiplicity(d, at) + 2.0 * log_coefficient(d, at)


def _energy(d: int, degree: int, log_coefficient: LogCoefficient) -> float:
    """N(D,l) a_l^2."""
    return math.exp(_log_energy(d, degree, log_coefficient))


def _tail(d: int, degree: int, log_coefficient: LogCoefficient) -> float:
    """Sum of N(D,l) a_l^2 over l = degree, degree + 2, ...

    The energy is smooth in ln l alike for all D: its slope there is between -1 and -4. All terms
    are relative to the one before the integral, as they may underflow where their sum does not.
    """
    far = max(degree, _ONE_BY_ONE + degree % 2)
    start = far - 1.0
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    y = (np.arange(_PANELS)[:, None] + 0.5 * (nodes + 1.0)).ravel()
    unit = float(_log_energy(d, start, log_coefficient))
    near = np.exp(_log_energy(d, np.arange(degree, far, 2.0), log_coefficient) - unit)
    slopes = np.exp(_log_energy(d, start * np.exp(y), log_coefficient) - unit + y)
    integral = start * float(np.tile(0.5 * weights, _PANELS) @ slopes)
    before, after = np.exp(_log_energy(d, [start - 1.0, start + 1.0], log_coefficient) - unit)
    total = float(np.sum(near[::-1])) + (integral / 2.0 + float(after - before) / 24.0)
    return math.exp(unit + math.log(total))


def _low_energy(d: int, degree: int) -> float:
    """N(D,l) a_l^2 of the ReLU at degree 0 or 1."""
    return harmonic_multiplicity(d, degree) * relu_harmonic_coefficient(d, degree) ** 2


@dataclass(frozen=True, eq=False)
class _Quadrature:
    """Energies N(D,l) a_l^2 up to a degree, their absolute errors, and N(D,l) as whole numbers."""

    energies: Floats
    errors: Floats
    counts: Any

    def tail(self, dropped: Floats) -> float:
        """Energy of a share of each degree, unless it may be rounding."""
        tail, error = float(self.energies @ dropped), float(self.errors @ dropped)
        if not error < 1e-3 * tail:
            raise InapplicableError(
                f"the tail, about {tail:.2g} of the energy {float(np.sum(self.energies)):.3g}, is "
                f"only known to within {error:.2g}; take fewer functions or a larger gain"
            )
        return tail


@functools.lru_cache(maxsize=64)
def _tanh_spectrum(d: int, gain: float) -> _Quadrature:
    """Spectrum of tanh(gain t) down to rounding, with what is missing beyond."""
    top = 32
    while True:
        a = np.abs(harmonic_coefficients(lambda t: np.tanh(gain * t), d, top))
        a[::2] = 0.0  # odd function
        noise = 2.0**-52 * float(np.max(a))
        seen = np.flatnonzero(a > _RESOLUTION * noise)
        quiet = np.flatnonzero(np.diff(seen, append=top + 1) > _QUIET)  # followed by rounding only
        if quiet.size:
            break
        if top >= _HIGHEST:
            raise InapplicableError(
                f"tanh of gain {gain:g} in dimension {d} has a coefficient of {a[-2:].max():.2g} "
                f"near degree {top}, the last one taken; take a smaller gain, or sign"
            )
        top *= 2
    a = a[: seen[quiet[0]] + 1]
    counts = np.array([harmonic_multiplicity(d, i) for i in range(len(a))], dtype=object)
    many = counts.astype(np.float64)
    energies, errors = many * a**2, many * noise * (2.0 * a + noise)
    # what lies beyond, as a geometric series with the mean ratio of the upper half
    middle, last = (len(a) // 2) | 1, len(a) - 1
    steps = (last - middle) // 2
    ratio = (energies[last] / energies[middle]) ** (1 / steps) if steps > 0 else 1.0
    errors[-1] += energies[-1] * ratio / (1.0 - ratio) if ratio < 1.0 else math.inf
    return _Quadrature(energies, errors, counts)


def _known(activation: str) -> str:
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {activation!r}")
    return activation
