"""Gaussian integrals against Monte Carlo, quadrature over all fields and Stein's lemma.

Monte Carlo estimates are compared in units of their own standard errors; with at most 700 of them
here, |z| < 6.5 has a false-alarm level of 700 x 8e-11 < 1e-7.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.special import erf
from scipy.stats import multivariate_normal

from pruneproof import theory
from pruneproof.theory.kernels import committee_numba

FUNCTIONS = {
    "erf": lambda u: erf(u / math.sqrt(2)),
    "linear": lambda u: u,
    "relu": lambda u: np.maximum(u, 0.0),
    "sign": np.sign,
}
GRADIENTS = {
    "erf": lambda u: math.sqrt(2 / math.pi) * np.exp(-(u**2) / 2),
    "linear": np.ones_like,
    "relu": lambda u: (u > 0).astype(float),
}
SMOOTH = ("erf", "linear", "relu")
DRAWS = 200_000
SURE = 6.5


def factors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    regular = rng.standard_normal((4, 5))
    return {
        "regular": regular,
        "large": 5.0 * regular,
        "correlated": regular[:1] + 0.3 * regular,
        "singular": rng.standard_normal((4, 2)),
        "repeated": regular[[0, 1, 0, 1]] * np.array([[1.0], [1.0], [2.0], [1.0]]),
        "opposite": regular[[0, 1, 0, 3]] * np.array([[1.0], [1.0], [-2.0], [1.0]]),
    }


def z(samples: np.ndarray, value: float) -> float:
    """Standard errors between the mean of the samples and the value; 0 within 1e-7.

    Where the samples are constant, asin at correlation one returns the root of the rounding.
    """
    gap, error = float(np.mean(samples)) - value, float(np.std(samples)) / math.sqrt(len(samples))
    return 0.0 if abs(gap) <= 1e-7 * max(1.0, abs(value)) else gap / error


@pytest.mark.parametrize("shape", factors())
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_i2_is_a_mean(activation: str, shape: str) -> None:
    rows = factors()[shape]
    u = np.random.default_rng(1).standard_normal((DRAWS, rows.shape[1])) @ rows.T
    found, g = theory.gaussian_i2(rows @ rows.T, activation), FUNCTIONS[activation](u)
    for i, j in itertools.combinations_with_replacement(range(4), 2):
        assert abs(z(g[:, i] * g[:, j], found[i, j])) < SURE


@pytest.mark.parametrize("shape", factors())
@pytest.mark.parametrize("activation", SMOOTH)
def test_gradient_integrals_are_means(activation: str, shape: str) -> None:
    rows = factors()[shape]
    cov = rows @ rows.T
    u = np.random.default_rng(2).standard_normal((DRAWS, rows.shape[1])) @ rows.T
    g, slope = FUNCTIONS[activation](u), GRADIENTS[activation](u)
    i3, i4 = theory.gaussian_i3(cov, activation), theory.gaussian_i4(cov, activation)
    j2 = theory.gaussian_j2(cov, activation)
    for i, k in ((0, 0), (0, 1), (2, 3)):
        assert abs(z(slope[:, i] * slope[:, k], j2[i, k])) < SURE
    for i, m, a in ((0, 0, 0), (0, 1, 2), (1, 0, 0), (3, 3, 1), (2, 1, 1)):
        assert abs(z(slope[:, i] * u[:, m] * g[:, a], i3[i, m, a])) < SURE
    fields = [(0, 1, 2, 3), (0, 0, 1, 2), (0, 1, 0, 2), (0, 1, 2, 2), (0, 1, 0, 1), (0, 0, 0, 0)]
    for i, k, a, b in fields:
        drawn = slope[:, i] * slope[:, k] * g[:, a] * g[:, b]
        assert abs(z(drawn, i4[i, k, a, b])) < SURE


@pytest.mark.parametrize("activation", SMOOTH)
def test_i3_is_the_derivative_of_i2(activation: str) -> None:
    """Scaling u_i by (1 + h) in direction m: d/dh E g(u_i + h u_m) g(u_a) = I3(i, m, a), a != i.

    Central differences at h = 1e-4 err by h^2 and eps/h, 1e-8 and 1e-12 times numbers of order 10.
    """
    rows = factors()["regular"]
    h, i3 = 1e-4, theory.gaussian_i3(rows @ rows.T, activation)
    for i, m, a in itertools.permutations(range(4), 3):
        ends = []
        for sign in (1.0, -1.0):
            moved = rows.copy()
            moved[i] += sign * h * rows[m]
            ends.append(theory.gaussian_i2(moved @ moved.T, activation)[i, a])
        assert i3[i, m, a] == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-6)


def test_erf_i4_by_quadrature_of_its_inner_normal() -> None:
    """g'(i) g'(k) is a Gaussian factor: I4 = (2/pi) det^{-1/2} I2 under the tilted covariance."""
    rows = factors()["regular"]
    cov = rows @ rows.T
    i4 = theory.gaussian_i4(cov)
    for i, k in itertools.product(range(4), repeat=2):
        weight = np.zeros((4, 4))
        weight[i, i] += 1.0
        weight[k, k] += 1.0
        tilted = np.linalg.inv(np.linalg.inv(cov) + weight)
        size = 2 / math.pi / math.sqrt(np.linalg.det(np.eye(4) + cov @ weight))
        expected = size * theory.gaussian_i2((tilted + tilted.T) / 2)
        # condition of cov below 1e3
        np.testing.assert_allclose(i4[i, k], expected, rtol=1e-11, atol=1e-13)


def test_relu_i4_by_nested_quadrature() -> None:
    """Independent pairs factor: E theta_1 theta_2 x3+ x4+ = J2(1, 2) I2(3, 4) at C_12,34 = 0."""
    cov = np.array([[1.0, 0.6, 0, 0], [0.6, 2.0, 0, 0], [0, 0, 1.5, -0.7], [0, 0, -0.7, 1.0]])
    expected = theory.gaussian_j2(cov, "relu")[0, 1] * theory.gaussian_i2(cov, "relu")[2, 3]
    found = theory.gaussian_i4(cov, "relu")[0, 1, 2, 3]
    assert found == pytest.approx(expected, rel=1e-13, abs=0)


@pytest.mark.parametrize("apart", [1.0, 0.1, 1e-3])
def test_orthants_of_four(apart: float) -> None:
    """SciPy's own quadrature is random to about 1e-5; equicorrelation 1/2 has exactly 1/5."""
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((2, 6))
    rows = np.vstack([rows, rows + apart * rng.standard_normal((2, 6))])
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    cov = rows @ rows.T
    expected = multivariate_normal(np.zeros(4), cov, allow_singular=True).cdf(np.zeros(4))
    found = committee_numba.orthant(cov, np.arange(4))
    assert found == pytest.approx(expected, abs=2e-4)
    half = (np.eye(4) + 1.0) / 2.0
    assert committee_numba.orthant(half, np.arange(4)) == pytest.approx(0.2, rel=1e-13, abs=0)


