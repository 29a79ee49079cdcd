"""Online descent: the twins, the law of the overlaps, rows of given overlaps, divergence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.simulations.committee import (
    kernels,
    normals,
    overlap_descent,
    plain,
    rows_of,
    train_online,
)
from pruneproof.simulations.committee.sgd import overlaps_descended, trained_online
from pruneproof.simulations.teachers import Committee

ACTIVATIONS = {"erf": 0, "linear": 1, "relu": 2}


def start(units: int = 3, teachers: int = 2, seed: int = 0) -> theory.OrderParameters:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((units + teachers, 9)) / 3.0
    w, b = rows[:units], rows[units:]
    outputs = rng.standard_normal(units)
    return theory.OrderParameters(w @ w.T, w @ b.T, b @ b.T, outputs, np.ones(teachers))


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_steps_on_weights_are_those_of_the_twin(activation: str) -> None:
    rng = np.random.default_rng(1)
    w, v = rng.standard_normal((4, 21)) / 5.0, rng.standard_normal(4)
    x, y = rng.standard_normal((50, 21)), rng.standard_normal(50)
    found = []
    for twin in (kernels, plain):
        rows, outputs = w.copy(), v.copy()
        code = ACTIVATIONS[activation]
        assert twin.descend(rows, outputs, x, y, 0.3, 0.2, code, 1e9) == 50
        found.append((rows, outputs))
    # sums of 21 products in another order, 50 contracting steps
    for mine, wanted in zip(*found):
        np.testing.assert_allclose(mine, wanted, rtol=0, atol=1e-12)


def test_one_step_written_out() -> None:
    rng = np.random.default_rng(2)
    n, w, v, x = 7, rng.standard_normal((2, 7)), np.array([0.5, -2.0]), rng.standard_normal(7)
    h = w @ x
    gap = float(v @ np.maximum(h, 0) - 1.5)
    rows = w - 0.4 / n * np.outer(v * (h > 0), x) * gap
    outputs = v - 0.3 / n * np.maximum(h, 0) * gap
    kernels.descend(w, v, x[None], np.array([1.5]), 0.4, 0.3, 2, 1e9)
    np.testing.assert_allclose(w, rows, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(v, outputs, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_a_step_on_the_overlaps_is_that_of_the_weights(activation: str) -> None:
    """Given an input, both kernels move the overlaps alike: exact at every N, to rounding."""
    order, n, rng = start(), 12, np.random.default_rng(3)
    rows, targets = rows_of(order, n, rng=rng)
    teacher = np.array(order.A)
    m = len(teacher)
    code = ACTIVATIONS[activation]
    for _ in range(20):
        x = rng.standard_normal(n)
        joint = np.concatenate([targets, rows])
        c = joint @ joint.T
        z = np.linalg.solve(np.linalg.cholesky(c), joint @ x)
        rest = np.array([x @ x - z @ z])
        factor = np.zeros_like(c)
        factor[:m, :m] = np.linalg.cholesky(c[:m, :m])
        v, outputs = np.array(order.v), np.array(order.v)
        label = plain.value(code, targets @ x) @ teacher + 0.2
        kernels.descend(rows, v, x[None], np.array([label]), 0.3, 0.2, code, 1e9)
        kernels.descend_overlaps(
            c, outputs, teacher, factor, z[None], rest, np.array([0.2]), float(n), 0.3, 0.2, code,
            1e9,
        )  # fmt: skip
        joint = np.concatenate([targets, rows])
        np.testing.assert_allclose(np.tril(c), np.tril(joint @ joint.T), rtol=0, atol=1e-11)
        np.testing.assert_allclose(outputs, v, rtol=0, atol=1e-12)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_overlap_descent_is_that_of_the_twin(activation: str) -> None:
    kind: dict[str, Any] = {
        "learning_rate": 0.2, "output_learning_rate": 0.1, "noise": 0.3,
        "activation": activation, "rng": 4,
    }  # fmt: skip
    mine = overlap_descent(start(), 30, [0.0, 1.0, 3.0], **kind)
    wanted = overlaps_descended(
        plain.descend_overlaps, normals.drawer, start(), 30, [0.0, 1.0, 3.0], **kind
    )
    np.testing.assert_allclose(mine[0].Q, start().Q, rtol=0, atol=1e-15)
    for one, other in zip(mine, wanted):
        for name in ("Q", "R", "v"):
            a, b = getattr(one, name), getattr(other, name)
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)


def test_both_processes_have_one_law() -> None:
    """Means and variances of Q, R, v and eps over 400 runs at N = 12, by 5 standard errors."""
    order, n, runs = start(), 12, 400
    rates: dict[str, Any] = {"learning_rate": 0.4, "output_learning_rate": 0.2}
    rng = np.random.default_rng(5)
    samples: dict[str, list[Any]] = {"weights": [], "overlaps": []}
    for _ in range(runs):
        rows, targets = rows_of(order, n, rng=rng)
        teacher = Committee(targets, order.A, noise=0.3)
        run = train_online(rows, order.v, teacher, [4.0], **rates, rng=rng)
        samples["weights"].append(run.orders[0])
        samples["overlaps"] += overlap_descent(order, n, [4.0], **rates, noise=0.3, rng=rng)
    flat = {
        name: np.array([[*o.Q[np.tril_indices(3)], *o.R.ravel(), *o.v] for o in found])
        for name, found in samples.items()
    }
    for power in (1, 2):
        a, b = flat["weights"] ** power, flat["overlaps"] ** power
        error = np.sqrt((a.var(axis=0) + b.var(axis=0)) / runs)
        assert np.all(np.abs(a.mean(axis=0) - b.mean(axis=0)) < 5 * error)


def test_a_run_reports_the_overlaps_of_its_rows() -> None:
    rng = np.random.default_rng(6)
    teacher = Committee.orthogonal(2, 40, noise=0.1, rng=rng)
    rows = rng.standard_normal((3, 40)) / 6.0
    before = rows.copy()
    arguments: dict[str, Any] = {"learning_rate": 0.3, "output_learning_rate": 0.1, "rng": 7}
    run = train_online(rows, np.ones(3), teacher, [0.5, 9.0], **arguments)
    twin = trained_online(
        plain.descend, normals.drawer, rows, np.ones(3), teacher, [0.5, 9.0], **arguments
    )
    np.testing.assert_array_equal(rows, before)
    np.testing.assert_allclose(run.orders[-1].Q, run.rows @ run.rows.T, rtol=0, atol=1e-14)
    np.testing.assert_allclose(run.rows, twin.rows, rtol=0, atol=1e-10)
    np.testing.assert_allclose(run.times, [0.5, 9.0])
    frozen = train_online(rows, np.ones(3), teacher, [2.0], learning_rate=0.3, rng=7)
    np.testing.assert_array_equal(frozen.outputs, np.ones(3))


def test_rows_have_the_overlaps_asked_for() -> None:
    order = start()
    rows, targets = rows_of(order, 17, rng=0)
    joint = np.concatenate([rows, targets])
    wanted = np.block([[order.Q, order.R], [order.R.T, order.T]])
    np.testing.assert_allclose(joint @ joint.T, wanted, rtol=0, atol=1e-13)
    with pytest.raises(ValueError, match=r"5 rows .* there are 4"):
        rows_of(order, 4, rng=0)


def test_divergence_is_told_with_time_and_rate() -> None:
    # linear units diverge beyond eta = 2/(K + O(1/N))
    teacher = Committee(np.eye(2, 20), activation="identity")
    with pytest.raises(ValueError, match=r"diverged at time .* learning rates 5 of the first"):
        train_online(np.eye(3, 20), np.ones(3), teacher, [50.0], learning_rate=5.0, rng=0)
    with pytest.raises(ValueError, match="diverged at time"):
        overlap_descent(start(), 20, [50.0], learning_rate=5.0, activation="linear", rng=0)


def test_bad_arguments() -> None:
    teacher = Committee(np.eye(2, 20))
    rows, outputs = np.eye(3, 20), np.ones(3)
    with pytest.raises(ValueError, match="one output weight a row"):
        train_online(rows, np.ones(2), teacher, [1.0], learning_rate=0.1, rng=0)
    with pytest.raises(ValueError, match="times must ascend"):
        train_online(rows, outputs, teacher, [1.0, 1.0], learning_rate=0.1, rng=0)
    with pytest.raises(ValueError, match="learning_rate must be finite and at least 0"):
        train_online(rows, outputs, teacher, [1.0], learning_rate=-0.1, rng=0)
    with pytest.raises(ValueError, match="at least K \\+ M = 5 inputs"):
        overlap_descent(start(), 4, [1.0], learning_rate=0.1, rng=0)
    with pytest.raises(ValueError, match="have a gradient, not 'sign'"):
        overlap_descent(start(), 9, [1.0], learning_rate=0.1, activation="sign", rng=0)
