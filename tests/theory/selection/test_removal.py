"""Backward removal: each step against brute force, losses against their definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from array_api_compat import array_namespace

from pruneproof.theory import information_loss, select_backward
from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.selection.greedy import checked
from pruneproof.theory.selection.removal import _remove

EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize("theta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("tau", [0.0, 0.3])
def test_every_removal_is_the_cheapest(family: Any, theta: float, tau: float) -> None:
    """Brute force over the removals, re-run at every width so that the path is known."""
    m = 9
    cov, ridge = family(m), tau * (1.0 + np.arange(m) % 2)
    z = np.random.default_rng(1).standard_normal((4, m))
    start = theta * np.trace(cov) + (1 - theta) * np.sum((z @ cov) * z)
    # A removal is priced to eps times the condition of the block at unit diagonal, here at most
    # e^24 for the ill-conditioned family, of what it costs; losses are known to m eps of the start.
    rounding = 8 * m * EPS * start
    scale = 1 / np.sqrt(np.diagonal(cov) + ridge)
    scaled = (cov + np.diag(ridge)) * scale[:, None] * scale
    relative = 8 * m * EPS * min(np.linalg.cond(scaled), 1 / (m * EPS))

    def loss(nodes: list[int]) -> float:
        return information_loss(cov, nodes, ridge=ridge[nodes], theta=theta, output_weights=z)

    options: dict[str, Any] = {"ridge": ridge, "theta": theta, "output_weights": z}
    whole = select_backward(cov, 1, **options)
    before = list(range(m))
    for k in range(m - 1, 0, -1):
        got = select_backward(cov, k, **options)
        kept = [int(j) for j in got.kept]
        assert kept == sorted(set(kept))
        assert len(kept) == k
        assert set(kept) < set(before), "removals are nested"
        assert got.losses.shape == (m - k,)
        best = min(loss([i for i in before if i != j]) for j in before)
        assert loss(kept) <= best * (1 + relative) + rounding
        # L is a sum of the removals since the last inverse, each exact to `relative`.
        assert abs(float(got.losses[-1]) - loss(kept)) <= rounding + relative * loss(kept)
        assert float(whole.losses[m - 1 - k]) == float(got.losses[-1])
        before = kept


def test_updates_agree_with_a_fresh_inverse_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from pruneproof.theory.selection import removal

    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 60)) @ rng.standard_normal((60, 60))
    problem = checked(x.T @ x / 120, 5, 1e-3, 0.5, rng.standard_normal((10, 60)))
    kept, losses = _remove(problem, list(range(60)))
    monkeypatch.setattr(removal, "REFRESH", 2.0)  # a fresh inverse before every removal
    again, expected = _remove(problem, list(range(60)))
    assert kept == again
    assert np.allclose(losses, expected, rtol=1e-9, atol=0)


def test_singular_start_drops_what_the_rest_explains() -> None:
    x = np.random.default_rng(0).standard_normal((30, 4))
    x = np.concatenate([x, 2 * x, np.zeros((30, 1))], axis=1)
    cov = x.T @ x / 30
    got = select_backward(cov, 3)
    assert "5 nodes left" in got.guarantee
    assert np.all(np.abs(got.losses[:5]) <= 9 * EPS * np.trace(cov))
    assert float(got.losses[5]) == pytest.approx(information_loss(cov, got.kept), rel=1e-10, abs=0)
    all_rank = select_backward(cov, 7)  # wider than the rank: two of the spare nodes leave
    assert all_rank.width == 7
    assert all_rank.losses.shape == (2,)
    assert select_backward(np.zeros((3, 3)), 2).width == 2


def test_all_nodes_kept_is_no_removal() -> None:
    got = select_backward(np.eye(3), 3)
    assert list(got.kept) == [0, 1, 2]
    assert got.losses.shape == (0,)


def test_the_backends_agree(to_backend: Any) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((50, 12)) @ rng.standard_normal((12, 12))
    cov, z = x.T @ x / 50, rng.standard_normal((3, 12))
    expected = select_backward(cov, 4, ridge=0.1, theta=0.3, output_weights=z)
    got = select_backward(to_backend(cov), 4, ridge=0.1, theta=0.3, output_weights=to_backend(z))
    assert array_namespace(got.kept) is array_namespace(to_backend(cov))
    assert np.array_equal(to_numpy(got.kept), to_numpy(expected.kept))
    assert np.allclose(to_numpy(got.losses), expected.losses, rtol=1e-10, atol=0)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.eye(3), 0), {}, "at least 1"),
        ((np.eye(3), 4), {}, "at most 3"),
        ((np.eye(3), 1), {"ridge": -1.0}, "at least 0"),
        ((np.eye(3), 1), {"theta": 0.5}, "output_weights"),
        ((np.diag([1.0, -1.0]), 1), {}, "not positive semidefinite"),
        ((np.full((2, 2), np.nan), 1), {}, "NaN"),
    ],
)
def test_bad_input_is_refused(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        select_backward(*arguments, **options)
