"""Exchange: a local optimum under single swaps, never above greedy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from array_api_compat import array_namespace

from pruneproof.theory import information_loss, select_exchange, select_greedy
from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.selection.exchange import _improvements
from pruneproof.theory.selection.greedy import checked

EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize("theta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("tau", [0.0, 0.3])
@pytest.mark.parametrize("k", [3, 7])
def test_no_single_swap_is_better(family: Any, theta: float, tau: float, k: int) -> None:
    m = 11
    cov, ridge = family(m, 2), tau * (1.0 + np.arange(m) % 3)
    z = np.random.default_rng(1).standard_normal((4, m))
    options: dict[str, Any] = {"ridge": ridge, "theta": theta, "output_weights": z}
    start = theta * np.trace(cov) + (1 - theta) * np.sum((z @ cov) * z)
    rounding = 2 * m * EPS * start  # of the swap that counts, and of the loss that is measured

    def loss(nodes: list[int]) -> float:
        return information_loss(cov, nodes, ridge=ridge[nodes], theta=theta, output_weights=z)

    got = select_exchange(cov, k, **options)
    kept = [int(j) for j in got.kept]
    assert kept == sorted(set(kept))
    assert len(kept) == k
    reached = loss(kept)
    assert abs(reached - float(got.losses[-1])) <= rounding
    assert np.all(np.diff(got.losses) < 0)
    assert reached <= loss([int(j) for j in select_greedy(cov, k, **options).kept]) + rounding
    for i, j in itertools.product(kept, set(range(m)) - set(kept)):
        assert loss([*(set(kept) - {i}), j]) >= reached - rounding


def test_it_finds_the_optimum_that_greedy_misses() -> None:
    """The witness spectral.A2: greedy ends at 36/5, one swap reaches the optimum 1."""
    cov = np.array([[20.0, 0, 16], [0, 1, 0], [16, 0, 20]])
    got = select_exchange(cov, 2, theta=0.0, output_weights=[[1, -1, -1]])
    assert list(got.kept) == [0, 2]
    assert got.losses == pytest.approx([7.2, 1.0], rel=1e-12, abs=0)


def test_each_swap_is_the_best_there_is() -> None:
    """Every path against all swaps of the definition; some steps have several that lower it."""
    choices = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((30, 9)) @ rng.standard_normal((9, 9))
        cov, z = x.T @ x / 30, rng.standard_normal((2, 9))
        options: dict[str, Any] = {"theta": 0.1, "output_weights": z}
        kept = {int(j) for j in select_greedy(cov, 4, **options).kept}
        path = [information_loss(cov, sorted(kept), **options)]
        while True:
            swaps = [(kept - {i}) | {j} for i in kept for j in set(range(9)) - kept]
            found = [information_loss(cov, sorted(s), **options) for s in swaps]
            lower = sum(loss < path[-1] * (1 - 1e-9) for loss in found)
            if lower == 0:
                break
            choices += lower > 1
            kept = swaps[int(np.argmin(found))]
            path.append(min(found))
        got = select_exchange(cov, 4, **options)
        assert got.losses == pytest.approx(path, rel=1e-9, abs=0)
    assert choices > 0


@pytest.mark.parametrize("theta", [0.2, 1.0])
def test_all_predicted_improvements_are_those_of_the_definition(theta: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 8))
    cov, z, ridge = x.T @ x / 40, rng.standard_normal((3, 8)), rng.uniform(0, 1, 8)
    kept = [1, 4, 6]
    scores, leaving = _improvements(checked(cov, 3, ridge, theta, z), kept)
    options: dict[str, Any] = {"theta": theta, "output_weights": z}
    now = information_loss(cov, kept, ridge=ridge[kept], **options)
    for (row, i), j in itertools.product(enumerate(leaving), range(8)):
        if j not in kept:
            swapped = [*(set(kept) - {i}), j]
            expected = now - information_loss(cov, swapped, ridge=ridge[swapped], **options)
            assert scores[row, j] == pytest.approx(expected, abs=1e-12)


def test_redundant_nodes_are_swapped_away() -> None:
    """Greedy may keep a duplicate only when nothing else is left; a given set may hold one."""
    cov = np.diag([3.0, 2.0, 1.0, 0.5])
    cov = np.block([[cov, cov[:, :1]], [cov[:1], cov[:1, :1]]])  # node 4 copies node 0
    scores, leaving = _improvements(checked(cov, 2, 0.0, 1.0, None), [0, 4])
    assert leaving == [4]
    assert np.allclose(scores, [[0, 2, 1, 0.5, 0]])


def test_the_backends_agree(to_backend: Any) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((50, 14)) @ rng.standard_normal((14, 14))
    cov, z = x.T @ x / 50, rng.standard_normal((3, 14))
    expected = select_exchange(cov, 4, ridge=0.1, theta=0.3, output_weights=z)
    got = select_exchange(to_backend(cov), 4, ridge=0.1, theta=0.3, output_weights=to_backend(z))
    assert array_namespace(got.kept) is array_namespace(to_backend(cov))
    assert np.array_equal(to_numpy(got.kept), to_numpy(expected.kept))
    assert np.allclose(to_numpy(got.losses), expected.losses, rtol=1e-10, atol=0)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.eye(3), 0), {}, "at least 1"),
        ((np.eye(3), 4), {}, "at most 3"),
        ((np.eye(3), 1), {"ridge": -1.0}, "at least 0"),
        ((np.eye(3), 1), {"theta": 2.0}, r"\[0, 1\]"),
        ((np.diag([1.0, -1.0]), 1), {}, "not positive semidefinite"),
        ((np.full((2, 2), np.nan), 1), {}, "NaN"),
    ],
)
def test_bad_input_is_refused(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        select_exchange(*arguments, **options)


@pytest.mark.parametrize("scale", [2.0**-660, 2.0**660])
def test_swaps_do_not_depend_on_the_units(scale: float) -> None:
    """At 1e+-200 squares of Sigma leave the floats, where no swap was found any more.

    Losses err by rounding of Tr(Q Sigma), m eps of it a solve, with square roots rounded anew.
    """
    swaps = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        mixed = rng.standard_normal((20, 7)) * (rng.random(7) + 0.05) @ rng.standard_normal((7, 7))
        cov, z = mixed.T @ mixed / 20, rng.standard_normal((2, 7))
        for ridge in (0.0, 0.1):
            plain = select_exchange(cov, 2, ridge=ridge, theta=0.5, output_weights=z)
            other = select_exchange(
                scale * cov, 2, ridge=scale * ridge, theta=0.5, output_weights=z
            )
            swaps += plain.losses.shape[0] - 1
            np.testing.assert_array_equal(other.kept, plain.kept)
            rounding = 100 * 7 * np.finfo(float).eps * np.trace(cov) * (1 + np.sum(z * z))
            np.testing.assert_allclose(other.losses / scale, plain.losses, rtol=0, atol=rounding)
    assert swaps >= 6
