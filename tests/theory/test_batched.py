"""Losses of many node sets against the loss of each, and the twins against each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pruneproof.theory import information_loss, information_losses, reconstruction
from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.batched import _targets, factorised_losses_plainly, singular_losses

EPS = np.finfo(float).eps
M = 7


def rounding(cov, kept, ridge, q) -> float:
    """Backward error of one block: |delta| <= k eps D, D its diagonal, moves Tr(Q S_J) by
    Tr(Q A delta A^T) <= k^2 eps Tr(Q A D A^T); 8 times that, and the rounding of the traces."""
    k = len(kept)
    a = reconstruction(cov, kept, ridge)
    size = np.diag(cov)[list(kept)] + ridge
    return 8 * EPS * (k * k * np.trace(q @ (a * size) @ a.T) + M * np.trace(q @ cov))


@pytest.mark.filterwarnings("ignore::pruneproof.theory.errors.RankDeficientWarning")
@pytest.mark.parametrize("theta", [1.0, 0.3, 0.0])
def test_agrees_with_one_by_one(family, to_backend, theta: float) -> None:
    cov = family(M)
    rng = np.random.default_rng(0)
    z = rng.standard_normal((9, M))
    q = theta * np.eye(M) + (1 - theta) * z.T @ z
    for k, ridge in ((1, 0.0), (3, rng.random(3)), (4, 0.0), (M, 0.0)):
        subsets = np.array(list(itertools.combinations(range(M), k)))
        losses = to_numpy(
            information_losses(
                to_backend(cov), to_backend(subsets), ridge=ridge, theta=theta, output_weights=z
            )
        )
        for kept, loss in zip(subsets, losses):
            wanted = information_loss(cov, kept, ridge=ridge, theta=theta, output_weights=z)
            assert loss >= 0.0
            assert loss == pytest.approx(wanted, rel=0, abs=rounding(cov, kept, ridge, q))


def test_twins_agree_and_mark_the_same_singular_blocks(family) -> None:
    from pruneproof.theory.kernels import batched_cupy, batched_numba

    cov = family(M)
    z = np.random.default_rng(1).standard_normal((2, M))
    columns, diagonal = _targets(cov, 0.4, z)
    columns = np.ascontiguousarray(columns)
    q = 0.4 * np.eye(M) + 0.6 * z.T @ z
    for k, scale in ((2, 0.0), (3, 0.5), (5, 0.0)):
        index = np.array(list(itertools.combinations(range(M), k)))
        tau = scale * np.random.default_rng(2).random(index.shape)
        inputs = (cov, columns, diagonal, index, tau)
        compiled = batched_numba.factorised_losses(*inputs)
        on_gpu = batched_cupy.factorised_losses(*inputs, np)
        np.testing.assert_array_equal(np.isnan(compiled), np.isnan(on_gpu))
        plain = np.array(
            [
                factorised_losses_plainly(cov, columns, diagonal, one[None], t[None])[0]
                for one, t in zip(index, tau)
            ]
        )
        np.testing.assert_array_equal(np.isnan(compiled), np.isnan(plain))
        by_eigenvectors = singular_losses(*inputs)
        for row in np.flatnonzero(~np.isnan(compiled)):
            bound = rounding(cov, index[row], tau[row], q)
            assert on_gpu[row] == pytest.approx(compiled[row], rel=0, abs=bound)
            assert plain[row] == pytest.approx(compiled[row], rel=0, abs=bound)
            assert by_eigenvectors[row] == pytest.approx(compiled[row], rel=0, abs=bound)


def test_order_survives_a_mixture_of_singular_and_regular_sets() -> None:
    cov = np.array([[1.0, 1.0, 0.5], [1.0, 1.0, 0.5], [0.5, 0.5, 2.0]])
    losses = information_losses(cov, [[0, 1], [0, 2], [1, 0], [2, 1]])
    np.testing.assert_allclose(losses, [1.75, 0.0, 1.75, 0.0], atol=32 * EPS)


def test_every_set_keeps_its_own_ridges(to_backend) -> None:
    """Singular sets among regular ones, each with ridges of its own; node 3 is dead."""
    cov = np.array([[2.0, 2.0, 1.0, 0.0], [2.0, 2.0, 1.0, 0.0], [1.0, 1.0, 3.0, 0.0], [0.0] * 4])
    subsets = np.array([[0, 2, 3], [0, 1, 2], [2, 1, 0], [3, 1, 2]])
    tau = np.array([[0.5, 0.25, 1.0], [0.0, 0.0, 0.75], [1.5, 0.0, 0.0], [0.0, 0.0, 2.0]])
    found = to_numpy(information_losses(to_backend(cov), subsets, ridge=to_backend(tau)))
    wanted = [information_loss(cov, j, ridge=t) for j, t in zip(subsets, tau)]
    np.testing.assert_allclose(found, wanted, rtol=64 * EPS)
    # Node 1 repeats node 0, so with no ridge on either the set is that of nodes 0 and 2.
    without_repeat = information_loss(cov, [0, 2], ridge=[0.0, 0.75])
    assert found[1] == pytest.approx(without_repeat, rel=64 * EPS, abs=0)


@pytest.mark.parametrize(("gap", "lost"), [(2.0**-50, False), (2.0**-53, True)])
def test_twins_draw_the_same_line_between_small_and_lost_pivots(gap: float, lost: bool) -> None:
    from pruneproof.theory.kernels import batched_cupy, batched_numba

    cov = np.array([[1.0, 1.0 - gap], [1.0 - gap, 1.0]])  # pivot 2 gap; the limit is 2 eps
    inputs = (cov, cov, np.diag(cov).copy(), np.array([[0, 1]]), np.zeros((1, 2)))
    for losses in (
        batched_numba.factorised_losses(*inputs),
        batched_cupy.factorised_losses(*inputs, np),
        factorised_losses_plainly(*inputs),
    ):
        assert np.isnan(losses[0]) == lost


def test_many_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((30, 8))
    cov = x.T @ x
    subsets = np.array(list(itertools.combinations(range(8), 3)))
    tau = rng.random(subsets.shape)
    whole = information_losses(cov, subsets, ridge=tau)
    monkeypatch.setattr("pruneproof.theory.batched._CHUNK", 200)
    np.testing.assert_array_equal(information_losses(cov, subsets, ridge=tau), whole)


@pytest.mark.parametrize(
    ("subsets", "options", "message"),
    [
        ([0, 1], {}, r"\(b, k\) array, one set a row"),
        ([[0.5, 1.0]], {}, "whole node indices"),
        ([[0, 3]], {}, "node 3, but the layer has nodes 0 to 2"),
        ([[0, -1]], {}, "node -1"),
        (np.array([[0, 2**64 - 1]], dtype=np.uint64), {}, "node 18446744073709551615"),
        ([[0, 1], [2]], {}, "unequal length"),
        ([[0, 1], [2, 2]], {}, "repeats a node in 1 rows .the first is row 1"),
        ([[0, 1, 0]], {}, "repeats a node in 1 rows .the first is row 0"),
        ([[0, 1]], {"ridge": -1.0}, "smallest entry is -1"),
        ([[0, 1]], {"ridge": [1.0, 1.0, 1.0]}, r"shape \(2,\) or \(1, 2\), not \(3,\)"),
        ([[0, 1]], {"theta": 0.5}, "needs output_weights"),
    ],
)
def test_bad_input(subsets, options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        information_losses(np.eye(3), subsets, **options)


def test_what_is_no_second_moment_is_refused() -> None:
    for cov, words in ((-np.eye(2), "semidefinite"), (np.tri(2), "symmetric")):
        with pytest.raises(ValueError, match=words):
            information_losses(cov, [[0]])
