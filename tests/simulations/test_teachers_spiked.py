"""Spiked, block and source-capacity teachers against their closed forms and laws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.simulations.teachers import EmpiricalMoment, blocks, source_capacity, spiked

EPS = np.finfo(float).eps


def test_spiked_moment_and_where_the_sample_shows_it() -> None:
    m, n, spike = 200, 400, 5.0
    teacher = spiked(m, [spike], rng=3)
    direction = teacher.rotation[:, 0]
    wanted = np.eye(m) + (spike - 1) * np.outer(direction, direction)
    assert np.max(np.abs(teacher.second_moment().matrix - wanted)) <= 1e-13
    assert np.max(np.abs(teacher.weights - direction)) <= 4 * EPS
    tops = []
    for seed in range(10):
        moment = EmpiricalMoment.of(teacher.features(teacher.inputs(n, rng=seed)))
        tops.append(moment.spectrum.eigenvalues[0])
    law = theory.spike_location(spike, m / n)
    # bias of order 1/n and 6 standard errors of ten replicates
    assert abs(np.mean(tops) - law) <= 0.01 * law + 6 * np.std(tops, ddof=1) / math.sqrt(10)
    assert np.array_equal(spiked(3, [2.0]).second_moment().matrix, np.diag([2.0, 1.0, 1.0]))


def test_blocks_have_their_correlations() -> None:
    teacher = blocks([3, 1, 4], [0.6, 0.0, -0.2])
    matrix = np.eye(8)
    matrix[:3, :3] += 0.6 * (1 - np.eye(3))
    matrix[4:, 4:] -= 0.2 * (1 - np.eye(4))
    assert np.max(np.abs(teacher.second_moment().matrix - matrix)) <= 16 * EPS
    found = np.linalg.eigvalsh(matrix)[::-1]
    assert np.max(np.abs(teacher.spectrum().eigenvalues - found)) <= 32 * EPS
    assert blocks([2], [1.0]).spectrum().eigenvalues.tolist() == [2.0, 0.0]


def test_source_capacity_has_its_coefficients() -> None:
    m, a, r = 50, 1.5, 0.5
    teacher = source_capacity(m, a, r, rng=1)
    mu = np.arange(1.0, m + 1.0) ** -a
    on_functions = (teacher.rotation.T @ teacher.weights) * np.sqrt(mu)
    wanted = np.arange(1.0, m + 1.0) ** -(1 + 2 * a * r)
    # Q^T Q is the identity to 1e-15 and the largest weight is m^{a/2} of the smallest coefficient
    assert on_functions**2 == pytest.approx(wanted, rel=1e-11, abs=0)
    zero = theory.Network([theory.Dense(np.zeros((1, m)))])
    assert teacher.risk(zero).value == pytest.approx(np.sum(wanted), rel=1e-13, abs=0)
    plain = source_capacity(m, a, r)
    assert plain.risk(zero).value == pytest.approx(np.sum(wanted), rel=1e-13, abs=0)


def test_a_diagonal_teacher_of_many_nodes_needs_no_matrix() -> None:
    m = 200_000
    teacher = source_capacity(m, 1.0, 0.5)
    moment = teacher.second_moment()
    assert teacher.sample(3, rng=0).features.shape == (3, m)
    with pytest.raises(ValueError, match="known by its spectrum only"):
        _ = moment.matrix
    zero = theory.Network([theory.Dense(np.zeros((1, m)))])
    total = np.sum(np.arange(1.0, m + 1.0) ** -2.0)
    assert teacher.risk(zero).value == pytest.approx(total, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: blocks([3], [-0.6]), r"have it in \[-0\.5, 1\], not -0\.6"),
        (lambda: blocks([3], [1.1]), r"not 1\.1"),
        (lambda: blocks([3, 2], [0.1]), "2 sizes but 1 correlations"),
        (lambda: spiked(3, [0.5]), "at least the bulk 1"),
        (lambda: source_capacity(3, 1.0, -1.0), "source must be at least 0"),
    ],
)
def test_refusals(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call()
