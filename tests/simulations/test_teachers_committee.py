"""Committee machine: order parameters, the exact error of replicated and pruned students."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pruneproof.simulations.teachers import Committee
from pruneproof.theory import Dense, Network


def pruned(student: Network, kept: list[int]) -> Network:
    first, last = student.layers
    return Network([Dense(first.weight[kept], None, first.activation), Dense(last.weight[:, kept])])


def test_replicated_student_is_the_teacher() -> None:
    teacher = Committee.orthogonal(3, 10, amplitude=4.0, rng=0)
    student = teacher.replicated(4)
    x = teacher.inputs(50, rng=1)
    assert np.max(np.abs(student.forward(x)[:, 0] - teacher.targets(x))) <= 1e-14 * 12
    assert teacher.risk(student).value <= 1e-13
    overlaps = teacher.order_parameters(student)
    group = np.repeat(np.eye(3), 4, axis=0)
    assert np.max(np.abs(overlaps.T - np.eye(3))) <= 1e-15 * 10
    assert np.max(np.abs(overlaps.R - group)) <= 1e-14
    assert np.max(np.abs(overlaps.Q - group @ group.T)) <= 1e-14
    assert np.max(np.abs(overlaps.v - 1.0)) <= 1e-15
    np.testing.assert_array_equal(overlaps.A, 4.0)


@pytest.mark.parametrize("kept", [[0], [0, 1], [0, 3, 4, 5], [2, 6, 9, 10, 11], list(range(9))])
def test_error_of_pruned_nodes_in_closed_form(kept: list[int]) -> None:
    """eps = sum_m (v*^2/6)(1 - n_m/z)^2 for erf and T = I."""
    z, m, amplitude = 4, 3, 4.0
    teacher = Committee.orthogonal(m, 20, amplitude=amplitude, rng=2)
    counts = np.bincount(np.array(kept) // z, minlength=m)
    eps = np.sum(amplitude**2 / 6 * (1 - counts / z) ** 2)
    found = teacher.risk(pruned(teacher.replicated(z), kept))
    assert found.error == 0.0
    assert found.value / 2 == pytest.approx(eps, rel=1e-12, abs=0)


def test_error_of_halved_edges_in_closed_form() -> None:
    """All weights of the student times s: Q = s^2, R = s in units of T = I."""
    teacher = Committee.orthogonal(2, 6, rng=0)
    first, last = teacher.network().layers
    s = 0.5
    student = Network([Dense(s * first.weight, None, "erf"), last])
    two_over_pi = 2 / math.pi
    per_unit = two_over_pi * (
        math.asin(s**2 / (1 + s**2)) - 2 * math.asin(s / math.sqrt(2 * (1 + s**2))) + math.asin(0.5)
    )
    assert teacher.risk(student).value == pytest.approx(2 * per_unit, rel=1e-12, abs=0)


@pytest.mark.parametrize("activation", ["erf", "relu", "identity"])
def test_exact_risk_against_monte_carlo(activation: str) -> None:
    rng = np.random.default_rng(3)
    teacher = Committee(rng.standard_normal((3, 5)), rng.standard_normal(3), activation)
    student = Network(
        [
            Dense(rng.standard_normal((4, 5)), None, activation),
            Dense(rng.standard_normal((1, 4)), np.array([0.5])),
        ]
    )
    exact = teacher.risk(student)
    sampled = teacher.risk(student.forward, draws=40_000, rng=0)
    assert exact.error == 0.0
    assert abs(exact.value - sampled.value) < 6 * sampled.error < 0.2 * exact.value
    x = teacher.features(teacher.inputs(40_000, rng=1))
    moment = teacher.second_moment().matrix
    error = np.std(x[:, :, None] * x[:, None, :], axis=0) / math.sqrt(len(x))
    assert np.all(np.abs(x.T @ x / len(x) - moment) < 6 * error)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="units must be at least 1 and at most 3"):
        Committee.orthogonal(4, 3, rng=0)
    with pytest.raises(ValueError, match="not of 'tanh'"):
        Committee(np.eye(2), None, "tanh")
    with pytest.raises(ValueError, match="a student of 2 inputs, one erf layer without biases"):
        Committee(np.eye(2)).order_parameters(lambda x: x)
    shifted = Network([Dense(np.eye(2), None, "erf"), Dense(np.ones((1, 2)), np.array([0.5]))])
    with pytest.raises(ValueError, match="without biases"):
        Committee(np.eye(2)).order_parameters(shifted)
    with pytest.raises(ValueError, match="rows have 3 inputs, the teacher's 2"):
        Committee(np.eye(2)).order_of(np.eye(2, 3), np.ones(2))
