"""Arc-sine and arc-cosine kernels: quadrature, round trips, premises; nearest correlation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf
from scipy.stats import random_correlation

from pruneproof import theory
from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.gaussian_kernels import LEAST_RELU_CORRELATION, _k, _k_inverse

EPS = np.finfo(float).eps


def pair(a: float, b: float, rho: float) -> np.ndarray:
    c = rho * math.sqrt(a * b)
    return np.array([[a, c], [c, b]])


def by_quadrature(eta, cov: np.ndarray, order: int) -> float:
    """E eta(u) eta(v) by Gauss and Hermite in two independent normals."""
    z, w = np.polynomial.hermite_e.hermegauss(order)
    root = np.linalg.cholesky(cov)
    u = root[0, 0] * z[:, None] + 0 * z
    v = root[1, 0] * z[:, None] + root[1, 1] * z
    return float(w @ (eta(u) * eta(v)) @ w) / (2 * math.pi)


@given(a=st.floats(0.05, 2.0), b=st.floats(0.05, 2.0), rho=st.floats(-0.95, 0.95))
def test_arcsine_kernel_is_the_moment_of_erf(a, b, rho) -> None:
    cov = pair(a, b, rho)
    found = theory.arcsine_kernel(cov)[0, 1]
    # erf is entire: the rule converges geometrically; 120 nodes leave 1e-10 at variance 2
    assert found == pytest.approx(by_quadrature(erf, cov, 120), abs=1e-8)


@pytest.mark.parametrize("rho", [-0.999, -0.7, -0.2, 0.0, 0.4, 0.9, 0.999])
def test_arccosine_kernel_is_the_moment_of_relu(rho) -> None:
    """In polar coordinates: (1/2 pi) int r^3 e^{-r^2/2} dr = 1/pi times a wedge's int cos cos."""
    a, b = 1.7, 0.4
    t = math.acos(rho)
    s, w = np.polynomial.legendre.leggauss(40)
    low, high = t - math.pi / 2, math.pi / 2
    s = (high - low) / 2 * s + (high + low) / 2
    wedge = (high - low) / 2 * float(w @ (np.cos(s) * np.cos(s - t))) / math.pi
    found = theory.arccosine_kernel(pair(a, b, rho))
    assert found[0, 1] == pytest.approx(math.sqrt(a * b) * wedge, rel=1e-9, abs=1e-16)
    assert np.diag(found) == pytest.approx([a / 2, b / 2], rel=4 * EPS, abs=0)
    centred = theory.arccosine_kernel(pair(a, b, rho), centered=True)
    mean = np.sqrt(np.array([a, b]) / (2 * math.pi))
    assert np.max(np.abs(found - np.outer(mean, mean) - centred)) <= 4 * EPS


def test_derivative_of_k() -> None:
    rho, h = np.linspace(-0.9, 0.9, 19), 1e-5
    slope = (_k(rho + h) - _k(rho - h)) / (2 * h)
    # central differences: h^2 k'''/6 <= 1e-10 * 20/6 and rounding eps/h
    assert np.max(np.abs(slope - (math.pi - np.arccos(rho)) / math.pi)) < 1e-9


def test_inverse_of_k_everywhere() -> None:
    y = np.concatenate([[0.0, 1.0, 1 / math.pi], np.geomspace(1e-15, 1.0, 400)])
    assert np.max(np.abs(_k(_k_inverse(y)) - y)) <= 4 * EPS
    assert _k_inverse(np.array([0.0]))[0] == pytest.approx(-1.0, abs=1e-9)
    assert _k_inverse(np.array([1.0]))[0] == 1.0
    assert abs(_k_inverse(np.array([1 / math.pi]))[0]) <= 4 * EPS


def test_round_trips_on_every_library(to_backend) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 6)) * np.linspace(0.2, 1.5, 6)
    q = x.T @ x / 40
    for kernel, inverse, options in (
        (theory.arcsine_kernel, theory.arcsine_inverse, {}),
        (theory.arccosine_kernel, theory.arccosine_inverse, {}),
        (theory.arccosine_kernel, theory.arccosine_inverse, {"centered": True}),
    ):
        moment = kernel(to_backend(q), **options)
        assert type(moment) is type(to_backend(q))
        back = to_numpy(inverse(moment, **options))
        # errors of C are a few eps; they grow by (1 + 2 Q_ii)(1 + 2 Q_jj) <= 40, or 1/k'(rho) <= 10
        assert np.max(np.abs(back - q)) <= 1e-13 * np.max(q)
        again = to_numpy(kernel(to_backend(back), **options))
        assert np.max(np.abs(again - to_numpy(moment))) <= 8e-16 * max(1.0, np.max(q))
        variance = float(q[2, 2])
        entries = q[2, 2] * np.linspace(-1, 1, 7)
        forward = kernel(to_backend(entries), diagonal=variance, **options)
        top = float(to_numpy(forward)[-1])
        back = to_numpy(inverse(forward, diagonal=top, **options))
        assert np.max(np.abs(back - entries)[1:]) <= 1e-13


