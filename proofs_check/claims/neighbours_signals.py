r"""Signals and sketches: spectral pooling, moments of random projections (III-4, III-7).

Left sides: the matrix of the DFT, eigenvalues of circulant matrices, and finite sums over all rows
of a sketch. A row of normal entries is replaced by the three points -sqrt 3, 0, sqrt 3 of the
Gauss-Hermite rule, which has the same moments up to the fifth.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together


@dataclass(frozen=True, eq=False)
class Signal:
    """A signal, frequencies kept, the power spectrum of a process, and a size to pool to."""

    x: Floats
    kept: Any
    power: Floats
    size: int


def signal(
    rng: np.random.Generator,
    *,
    n: int = 8,
    size: int = 4,
    mask: str = "low",
    process: str = "pink",
) -> Signal:
    """A normal signal; masks are low-pass, symmetric at random, or any."""
    size = min(size, n)
    frequency = np.abs(np.fft.fftfreq(n, 1 / n))
    kept = theory.low_frequencies(n, size)
    if mask != "low":
        kept = rng.random(n) < 0.5
    if mask == "symmetric":
        kept = kept & kept[-np.arange(n)]
    power = np.abs(np.fft.fft(rng.standard_normal(n))) ** 2
    if process == "pink":
        power = 1 / (1 + frequency)
    elif process == "band":
        power = np.where(frequency > n / 4, 1.0, 0.1)
    return Signal(rng.standard_normal(n), kept, power, size)


@register(
    "sparsity.III-4",
    "identity",
    signal,
    {
        "n": Whole(1, 16),
        "size": Whole(1, 16),
        "mask": Choice(("low", "symmetric", "any")),
        "process": Choice(("pink", "band", "any")),
        "seed": Whole(0, 65535),
    },
    (
        {},
        {"n": 9, "size": 5, "mask": "symmetric", "process": "any"},
        {"n": 8, "mask": "any"},
        {"n": 12, "size": 5, "process": "band"},
        {"n": 1, "size": 1},
        {"n": 7, "size": 4, "process": "band"},
    ),
    (
        Mutant("energy x .95", {"constant": 0.95}),
        Mutant("identity for any mask", {"symmetric_only": False}),
        Mutant("low pass is always best", {"always_best": True}),
        Mutant("Nyquist frequency of the small grid whole", {"edge": 1.0}),
    ),
)
def pooling(
    case: Signal,
    *,
    constant: float = 1.0,
    symmetric_only: bool = True,
    always_best: bool = False,
    edge: float = 0.5,
) -> Sides:
    """What spectral pooling loses is the energy of the dropped frequencies.

    Hypotheses
    ----------
    A real signal x with unitary DFT X, y the real part of its part on the frequencies S; for the
    last sentence a stationary process with power spectrum p.

    Statement
    ---------
    ||x - y||^2 = sum_{f not in S} |X_f|^2 if S is conjugate-symmetric, <= otherwise. Pooled to m
    points, x has the coefficients of |f| < m/2, and of the two at m/2 the average. E ||x - y||^2 =
    sum_{f not in S} p_f, at least the n - |S| least eigenvalues of the covariance, and equal to
    their sum if no dropped p exceeds a kept one.

    Source
    ------
    Parseval; Eckart and Young, or Karhunen and Loeve [D].

    References
    ----------
    Rippel, Snoek and Adams 2015
    """
    x, n, m = case.x, len(case.x), case.size
    times = np.outer(np.arange(n), np.arange(n))
    dft = np.exp(-2j * np.pi * times / n) / np.sqrt(n)
    spectrum = dft @ x
    filtered = (dft.conj().T @ np.where(case.kept, spectrum, 0.0)).real
    error, dropped = float(np.sum((x - filtered) ** 2)), ~case.kept
    energy = constant * float(np.sum(np.abs(spectrum[dropped]) ** 2))
    scale = float(x @ x)
    symmetric = np.array_equal(case.kept, case.kept[-np.arange(n)])
    stated = theory.discarded_energy(x, case.kept)
    ours = theory.spectral_filter(x, case.kept)
    cov = np.array([np.roll(np.fft.ifft(case.power).real, row) for row in range(n)])
    least = float(np.sum(np.linalg.eigvalsh((cov + cov.T) / 2)[: np.sum(dropped)]))
    even = (case.power + case.power[-np.arange(n)]) / 2  # what a real process has
    mean, best = theory.pooling_error(even, case.kept)
    power = float(np.sum(even))
    worst_kept = np.min(even[case.kept], initial=np.inf)
    optimal = always_best or np.max(even[dropped], initial=0.0) <= worst_kept
    small = _pooled(spectrum / np.sqrt(n), n, m, edge)
    parts = [
        equal(stated, energy, scale=scale, size=n, part="energy"),
        equal(ours, filtered, scale=scale**0.5, size=n, part="filter"),
        equal(theory.spectral_pool(x, m), small, scale=(scale * n) ** 0.5, size=n, part="pooled"),
        equal(mean, np.sum(even[dropped]), scale=power, size=n, part="mean error"),
        equal(best, least, scale=power, size=n, part="least error"),
        at_most(best, mean, scale=power, size=n, part="least"),
        at_most(error, energy / constant, scale=scale, size=n, part="real part"),
    ]
    if symmetric or not symmetric_only:
        parts.append(equal(error, energy, scale=scale, size=n, part="error"))
    if optimal:
        parts.append(equal(mean, best, scale=power, size=n, part="best"))
    return together(*parts)


def _pooled(coefficients: Any, n: int, m: int, edge: float) -> Floats:
    """Sum of the waves of |f| <= m/2 at m points, those at m/2 < n/2 counted by `edge`."""
    places = np.arange(m) / m
    total = np.zeros(m, dtype=complex)
    for f in range(-(m // 2), m // 2 + 1):
        share = edge if 2 * abs(f) == m and m < n else 1.0
        if m == n and 2 * f == -m:
            continue  # the same frequency as +m/2
        total += share * coefficients[f % n] * np.exp(2j * np.pi * f * places)
    return np.asarray(total.real)


@dataclass(frozen=True, eq=False)
class Sketch:
    """Vectors and a matrix to sketch with m rows, and one row's points with their weights."""

    x: Floats
    y: Floats
    matrix: Floats
    rows: int
    law: str
    points: Floats
    chances: Floats