@pytest.mark.parametrize("activation", SMOOTH)
def test_compiled_twins_agree(activation: str) -> None:
    rows = factors()["regular"]
    cov = rows @ rows.T
    code, n = SMOOTH.index(activation), range(4)
    plain = {
        "i2": theory.gaussian_i2(cov, activation),
        "j2": theory.gaussian_j2(cov, activation),
        "i3": theory.gaussian_i3(cov, activation),
        "i4": theory.gaussian_i4(cov, activation),
    }
    for name, expected in plain.items():
        twin = getattr(committee_numba, name)
        found = [twin(code, cov, *fields) for fields in itertools.product(n, repeat=expected.ndim)]
        np.testing.assert_allclose(found, expected.ravel(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_pruned_units_have_no_moments(activation: str) -> None:
    cov = np.diag([1.0, 0.0, 2.0])
    cov[0, 2] = cov[2, 0] = 0.5
    found = theory.gaussian_i2(cov, activation)
    assert not np.any(found[1])
    assert not np.any(found[:, 1])
    assert np.all(np.diag(found)[[0, 2]] > 0)


def test_zero_rows_of_erf_have_gradients() -> None:
    cov = np.diag([0.0, 1.0])
    assert theory.gaussian_j2(cov)[0, 0] == pytest.approx(2 / math.pi, rel=1e-15, abs=0)
    assert theory.gaussian_i4(cov)[0, 0, 1, 1] == pytest.approx(
        2 / math.pi * theory.gaussian_i2(cov)[1, 1], rel=1e-14, abs=0
    )


def test_coincident_fields_are_cut_at_correlation_one() -> None:
    """(.1 + .2)^2 and .3^2 differ in the last place, which must not make NaN of asin and sqrt."""
    a = (0.1 + 0.2) ** 2
    cov = np.array([[0.09, math.sqrt(0.09 * a) * (1 + 2e-16)], [0.0, a]])
    cov[1, 0] = cov[0, 1]
    for activation in FUNCTIONS:
        assert np.all(np.isfinite(theory.gaussian_i2(cov, activation)))
    for activation in SMOOTH:
        assert np.all(np.isfinite(theory.gaussian_i3(cov, activation)))
        assert np.all(np.isfinite(theory.gaussian_i4(cov, activation)))
    sign = theory.gaussian_i2(cov, "sign")
    assert sign == pytest.approx(np.ones((2, 2)), abs=1e-7)  # square root of one rounding


def test_what_has_no_gradient_is_refused() -> None:
    with pytest.raises(ValueError, match="sign has no gradient; choose from erf, linear, relu"):
        theory.gaussian_i4(np.eye(2), "sign")
    with pytest.raises(theory.InapplicableError, match="field 1 has the variance 0"):
        theory.gaussian_i3(np.diag([1.0, 0.0]), "relu")
    with pytest.raises(ValueError, match="activation must be one of erf, linear, relu, sign"):
        theory.gaussian_i2(np.eye(2), "tanh")
    with pytest.raises(ValueError, match="not positive semidefinite"):
        theory.gaussian_i2([[1.0, 2.0], [2.0, 1.0]])


def test_overlaps_of_copies_are_singular_up_to_the_rounding_of_long_rows() -> None:
    """Copies: eigenvalues 0 up to a few eps ||C||_F n, and no more is let through."""
    unit = np.ones((3, 3))
    direction = np.array([1.0, -1.0, 0.0]) / math.sqrt(2.0)
    step = np.finfo(np.float64).eps * 9.0 * np.outer(direction, direction)
    found = theory.gaussian_i2(unit - 3.0 * step)
    np.testing.assert_allclose(found, 1.0 / 3.0, rtol=1e-14)
    with pytest.raises(ValueError, match="rounding allows"):
        theory.gaussian_i2(unit - 8.0 * step)


@pytest.mark.parametrize("scale", [1e4, 1e8, 1e12])
def test_gradient_integrals_of_large_rows(scale: float) -> None:
    """With rows scaled up, erf(u/sqrt 2) -> sign u: erf's I4 tends to that of the signs given 0.

    sqrt(det C_SS) I4 -> (4/pi^2) asin rho' of the fields given u_i = u_k = 0, off by O(1/scale);
    rounding of C costs scale * eps and below 1e-9.
    """
    rows = np.random.default_rng(4).standard_normal((4, 6))
    c = scale * rows @ rows.T / 6
    given = c[2:, 2:] - c[2:, :2] @ np.linalg.solve(c[:2, :2], c[:2, 2:])
    rho = given[0, 1] / math.sqrt(given[0, 0] * given[1, 1])
    limit = 4 / math.pi**2 * math.asin(rho) / math.sqrt(np.linalg.det(c[:2, :2]))
    allowed = 20 / scale + 1e-9
    assert theory.gaussian_i4(c)[0, 1, 2, 3] == pytest.approx(limit, rel=allowed, abs=0)
    assert committee_numba.i4(0, c, 0, 1, 2, 3) == pytest.approx(limit, rel=allowed, abs=0)
    own = 2 / math.pi / math.sqrt(1 + 2 * c[0, 0])
    assert theory.gaussian_j2(c)[0, 0] == pytest.approx(own, rel=1e-14, abs=0)
    assert committee_numba.j2(0, c, 0, 0) == pytest.approx(own, rel=1e-14, abs=0)
