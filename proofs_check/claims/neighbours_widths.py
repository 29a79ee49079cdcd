r"""Widths of families of neurons: spectra on the sphere, best and worst cases (III-1 to III-3).

Letters: sigma(v.x) on S^{D-1}, N(D,l) harmonics of degree l with coefficient a_l each; mu_j the
a_l^2 in descending order. Left sides take Gauss-Jacobi quadrature for a_l, eigenvalues of Gram
matrices for widths, and regular polygons for the circle, where means over rotations are finite
sums.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together
from ..spheres import ACTIVATIONS, coefficients, multiplicity, polygon


@dataclass(frozen=True)
class Harmonic:
    """Neurons of an activation on a sphere, a degree, and a number of functions."""

    dimension: int
    degree: int
    activation: str
    width: int


def harmonic(
    rng: np.random.Generator,
    *,
    dimension: int = 3,
    degree: int = 2,
    activation: str = "relu",
    width: int = 6,
) -> Harmonic:
    """Nothing is random."""
    return Harmonic(dimension, degree, activation, width)


@register(
    "sparsity.III-1",
    "identity",
    harmonic,
    {
        "dimension": Whole(2, 12),
        "degree": Whole(0, 24),
        "activation": Choice(("relu", "sign")),
        "width": Whole(0, 60),
    },
    tuple(
        {"dimension": d, "degree": ell, "activation": name}
        for d, ell, name in itertools.product((2, 3, 5, 10), (0, 1, 4), ("relu", "sign"))
    ),
    (
        Mutant("coefficients x .95", {"constant": 0.95}),
        Mutant("energy x .95", {"energy": 0.95}),
        Mutant("tail falls as k^{-2/(D-1)}", {"power": 2.0}),
        Mutant("|a_l| ~ l^{-(D+1)/2}", {"decay": 0.5}),
        Mutant("odd degrees kept by the ReLU as well", {"idle": True}, examples=({"width": 12},)),
    ),
)
def spectrum_of_neurons(
    case: Harmonic,
    *,
    constant: float = 1.0,
    energy: float = 1.0,
    power: float = 3.0,
    decay: float = 1.0,
    idle: bool = False,
) -> Sides:
    """Neurons on a sphere have harmonic coefficients in closed form, and a tail with an exponent.

    Hypotheses
    ----------
    sigma the ReLU or the sign, x and v uniform on S^{D-1}, D >= 2.

    Statement
    ---------
    a_l of the ReLU is c_D/(D-1), 1/(2D), (-1)^{l/2-1} Gamma(D/2) Gamma((l-1)/2)/(4 pi
    Gamma((l+D+1)/2)) for l = 0, l = 1, even l, and 0 otherwise; of the sign (-1)^{(l-1)/2}
    Gamma(D/2) Gamma(l/2)/(pi Gamma((l+D)/2)) for odd l, else 0. sum N a_l^2 = 1/(2D), of the sign
    1. |a_l| ~ l^{-(D/2+1)} and sum_{j > k} mu_j ~ k^{-3/(D-1)}; of the sign l^{-D/2}, k^{-1/(D-1)}.

    Source
    ------
    Derived [D]: Rodrigues' formula and the duplication formula.

    References
    ----------
    arXiv 2108.04964
    """
    d, k = case.dimension, case.width
    kink = int(case.activation == "relu")  # the power of it, of a step 0
    closed = theory.relu_harmonic_coefficient if kink else theory.sign_harmonic_coefficient
    a = coefficients(case.dimension, case.activation, range(case.degree + 1))
    stated = [constant * closed(d, ell) for ell in range(case.degree + 1)]
    counts = [
        [f(d, ell) for ell in range(12)] for f in (theory.harmonic_multiplicity, multiplicity)
    ]
    whole = energy * (0.5 / d if kink else 1.0)
    tail = [theory.neuron_width_tail(d, width, case.activation) for width in (0, k)]
    # degrees from about 10^6 on, where the slopes are off by about D/10^6
    far = [10 ** (6 * (d - 1)), 4 * 10 ** (6 * (d - 1))]
    ends = [math.log(theory.neuron_width_tail(d, width, case.activation)) for width in far]
    tail_slope = (ends[1] - ends[0]) / math.log(4)
    asked = -(power - 2 * (1 - kink)) / (d - 1)
    first = 10**6 + 1 - kink  # of the parity that counts, as is its triple
    steps = [math.log(abs(closed(d, ell))) for ell in (first, 3 * first)]
    slope, fall = (steps[1] - steps[0]) / math.log(3), -(d / 2 + decay - 1 + kink)
    # enough degrees to hold the 60 largest
    rows = coefficients(case.dimension, case.activation, range(2 * k + 3 if d == 2 else 16))
    return together(
        equal(a, stated, scale=1.0, size=64, part="coefficients"),
        equal(counts[0], counts[1], scale=float(np.max(counts)), size=1, part="multiplicities"),
        equal(tail[0], whole, scale=1.0, size=16, part="energy"),
        equal(tail[1], tail[0] - _held(case, rows, idle), scale=1.0, size=64, part="tail"),
        at_most(abs(tail_slope - asked), 1e-4, scale=1.0, size=1, part="exponent of the tail"),
        at_most(abs(slope - fall), 1e-4, scale=1.0, size=1, part="exponent of the coefficients"),
    )


def _held(case: Harmonic, a: Floats, idle: bool) -> float:
    """Energy of the k largest a_l^2 among those found; with idle degrees, of the k lowest."""
    squares = np.concatenate(
        [np.full(min(multiplicity(case.dimension, ell), 600), a[ell] ** 2) for ell in range(len(a))]
    )
    if not idle:
        squares = -np.sort(-squares)
    return float(np.sum(squares[: case.width]))


@dataclass(frozen=True, eq=False)
class Family:
    """Values of neurons at inputs, functions to serve them, and degrees on a sphere.

    Attributes
    ----------
    features : (n, N) array
    functions : (n, k) array
    degrees : tuple of int
    dimension : int
    """

    features: Floats
    functions: Floats
    degrees: tuple[int, ...]
    dimension: int


def family(
    rng: np.random.Generator,
    *,
    inputs: str = "sphere",
    activation: str = "relu",
    n: int = 20,
    neurons: int = 15,
    k: int = 3,
    subspace: str = "drawn",
    degrees: Sequence[int] = (0, 1, 2),
    dimension: int = 3,
) -> Family:
    """Neurons on a random sample of a sphere, or on a polygon served by its lowest waves."""
    if inputs == "polygon":
        angle = 2 * np.pi * np.arange(n) / n
        waves = [np.cos(j * angle) for j in range(k // 2 + 1)]
        waves += [np.sin(j * angle) for j in range(1, k // 2 + 1)]
        return Family(polygon(n, activation), np.array(waves).T, tuple(degrees), dimension)
    x, v = (rng.standard_normal((size, dimension)) for size in (n, neurons))
    x, v = (y / np.linalg.norm(y, axis=1, keepdims=True) for y in (x, v))
    phi = ACTIVATIONS[activation](x @ v.T)
    k = min(k, n)
    functions = rng.standard_normal((n, k))
    if subspace == "neurons":
        functions = phi[:, rng.permutation(neurons)[: min(k, neurons)]]
    elif subspace == "best":
        functions = np.linalg.eigh(phi @ phi.T)[1][:, ::-1][:, :k]
    return Family(phi, functions, tuple(degrees), dimension)


@register(
    "sparsity.III-2",
    "inequality",
    family,
    {
        "activation": Choice(("relu", "sign", "tanh")),
        "n": Whole(4, 24),
        "neurons": Whole(1, 24),
        "k": Whole(0, 6),
        "subspace": Choice(("drawn", "neurons", "best")),
        "dimension": Whole(2, 6),
        "seed": Whole(0, 65535),
    },
    (
        {"inputs": "polygon", "n": 16, "k": 5},
        {"inputs": "polygon", "n": 12, "k": 1, "degrees": (0,)},
        {"subspace": "best"},
        {"subspace": "neurons", "degrees": (0, 1, 2, 4, 6)},
        {"degrees": (0, 1, 2, 3)},
        {"degrees": (1,), "dimension": 5},
    ),
    (
        Mutant("tail / .95", {"constant": 1 / 0.95}),
        Mutant("tail beyond k - 1", {"kept": -1}),
        Mutant("all degrees up to L = 3 are optimal", {"order": "every"}),
        Mutant("mean of the best / .95", {"average": 1 / 0.95}),
    ),
)
def widths(
    case: Family,
    *,
    constant: float = 1.0,
    kept: int = 0,
    average: float = 1.0,
    order: str = "even",
) -> Sides:
    """No k functions serve the worst neuron better than the tail of the family's kernel.

    Hypotheses
    ----------
    N neurons at n inputs, uniform weights, any k functions; on the sphere, whole degrees kept.

    Statement
    ---------
    sup_v dist^2 >= E_v dist^2 >= sum_{j > k} mu_j, mu_j = s_j(Phi)^2/(nN), with equality in the
    second for the first k left singular vectors. Whole degrees B leave every neuron of the sphere
    sum_{l not in B} N(D,l) a_l^2 >= the tail at their number; equal for the ReLU if B starts the
    list 0, 1, 2, 4, 6, ...

    Source
    ------
    Eckart and Young; addition theorem [D].

    Equality cases
    --------------
    A regular polygon served by its largest frequencies: all neurons fare alike.

    References
    ----------
    arXiv 2108.04964
    """
    phi, basis = case.features, case.functions
    n, many = phi.shape
    mu = np.maximum(np.linalg.eigvalsh(phi.T @ phi / phi.size)[::-1], 0.0)
    k = min(basis.shape[1], *phi.shape)
    found = theory.neuron_distances(phi, basis)
    fit = basis @ np.linalg.lstsq(basis, phi, rcond=None)[0] if k else np.zeros_like(phi)
    own = np.sum((phi - fit) ** 2, axis=0) / n
    best = theory.neuron_distances(phi, np.linalg.svd(phi)[0][:, :k])
    tail = float(np.sum(mu[max(k + kept, 0) :]))
    scale, size = float(np.sum(phi**2)) / n, n + many
    condition = float(np.linalg.cond(basis)) if k else 1.0
    d = case.dimension
    held = sum(multiplicity(d, ell) for ell in case.degrees)
    a = coefficients(d, "relu", range(max(case.degrees) + 1))
    left = 0.5 / d - sum(multiplicity(d, ell) * a[ell] ** 2 for ell in case.degrees)
    block, least = (
        theory.harmonic_block_error(d, case.degrees),
        theory.neuron_width_tail(d, held),
    )
    listed = {"even": [0, 1, *range(2, 40, 2)], "every": list(range(40))}[order]
    optimal = sorted(case.degrees) == listed[: len(case.degrees)]
    parts = [
        at_most(constant * tail, float(np.max(own)), scale=scale, size=size, part="worst"),
        at_most(tail, float(np.mean(own)), scale=scale, size=size, part="mean"),
        equal(found, own, scale=scale * condition, size=size, part="distances"),
        equal(
            np.mean(best), average * float(np.sum(mu[k:])), scale=scale, size=size, part="best mean"
        ),
        equal(theory.average_width(phi, k), np.sum(mu[k:]), scale=scale, size=size, part="width"),
        equal(block, left, scale=1.0, size=32, part="degrees"),
        at_most(least, block, scale=1.0, size=32, part="degrees against the tail"),
    ]
    if optimal:
        parts.append(equal(block, least, scale=1.0, size=32, part="best degrees"))
    return together(*parts)


@dataclass(frozen=True, eq=False)
class Features:
    """Neurons on a polygon, and the sets of features that are equally likely, (s, k)."""

    features: Floats
    sets: Any
    neuron: int


def features(
    rng: np.random.Generator,
    *,
    n: int = 8,
    k: int = 2,
    law: str = "independent",
    activation: str = "relu",
    shift: float = 0.0,
) -> Features:
    """All n^k draws of independent neurons, or the n rotations of k drawn ones."""
    k = min(k, n)
    if law == "independent":
        sets = np.array(list(itertools.product(range(n), repeat=min(k, 3))), dtype=int)
    else:
        sets = (rng.permutation(n)[:k] + np.arange(n)[:, None]) % n
    return Features(
        polygon(n, activation, shift), sets.reshape(len(sets), -1), int(rng.integers(n))
    )


@register(
    "sparsity.III-3",
    "expectation",
    features,
    {
        "n": Whole(2, 7),
        "k": Whole(0, 3),
        "law": Choice(("independent", "rotated")),
        "activation": Choice(("relu", "sign", "tanh")),
        "shift": Real(0.0, 1.0),
        "seed": Whole(0, 65535),
    },
    (
        {},
        {"k": 0},
        {"n": 12, "law": "rotated", "k": 4},
        {"n": 12, "k": 1},
        {"n": 9, "law": "rotated", "k": 3, "activation": "sign"},
        {"n": 4, "k": 1, "activation": "sign"},
    ),
    (
        Mutant("tail / .95", {"constant": 1 / 0.95}),
        Mutant("tail beyond k - 1", {"kept": -1}),
        # features that are not drawn: a neuron among them is served at once
        Mutant("fixed features", {"drawn": False}),
    ),
)
def random_features(
    case: Features, *, constant: float = 1.0, kept: int = 0, drawn: bool = True
) -> Sides:
    """Random features serve no fixed neuron better, on average, than the tail of the kernel.

    Hypotheses
    ----------
    Neurons that rotations carry into each other; k features whose joint law rotations leave alone.
    Here the rotations of a regular polygon.

    Statement
    ---------
    For every neuron v, E_features dist^2(phi_v, span of the features) >= sum_{j > k} mu_j.

    Source
    ------
    Derived [D]: rotating the features and the neuron together turns v into an average neuron.

    Equality cases
    --------------
    No features; on small polygons others too.

    References
    ----------
    arXiv 2108.04964
    """
    phi = case.features
    n, k = len(phi), case.sets.shape[1]
    sets = case.sets if drawn else np.full((1, k), case.neuron)
    target = phi[:, [case.neuron]]
    found = [float(theory.neuron_distances(target, phi[:, chosen])[0]) for chosen in sets]
    mu = np.sort(np.abs(np.fft.fft(phi[:, 0])) ** 2)[::-1] / n**2  # of a circulant matrix
    tail = constant * float(np.sum(mu[max(k + kept, 0) :]))
    size = 2 * n + len(sets)
    return at_most(tail, float(np.mean(found)), scale=float(np.sum(target**2)), size=size)
