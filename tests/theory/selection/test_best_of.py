"""Greedy backed by volume draws: never worse than greedy, and its promise holds."""

from __future__ import annotations

import numpy as np
import pytest

from pruneproof.theory import (
    decompose,
    information_loss,
    select_best_of,
    select_greedy,
    volume_loss,
    volume_residual,
)
from pruneproof.theory.arrays import to_numpy

EPS = np.finfo(float).eps


def test_never_worse_than_greedy_and_below_twice_the_mean(family, to_backend) -> None:
    """Failure has probability 2^-20 = 1e-6 a call, for any greedy."""
    m = 8
    cov = family(m)
    rank = decompose(cov).rank
    for k in {1, min(3, rank), rank}:
        selection = select_best_of(to_backend(cov), k, delta=2.0**-20, rng=3)
        assert selection.method == "best_of"
        assert "20 volume draws" in selection.guarantee
        loss = information_loss(cov, to_numpy(selection.kept))
        assert ("0 up to rounding" in selection.guarantee) == (k == rank)  # 2 E is 0 there
        # k columns are eliminated with coefficients of mean square k (m - k + 1) (claim X6).
        rounding = 16 * m * EPS * (1 + k * (m - k + 1)) * np.trace(cov)
        assert loss <= information_loss(cov, select_greedy(cov, k).kept) + rounding
        assert loss <= 2 * volume_loss(cov, k) + rounding


def test_promise_where_greedy_fails() -> None:
    """Claim spectral.A2: greedy alone exceeds D6's bound; 20 draws fail with probability 1e-6."""
    cov = np.array([[20.0, 0.0, 16.0], [0.0, 1.0, 0.0], [16.0, 0.0, 20.0]])
    z = np.array([[1.0, -1.0, -1.0]])
    selection = select_best_of(cov, 2, theta=0.0, output_weights=z, delta=2.0**-20, rng=0)
    loss = information_loss(cov, selection.kept, theta=0.0, output_weights=z)
    assert loss <= 2 * np.sum((z.T @ z) * volume_residual(cov, 2)) < 36 / 5
    assert "here volume" in selection.guarantee


def test_the_figures_of_the_promise_by_hand() -> None:
    """mu = 3, 2, 1 at k = 2: E = 3 e_3/e_2 = 18/11, lam_vol = 3, N(3) = 1/2 + 2/5 + 1/4."""
    guarantee = select_best_of(np.diag([3.0, 2.0, 1.0]), 2, delta=1 / 8, rng=0).guarantee
    assert guarantee.startswith("Best of greedy and 3 volume draws, here ")
    assert guarantee.endswith(
        "with probability at least 1 - 2^-3 its loss is at most twice the mean of volume sampling, "
        "2 E = 3.273 (spectral.I7, Markov), itself at most 6.9 (spectral.D6); it is 1."
    )
    won = set()
    for seed in range(20):  # one draw each, node 0 with probability 1/2: a tie is volume's
        one = select_best_of(np.diag([3.0, 2.0, 1.0]), 1, delta=0.5, rng=seed)
        won.add("here greedy, " in one.guarantee)
        assert ("here greedy, " in one.guarantee) == (one.losses is not None)
    assert won == {True, False}


def test_the_promise_is_never_certain() -> None:
    """1 - 2^-40 would print as 1 to any reasonable number of digits."""
    guarantee = select_best_of(np.diag([3.0, 2.0, 1.0]), 1, delta=2.0**-40, rng=0).guarantee
    assert "probability at least 1 - 2^-40 its loss" in guarantee


def test_a_vacuous_promise_is_called_so() -> None:
    """One of four equal nodes: E = 3, and 2 E = 6 is above Tr Sigma = 4; three of four: 2 E = 2."""
    for k, vacuous in ((1, True), (3, False)):
        guarantee = select_best_of(np.eye(4), k, rng=0).guarantee
        assert ("VACUOUS beside Tr(Q Sigma) = 4)" in guarantee) == vacuous


def test_beyond_the_rank_greedy_loses_nothing() -> None:
    x = np.random.default_rng(0).standard_normal((10, 4))
    cov = np.tile(x.T @ x, (2, 2))
    selection = select_best_of(cov, 6, rng=0)
    assert len(set(selection.kept.tolist())) == 6
    assert "numerical rank 4" in selection.guarantee
    loss = information_loss(cov, selection.kept)
    # The block of four independent nodes is solved with error 8 eps cond(block).
    assert loss <= 8 * 8 * EPS * np.linalg.cond(x.T @ x) * np.trace(cov)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="delta"):
        select_best_of(np.eye(3), 1, delta=0.0, rng=0)
    with pytest.raises(ValueError, match="needs output_weights"):
        select_best_of(np.eye(3), 1, theta=0.0, rng=0)
