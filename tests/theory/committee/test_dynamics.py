"""Equations of motion against their integrals, against training itself, and at rest."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import erf

from pruneproof import theory
from pruneproof.theory import OrderParameters

SMOOTH = ("erf", "linear", "relu")
FUNCTIONS = {
    "erf": (
        lambda u: erf(u / math.sqrt(2)),
        lambda u: math.sqrt(2 / math.pi) * np.exp(-(u**2) / 2),
    ),
    "linear": (lambda u: u, np.ones_like),
    "relu": (lambda u: np.maximum(u, 0.0), lambda u: (u > 0).astype(float)),
}


def drawn_order(k: int = 3, m: int = 2, seed: int = 0) -> OrderParameters:
    rng = np.random.default_rng(seed)
    w, b = rng.standard_normal((k, 12)), rng.standard_normal((m, 12))
    return OrderParameters.from_rows(w, b, rng.standard_normal(k), rng.standard_normal(m))


@pytest.mark.parametrize("activation", SMOOTH)
def test_motion_is_the_sum_over_the_integrals(activation: str) -> None:
    order = drawn_order()
    eta, eta_v, sigma, k = 0.3, 0.2, 0.7, 3
    c, u, v = order.covariance, order.amplitudes, order.v
    i3, i4 = theory.gaussian_i3(c, activation), theory.gaussian_i4(c, activation)
    along = np.einsum("i,a,ima->im", v, u[:], i3[:k])
    spread = np.einsum("a,b,ikab->ik", u, u, i4[:k, :k])
    spread = spread + sigma**2 * theory.gaussian_j2(c, activation)[:k, :k]
    q = eta * (along[:, :k] + along[:, :k].T) + eta**2 * np.outer(v, v) * spread
    found = theory.sgd_motion(
        order, learning_rate=eta, output_learning_rate=eta_v, noise=sigma, activation=activation
    )
    np.testing.assert_allclose(found[0], q, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found[1], eta * along[:, k:], rtol=1e-11, atol=1e-13)
    output = eta_v * theory.gaussian_i2(c, activation)[:k] @ u
    np.testing.assert_allclose(found[2], output, rtol=1e-11, atol=1e-13)


def trained(n: int, runs: int, time: float, activation: str, *, seed: int = 0) -> np.ndarray:
    """Errors (runs,) at `time` of online gradient descent on both layers, from one start."""
    eta, eta_v, sigma = 0.4, 0.2, 0.3
    rng = np.random.default_rng(seed)
    rows, v, a = start(n)
    w, v = np.tile(rows[:2], (runs, 1, 1)), np.tile(v, (runs, 1))
    g, slope = FUNCTIONS[activation]
    for _ in range(round(time * n)):
        x = rng.standard_normal((runs, n))
        fields = np.einsum("rkn,rn->rk", w, x) / math.sqrt(n)
        label = g(x @ rows[2:].T / math.sqrt(n)) @ a + sigma * rng.standard_normal(runs)
        gap = np.einsum("rk,rk->r", v, g(fields)) - label
        push = gap[:, None] * v * slope(fields)
        v = v - eta_v / n * gap[:, None] * g(fields)
        w -= eta / math.sqrt(n) * push[:, :, None] * x[:, None, :]
    found = [OrderParameters.from_rows(w[r], rows[2:], v[r], a) for r in range(runs)]
    return np.array([theory.generalization_error(order, activation) for order in found])


def start(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of two student and one teacher unit with the same overlaps at every n, and weights."""
    overlaps = np.array([[0.6, 0.1, 0.2], [0.1, 0.5, 0.1], [0.2, 0.1, 1.0]])
    rows = np.zeros((3, n))
    rows[:, :3] = math.sqrt(n) * np.linalg.cholesky(overlaps)
    return rows, np.array([0.8, -0.3]), np.array([1.5])


@pytest.mark.parametrize("activation", SMOOTH)
def test_training_follows_the_equations(activation: str) -> None:
    """Means over runs differ by O(1/N) and their standard error.

    |z| < 6 for three comparisons has a false-alarm level of 6e-9; the bias allowed is 4/N of the
    error, four times the largest seen.
    """
    n, runs, time = 100, 64, 3.0
    rows, v, a = start(n)
    order = OrderParameters.from_rows(rows[:2], rows[2:], v, a)
    (end,) = theory.integrate_sgd(
        order,
        [time],
        learning_rate=0.4,
        output_learning_rate=0.2,
        noise=0.3,
        activation=activation,
    )
    expected = theory.generalization_error(end, activation)
    errors = trained(n, runs, time, activation)
    allowed = 6 * np.std(errors) / math.sqrt(runs) + 4 / n * expected
    assert abs(np.mean(errors) - expected) < allowed


def test_one_run_deviates_as_the_root_of_n() -> None:
    """Four times the inputs, half the spread.

    The ratio of variances with 63 degrees each leaves 1/4 to 4 with probability 1e-7.
    """
    spread = [np.var(trained(n, 64, 2.0, "erf", seed=n)) for n in (25, 100)]
    assert 1 < spread[0] / spread[1] < 16


