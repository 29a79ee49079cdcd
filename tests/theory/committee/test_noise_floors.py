"""Errors at rest: the equations of motion against the small-noise equation and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.theory import OrderParameters


def spare(units: int, more: int) -> OrderParameters:
    """The teacher T = I, A = 1 and `more` units of norm 0."""
    rows = np.vstack([np.eye(units), np.zeros((more, units))])
    return OrderParameters(rows @ rows.T, rows, np.eye(units), np.ones(len(rows)), np.ones(units))


def copied(units: int, copies: int, amplitude: float = 1.0) -> OrderParameters:
    """Every unit of the teacher T = I, A `copies` times at A/copies."""
    rows = np.repeat(np.eye(units), copies, axis=0)
    v, a = np.full(len(rows), amplitude / copies), np.full(units, amplitude)
    return OrderParameters(rows @ rows.T, rows, np.eye(units), v, a)


def at_rest(order: OrderParameters, rate: float, noise: float, activation: str = "erf") -> float:
    both = rate if abs(order.v[0]) < 1 else 0.0
    found = theory.sgd_fixed_point(
        order,
        learning_rate=rate,
        output_learning_rate=both,
        noise=noise,
        activation=activation,
    )
    return theory.generalization_error(found, activation)


def test_forms_of_the_floor() -> None:
    given = {"learning_rate": 0.02, "noise": 0.3}
    unit = 0.02 * 0.09
    floor = theory.noise_floor(spare(2, 3), **given)
    expected = unit / (2 * math.pi) * (3 + 2 / math.sqrt(3))
    assert floor == pytest.approx(expected, rel=1e-14, abs=0)
    floor = theory.noise_floor(copied(2, 3, 4.0), **given)
    expected = unit * 16 * 2 / (2 * math.pi * math.sqrt(3) * 3)
    assert floor == pytest.approx(expected, rel=1e-14, abs=0)
    floor = theory.noise_floor(spare(2, 1), activation="linear", **given)
    assert floor == pytest.approx(3 * unit / 4, rel=1e-14, abs=0)


@pytest.mark.parametrize(
    ("units", "more", "at_small", "at_large"),
    [(2, 0, 1.022, 1.09), (2, 1, 1.037, 1.17), (2, 3, 1.072, 1.37)],
)
def test_published_ratios_of_spare_units(
    units: int, more: int, at_small: float, at_large: float
) -> None:
    """Error at rest over the floor at eta = .05 and .2, to half of the last place and more.

    1.168 and 1.366 are printed as 1.17 and 1.37, and 1.094 as 1.09.
    """
    for rate, ratio, printed in ((0.05, at_small, 6e-4), (0.2, at_large, 6e-3)):
        order = spare(units, more)
        floor = theory.noise_floor(order, learning_rate=rate, noise=0.01)
        assert at_rest(order, rate, 0.01) / floor == pytest.approx(ratio, abs=printed)


@pytest.mark.parametrize(
    ("copies", "at_small", "at_large"), [(1, 1.022, 1.094), (2, 1.011, 1.045), (4, 1.005, 1.022)]
)
def test_published_ratios_of_copies(copies: int, at_small: float, at_large: float) -> None:
    for rate, ratio in ((0.05, at_small), (0.2, at_large)):
        order = copied(2, copies)
        floor = theory.noise_floor(order, learning_rate=rate, noise=0.01)
        assert at_rest(order, rate, 0.01) / floor == pytest.approx(ratio, abs=6e-4)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
@pytest.mark.parametrize(
    ("order", "activation"),
    [
        (spare(2, 0), "erf"),
        (spare(2, 1), "erf"),
        (spare(2, 3), "erf"),
        (copied(2, 3), "erf"),
        (spare(2, 0), "relu"),
        (spare(3, 0), "relu"),
        (spare(1, 2), "linear"),
    ],
)
def test_small_noise_at_any_rate(order: OrderParameters, activation: str, rate: float) -> None:
    """Corrections are O(sigma^2), of relu with its kink O(sigma); Richardson takes them away.

    At sigma = .02 they are below 3e-3, so the next order is near 1e-5; speeds left of 1e-9 beside
    those of eta sigma^2 = 2e-5 add up to 1e-4.
    """
    ratios = []
    for noise in (0.02, 0.01):
        expected = theory.small_noise_error(
            order, learning_rate=rate, noise=noise, activation=activation
        )
        ratios.append(at_rest(order, rate, noise, activation) / expected)
    assert abs(ratios[0] - 1) < 3e-3
    gain = 2 if activation == "relu" else 4
    assert (gain * ratios[1] - ratios[0]) / (gain - 1) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("share", [1e-5, 0.1, 0.5, 0.95])
@pytest.mark.parametrize("order", [spare(1, 0), spare(2, 0), spare(2, 3), copied(2, 3)])
def test_the_floor_from_below_and_above(order: OrderParameters, share: float) -> None:
    """One unit attains the upper end; rounding is that of a pencil at 1 - share of singular."""
    given = {"learning_rate": share * theory.critical_learning_rate(order), "noise": 0.1}
    ratio = theory.small_noise_error(order, **given) / theory.noise_floor(order, **given)
    assert 1 - 1e-12 < ratio < 1 / (1 - share) * (1 + 1e-12)
    if len(order.v) == 1:
        assert ratio == pytest.approx(1 / (1 - share), rel=1e-12, abs=0)


@pytest.mark.parametrize(("units", "more"), [(1, 0), (1, 2), (3, 2)])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_linear_units_exactly(units: int, more: int, share: float) -> None:
    """Speeds left of 1e-9 against those of eta sigma^2, at 1 - share of the margin."""
    order, k = spare(units, more), units + more
    assert theory.critical_learning_rate(order, "linear") == pytest.approx(2 / k, rel=1e-12)
    rate = share * 2 / k
    exact = theory.linear_noise_floor(k, learning_rate=rate, noise=0.7)
    assert at_rest(order, rate, 0.7, "linear") == pytest.approx(exact, rel=1e-8, abs=0)
    small = theory.small_noise_error(order, learning_rate=rate, noise=0.7, activation="linear")
    assert small == pytest.approx(exact, rel=1e-11, abs=0)


@pytest.mark.parametrize("order", [spare(2, 0), spare(2, 3)])
def test_past_the_critical_rate_training_leaves_the_teacher(order: OrderParameters) -> None:
    """10 % below, a student 1e-4 off comes back without noise; 10 % above it drifts away."""
    critical = theory.critical_learning_rate(order)
    q = np.array(order.Q) + 1e-4 * np.eye(len(order.Q))
    near = OrderParameters(q, order.R, order.T, order.v, order.A)
    begin = theory.generalization_error(near)
    ends = [
        theory.integrate_sgd(near, [400.0], learning_rate=share * critical)[0]
        for share in (0.9, 1.1)
    ]
    back, away = (theory.generalization_error(end) for end in ends)
    assert back < begin / 100
    assert away > 10 * begin


def test_floors_name_the_premise_that_fails() -> None:
    short = OrderParameters([[1.0]], [[1.0, 0.0]], np.eye(2), [1.0], [1.0, 1.0])
    with pytest.raises(
        theory.InapplicableError, match=r"this one of 1 units \(teacher 2\) has the error 0\.167"
    ):
        theory.noise_floor(short, learning_rate=0.1, noise=0.1)
    with pytest.raises(theory.InapplicableError, match=r"learning rate 0\.8: .* below 0\.7457"):
        theory.small_noise_error(spare(2, 3), learning_rate=0.8, noise=0.1)
    with pytest.raises(theory.InapplicableError, match=r"below 2/3 = 0\.666667"):
        theory.linear_noise_floor(3, learning_rate=1.0, noise=0.1)
    with pytest.raises(ValueError, match="noise must be at least 0"):
        theory.linear_noise_floor(3, learning_rate=0.1, noise=-0.1)


@pytest.mark.parametrize("copies", [2, 3])
def test_copies_at_little_noise_rest_as_stated_or_are_refused(copies: int) -> None:
    """Their rest is the small-noise one within O(sigma^2) and 2e-3, or rounding hides it."""
    order, rate = copied(1, copies), 0.2
    for noise in (0.01, 0.003):
        stated = theory.small_noise_error(order, learning_rate=rate, noise=noise)
        assert at_rest(order, rate, noise) == pytest.approx(stated, rel=2e-3, abs=0)
    with pytest.raises(
        theory.InapplicableError, match=r"copies of units .* noise of at least 0\.00"
    ):
        at_rest(order, rate, 1e-4)