def test_premises() -> None:
    refused = theory.InapplicableError
    with pytest.raises(refused, match=r"diagonal goes from 0\.5 to 1 "):
        theory.arcsine_inverse(np.diag([0.5, 1.0]))
    with pytest.raises(refused, match=r"correlations in \[-0\.467, 1\].* from -0\.5 to 1"):
        theory.arccosine_inverse(np.array([[1.0, -0.5], [-0.5, 1.0]]), centered=True)
    with pytest.raises(refused, match=r"ReLU units have correlations in \[0, 1\]"):
        theory.arccosine_inverse(np.array([[1.0, -0.1], [-0.1, 1.0]]))
    with pytest.raises(ValueError, match="not positive semidefinite"):
        theory.arcsine_kernel(np.diag([1.0, -1.0]))
    with pytest.raises(ValueError, match="at most the common variance 1"):
        theory.arccosine_kernel([0.0, 2.0], diagonal=1.0)
    edge = np.array([[1.0, LEAST_RELU_CORRELATION], [LEAST_RELU_CORRELATION, 1.0]])
    q = theory.arccosine_inverse(edge, centered=True)
    # k' = 0 there: the root of a cube root of rounding, (3 pi eps)^{2/3}/2
    assert q[0, 1] / q[0, 0] == pytest.approx(-1.0, abs=1e-9)


def test_dead_units_stay_dead() -> None:
    q = np.diag([1.0, 0.0])
    for kernel, inverse in (
        (theory.arcsine_kernel, theory.arcsine_inverse),
        (theory.arccosine_kernel, theory.arccosine_inverse),
    ):
        moment = kernel(q)
        assert np.array_equal(moment[1], [0.0, 0.0])
        assert np.max(np.abs(inverse(moment) - q)) <= 4 * EPS


def test_nearest_correlation_meets_its_optimality_condition(to_backend) -> None:
    """X is nearest iff A - X is normal to both sets: off-diagonal it is -Z with Z psd, Z X = 0."""
    rng = np.random.default_rng(0)
    a = rng.uniform(-1, 1, (7, 7))
    a = (a + a.T) / 2
    np.fill_diagonal(a, 1.0)
    assert np.linalg.eigvalsh(a)[0] < -0.5
    found = theory.nearest_correlation(to_backend(a), tolerance=1e-12)
    assert type(found) is type(to_backend(a))
    x = to_numpy(found)
    assert np.array_equal(np.diag(x), np.ones(7))
    assert np.linalg.eigvalsh(x)[0] >= -20 * EPS
    # the multiplier: Z = X - A off the diagonal, its diagonal from (Z X)_ii = 0
    z = x - a
    np.fill_diagonal(z, 0.0)
    z -= np.diag(np.diag(z @ x))
    assert np.max(np.abs(z @ x)) < 1e-8
    assert np.linalg.eigvalsh(z)[0] > -1e-8


def test_a_correlation_is_its_own_nearest() -> None:
    r = random_correlation.rvs([2.0, 1.0, 0.7, 0.3], random_state=1)
    r = (r + r.T) / 2
    np.fill_diagonal(r, 1.0)
    assert np.max(np.abs(theory.nearest_correlation(r) - r)) <= 1e-14
    printed = theory.nearest_correlation(np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]))
    # Higham 2002, section 4: .7607, .1573 to the digits printed
    assert printed[0, 1] == pytest.approx(0.7607, abs=5e-5)
    assert printed[0, 2] == pytest.approx(0.1573, abs=5e-5)


@pytest.mark.parametrize("tolerance", [float("nan"), -1.0, "1e-9"])
def test_the_nearest_correlation_refuses_a_tolerance_that_is_none(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        theory.nearest_correlation(np.eye(2), tolerance=tolerance)