def test_times_may_repeat_and_start_at_zero() -> None:
    order = drawn_order()
    found = theory.integrate_sgd(order, [0.0, 0.0, 1.0, 1.0, 2.0], learning_rate=0.1)
    assert len(found) == 5
    np.testing.assert_array_equal(found[0].Q, order.Q)
    np.testing.assert_array_equal(found[2].R, found[3].R)
    (halfway,) = theory.integrate_sgd(found[2], [1.0], learning_rate=0.1)
    # two solutions with steps good to 1e-9
    np.testing.assert_allclose(halfway.Q, found[4].Q, rtol=1e-7, atol=1e-8)
    (still,) = theory.integrate_sgd(order, [0.0], learning_rate=0.1)
    np.testing.assert_array_equal(still.v, order.v)


def test_the_second_layer_rests_without_its_rate() -> None:
    order = drawn_order()
    (end,) = theory.integrate_sgd(order, [3.0], learning_rate=0.1)
    np.testing.assert_array_equal(end.v, order.v)


def test_one_linear_unit_in_closed_form() -> None:
    """R' = eta (1 - R), Q' = 2 eta (R - Q) + eta^2 (1 - 2R + Q + sigma^2), by SciPy's expm."""
    from scipy.linalg import expm

    eta, sigma, q, r, t = 0.3, 0.5, 0.4, 0.2, 4.0
    generator = np.array(
        [
            [-2 * eta + eta**2, 2 * eta - 2 * eta**2, eta**2 * (1 + sigma**2)],
            [0.0, -eta, eta],
            [0.0, 0.0, 0.0],
        ]
    )
    expected = expm(t * generator) @ [q, r, 1.0]
    order = OrderParameters([[q]], [[r]], [[1.0]], [1.0], [1.0])
    (end,) = theory.integrate_sgd(order, [t], learning_rate=eta, noise=sigma, activation="linear")
    assert [end.Q[0, 0], end.R[0, 0]] == pytest.approx(expected[:2], rel=1e-8, abs=0)


def test_divergence_is_said_with_its_time_and_rate() -> None:
    """Three linear units at rate 1: the error grows as exp((9 - 6) t), so 1e6 by t = 5."""
    order = OrderParameters(np.eye(3), np.zeros((3, 1)), np.eye(1), np.ones(3), [1.0])
    said = r"diverge near t = [345]\.\d+ at learning rate 1 \(output layer 0\); lower it"
    with pytest.raises(theory.InapplicableError, match=said):
        theory.integrate_sgd(order, [100.0], learning_rate=1.0, activation="linear")
    with pytest.raises(theory.InapplicableError, match="learning rate 1 "):
        theory.sgd_fixed_point(order, learning_rate=1.0, activation="linear")


@pytest.mark.parametrize("seed", [2, 5])
def test_a_fixed_point_stands_still_where_training_ends(seed: int) -> None:
    order = drawn_order(k=2, m=2, seed=seed)
    rates = {"learning_rate": 0.2, "output_learning_rate": 0.1, "noise": 0.2}
    rest = theory.sgd_fixed_point(order, **rates)
    for speed in theory.sgd_motion(rest, **rates):
        assert np.max(np.abs(speed)) < 1e-14
    (late,) = theory.integrate_sgd(order, [5e4], **rates)
    # the slowest direction settles at a rate above 1/3000
    np.testing.assert_allclose(late.covariance, rest.covariance, atol=1e-6)
    np.testing.assert_allclose(late.v, rest.v, atol=1e-6)


def test_a_student_that_still_grows_is_not_at_rest() -> None:
    """v = 1 is too weak for A = 50, so the row grows, ever more slowly."""
    order = OrderParameters([[1.0]], [[0.5]], [[1.0]], [1.0], [50.0])
    with pytest.raises(
        theory.InapplicableError, match=r"does not come to rest .* still move by 0\."
    ):
        theory.sgd_fixed_point(order, learning_rate=0.001)


def test_what_cannot_be_integrated_is_refused() -> None:
    order = drawn_order()
    with pytest.raises(ValueError, match="times must start at 0 or later and not decrease"):
        theory.integrate_sgd(order, [2.0, 1.0], learning_rate=0.1)
    with pytest.raises(ValueError, match="learning_rate must be at least 0, but is -1"):
        theory.integrate_sgd(order, [1.0], learning_rate=-1.0)
    with pytest.raises(ValueError, match="activation must be one of erf, linear, relu"):
        theory.integrate_sgd(order, [1.0], learning_rate=0.1, activation="sign")
    pruned = OrderParameters(np.diag([1.0, 0.0]), np.zeros((2, 1)), [[1.0]], [1, 1], [1])
    with pytest.raises(theory.InapplicableError, match="field 1 has the variance 0"):
        theory.integrate_sgd(pruned, [1.0], learning_rate=0.1, activation="relu")


def test_the_first_layer_rests_without_its_rate() -> None:
    """Then the second layer relaxes to G^+ b: dv/dt = eta_v (b - G v) is linear."""
    order = drawn_order()
    gram = theory.gaussian_i2(order.covariance)
    g, b = gram[:3, :3], gram[:3, 3:] @ order.A
    values, vectors = np.linalg.eigh(g)
    gap = vectors.T @ (order.v - np.linalg.solve(g, b))
    expected = np.linalg.solve(g, b) + vectors @ (np.exp(-2.0 * values) * gap)
    (end,) = theory.integrate_sgd(order, [4.0], learning_rate=0.0, output_learning_rate=0.5)
    assert end.v == pytest.approx(expected, rel=1e-7, abs=0)
    assert np.array_equal(end.Q, order.Q)
    assert np.array_equal(end.R, order.R)
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        theory.sgd_fixed_point(order, learning_rate=0.0, output_learning_rate=0.5)
