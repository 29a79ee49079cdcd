"""The error in closed form against fresh inputs, and where it is known without either.

Monte Carlo in standard errors, |z| < 6: 12 comparisons at 2e-9 each, 3e-8 in all.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import erf

from pruneproof import theory

FUNCTIONS = {
    "erf": lambda u: erf(u / math.sqrt(2)),
    "linear": lambda u: u,
    "relu": lambda u: np.maximum(u, 0.0),
    "sign": np.sign,
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_it_is_half_the_mean_square(activation: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k, m = 6, 4, 2
    w, b = rng.standard_normal((k, n)), rng.standard_normal((m, n))
    w[seed] = 0.0  # a pruned unit
    v, a = rng.standard_normal(k), rng.standard_normal(m)
    order = theory.OrderParameters.from_rows(w, b, v, a)
    x = rng.standard_normal((200_000, n)) / math.sqrt(n)
    g = FUNCTIONS[activation]
    half = (g(x @ w.T) @ v - g(x @ b.T) @ a) ** 2 / 2
    gap = np.mean(half) - theory.generalization_error(order, activation)
    assert abs(gap) < 6 * np.std(half) / math.sqrt(len(half))


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_a_replicated_student_is_its_teacher(activation: str) -> None:
    """Its error is rounding: terms of size at most 10, 8 fields."""
    copy = np.repeat(np.eye(2), 3, axis=0)
    order = theory.OrderParameters(copy @ copy.T, copy, np.eye(2), np.full(6, 4 / 3), [4.0, 4.0])
    assert 0.0 <= theory.generalization_error(order, activation) < 1e-13


def test_one_unit_lost_of_a_replicated_erf_student_costs_a_sixth() -> None:
    """eps = sum_m (A_m^2/6)(1 - n_m/z)^2 for T = I."""
    copy = np.repeat(np.eye(2), 3, axis=0)[1:]
    order = theory.OrderParameters(copy @ copy.T, copy, np.eye(2), np.full(5, 4 / 3), [4.0, 4.0])
    expected = 16 / 6 / 9
    assert theory.generalization_error(order) == pytest.approx(expected, rel=1e-13, abs=0)


def test_the_teachers_of_the_simulations_agree() -> None:
    from pruneproof.simulations.teachers import Committee

    teacher = Committee.orthogonal(2, 8, rng=0)
    student = teacher.replicated(2)
    seen = teacher.order_parameters(student)
    order = theory.OrderParameters(seen.Q * 0.5, seen.R * 0.5**0.5, seen.T, np.full(4, 0.4), seen.A)
    rows = teacher.rows * math.sqrt(8)  # rows of the simulations are divided by sqrt(N) already
    again = theory.OrderParameters.from_rows(
        np.repeat(rows, 2, axis=0) * 0.5**0.5, rows, np.full(4, 0.4), np.ones(2)
    )
    assert theory.generalization_error(again) == pytest.approx(
        theory.generalization_error(order), rel=1e-12, abs=0
    )
