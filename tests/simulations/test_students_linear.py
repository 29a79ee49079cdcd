"""Least squares and ridge regression against normal equations and optimality conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pruneproof.simulations.students import Student, least_squares, ridge
from pruneproof.theory import second_moment

EPS = float(np.finfo(np.float64).eps)
SHAPES = [(40, 7), (7, 7), (7, 40)]


def sample(n: int, d: int, p: int = 2) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(1000 * n + d)
    return rng.standard_normal((n, d)), rng.standard_normal((n, p))


def coefficients(student: Student) -> NDArray[np.float64]:
    (layer,) = student.network.layers
    weight: Any = layer.weight  # type: ignore[union-attr]
    return np.asarray(weight).T


def tolerance(x: NDArray[np.float64], y: NDArray[np.float64], ridge: float = 0.0) -> float:
    """Both solvers are backward stable in X or in X^T X: at worst (n + d) eps cond^2 |B|."""
    s = np.linalg.svd(x, compute_uv=False)
    cond = (s[0] ** 2 + len(x) * ridge) / (s[-1] ** 2 + len(x) * ridge)
    size = np.linalg.norm(y) * s[0] / (s[-1] ** 2 + len(x) * ridge)
    return float(sum(x.shape) * EPS * cond * size)


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("lam", [1e-3, 0.5])
def test_ridge_solves_its_normal_equations(n: int, d: int, lam: float) -> None:
    x, y = sample(n, d)
    expected = np.linalg.solve(np.asarray(second_moment(x)) + lam * np.eye(d), x.T @ y / n)
    found = coefficients(ridge(x, y, lam))
    s = np.linalg.svd(x, compute_uv=False)
    # The oracle solves with Sigma + lam, of condition (s_1^2/n + lam)/lam at worst.
    error = (n + d) * EPS * (s[0] ** 2 / n + lam) / lam * np.linalg.norm(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=error)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_least_squares_is_the_solution_of_smallest_norm(n: int, d: int) -> None:
    x, y = sample(n, d)
    student = least_squares(x, y)
    found = coefficients(student)
    error = tolerance(x, y)
    # Optimality: the residual is orthogonal to the inputs, the solution lies in their rows.
    np.testing.assert_allclose(x.T @ (y - x @ found), 0.0, atol=error * np.linalg.norm(x) ** 2)
    rows = np.linalg.qr(x.T)[0]
    np.testing.assert_allclose(found, rows @ (rows.T @ found), rtol=0, atol=error)
    if n <= d:  # it interpolates
        np.testing.assert_allclose(student.forward(x), y, atol=error * np.linalg.norm(x))


def test_repeated_columns_share_their_coefficient() -> None:
    x, y = sample(30, 4, 1)
    once = coefficients(least_squares(x, y))
    twice = coefficients(least_squares(np.concatenate([x, x], axis=1), y))
    # |b|^2 + |c|^2 is smallest under b + c fixed where b = c.
    expected = np.concatenate([once, once]) / 2
    np.testing.assert_allclose(twice, expected, rtol=0, atol=4 * tolerance(x, y))


def test_a_ridge_of_nothing_is_least_squares() -> None:
    x, y = sample(12, 20)
    np.testing.assert_array_equal(coefficients(ridge(x, y, 0.0)), coefficients(least_squares(x, y)))


def test_inputs_of_zeros_give_the_zero_student() -> None:
    np.testing.assert_array_equal(coefficients(least_squares(np.zeros((5, 3)), np.ones(5))), 0.0)


def test_the_loss_is_half_the_mean_squared_error() -> None:
    x, y = sample(25, 6)
    student = ridge(x, y, 0.3)
    expected = 0.5 * np.mean(((student.forward(x) - y) ** 2).sum(axis=1))
    assert student.losses == pytest.approx([expected], rel=100 * EPS, abs=0)


def test_inputs_are_left_alone_and_lists_are_read() -> None:
    x, y = sample(9, 3)
    x.flags.writeable = y.flags.writeable = False
    kept = x.copy()
    ridge(x, y, 0.1)
    np.testing.assert_array_equal(x, kept)
    line = least_squares([[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0])
    # Three products of numbers below 10 on each side.
    assert coefficients(line)[0, 0] == pytest.approx(2.0, rel=20 * EPS, abs=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0], [2.0]], [1.0], 0.1), "inputs have 2 rows and targets 1"),
        (([[1.0]], [1.0], -0.1), "ridge must be finite and at least 0, but is -0.1"),
        (([[1.0]], [1.0], float("nan")), "ridge must be finite"),
        (([[np.inf]], [1.0], 0.1), "inputs has 1 entries that are NaN or infinite"),
        (([[1.0]], [[[1.0]]], 0.1), r"targets must have shape \(n,\) or \(n, p\)"),
        (([1.0], [1.0], 0.1), "inputs must have 2 axes"),
    ],
)
def test_refusals(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ridge(*arguments)


@pytest.mark.parametrize("exponent", [-600, 600])
def test_fits_do_not_depend_on_units(exponent: int) -> None:
    """Powers of two change no digit: weights change by the inverse, the ridge by the square."""
    rng, unit = np.random.default_rng(5), 2.0**exponent
    x, y = rng.standard_normal((30, 4)), rng.standard_normal(30)
    for one, other in (
        (least_squares(x, y), least_squares(unit * x, y)),
        (ridge(x, y, 0.0), ridge(unit * x, y, 0.0)),
    ):
        wanted = np.asarray(one.network.layers[0].weight)
        found = np.asarray(other.network.layers[0].weight) * unit
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    half = 2.0 ** (exponent // 2)  # its square is a ridge that float64 holds
    wanted, found = (
        np.asarray(ridge(s * x, y, 0.3 * s * s).network.layers[0].weight) * s for s in (1.0, half)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