def sketch(
    rng: np.random.Generator,
    *,
    n: int = 3,
    rows: int = 4,
    law: str = "normal",
    spread: float = 0.0,
    alike: bool = False,
) -> Sketch:
    """Vectors of entries over e^spread, equal ones if `alike`."""
    x, y = rng.standard_normal((2, n)) * np.exp(spread * rng.standard_normal((2, n)))
    axis, weight = np.array([-1.0, 1.0]), np.array([0.5, 0.5])
    if law == "normal":
        axis, weight = np.sqrt(3.0) * np.array([-1.0, 0.0, 1.0]), np.array([1.0, 4.0, 1.0]) / 6
    points = np.array(list(itertools.product(axis, repeat=n)))
    chances = np.prod(np.array(list(itertools.product(weight, repeat=n))), axis=1)
    matrix = rng.standard_normal((n, n))
    return Sketch(x, x if alike else y, matrix, rows, law, points, chances)


@register(
    "sparsity.III-7",
    "identity",
    sketch,
    {
        "n": Whole(1, 5),
        "rows": Whole(1, 64),
        "law": Choice(("normal", "rademacher")),
        "spread": Real(0.0, 2.0),
        "alike": Choice((False, True)),
        "seed": Whole(0, 65535),
    },
    (
        {},
        {"law": "rademacher"},
        {"law": "rademacher", "n": 5, "alike": True},
        {"n": 1, "rows": 1},
        {"spread": 2.0, "alike": True},
    ),
    (
        Mutant("variances x .95", {"constant": 0.95}),
        Mutant("signs vary as normal entries do", {"diagonal": 0.0}),
        Mutant("C in place of sym C", {"symmetric": False}),
        Mutant("lag turned round", {"lag": -1}, examples=({"n": 3},)),
    ),
)
def moments_of_sketches(
    case: Sketch,
    *,
    constant: float = 1.0,
    diagonal: float = 1.0,
    symmetric: bool = True,
    lag: int = 1,
) -> Sides:
    """Products and traces of random sketches have these means and variances.

    Hypotheses
    ----------
    S with m rows of independent entries of mean 0 and variance 1/m, normal or signs; x, y, C fixed.

    Statement
    ---------
    E <Sx, Sy> = <x, y>, Var = (||x||^2 ||y||^2 + <x,y>^2)/m, for signs less 2 sum x_i^2 y_i^2/m.
    E tr(S C S^T) = tr C, Var = (2/m) ||sym C||_F^2, for signs less (2/m) sum C_ii^2. The circular
    autocorrelation sum_i x_i x_{i+t} is the inverse DFT of |DFT x|^2.

    Source
    ------
    Derived [D]: fourth moments of one row; Wiener and Khinchin.

    References
    ----------
    arXiv 2007.11026
    """
    x, y, c, m = case.x, case.y, case.matrix, case.rows
    row, chance, n = case.points, case.chances, len(case.x)
    products = (row @ x) * (row @ y)
    traces = np.einsum("si,ij,sj->s", row, c, row)
    signs = diagonal * (case.law == "rademacher")
    sym = (c + c.T) / 2 if symmetric else c
    cross = float((x @ x) * (y @ y) + (x @ y) ** 2 - 2 * signs * np.sum(x**2 * y**2))
    spread = 2 * float(np.sum(sym**2) - signs * np.sum(np.diag(c) ** 2))
    ours = [
        theory.sketched_product_variance(x, y, m, law=case.law),
        theory.sketched_trace_variance(c, m, law=case.law),
    ]
    means = [float(chance @ products), float(chance @ traces)]
    found = [
        float(chance @ (products - means[0]) ** 2) / m,
        float(chance @ (traces - means[1]) ** 2) / m,
    ]
    stated = [constant * cross / m, constant * spread / m]
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    scale = [10 * n * max(lengths, 1e-300), 10 * n * float(np.linalg.norm(c))]
    lags = [float(x @ np.roll(x, -lag * t)) for t in range(n)]
    own = theory.circular_autocorrelation(x)
    shifted = np.roll(np.outer(x, y), lag, axis=0)  # P x y^T, with trace y^T P x
    parts = [
        equal(means[0], x @ y, scale=scale[0], size=len(row), part="mean product"),
        equal(means[1], np.trace(c), scale=scale[1], size=len(row), part="mean trace"),
        equal(own, lags, scale=float(x @ x), size=4 * n, part="autocorrelation"),
        equal(np.trace(shifted), y @ np.roll(x, 1), scale=scale[0], size=n, part="lag as a trace"),
    ]
    for name, here, there, theirs, size in zip(("product", "trace"), found, stated, ours, scale):
        parts.append(equal(here, there, scale=size**2, size=len(row), part=f"variance, {name}"))
        parts.append(equal(theirs, here, scale=size**2, size=len(row), part=f"theory, {name}"))
    return together(*parts)
