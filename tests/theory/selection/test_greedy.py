"""Greedy selection: right picks, three twins, the weighted constraint, bad input."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from array_api_compat import array_namespace
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory import (
    InapplicableError,
    information_loss,
    leverage_scores,
    projected_output_weights,
    select_greedy,
)
from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.kernels import greedy_blocks, greedy_cupy, greedy_numba
from pruneproof.theory.selection import greedy as module

EPS = float(np.finfo(np.float64).eps)


def rotated(mu: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Second moment of the given spectrum in a random basis."""
    m = len(mu)
    rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((m, m)))[0]
    cov = (rotation * mu) @ rotation.T
    return (cov + cov.T) / 2


def along(
    cov: NDArray[np.float64],
    picks: NDArray[np.int64],
    tau: NDArray[np.float64],
    theta: float,
    z: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Oracle: 1 - gain(pick)/best gain, and the loss, after each pick of a given path.

    The residual is explicit and in extended precision; Q is formed, so that no line is shared with
    the code under test.
    """
    real = np.longdouble
    s, t = cov.astype(real), tau.astype(real)
    q = real(theta) * np.eye(len(cov), dtype=real)
    if z is not None:
        q = q + (1 - real(theta)) * np.einsum("pi,pj->ij", z.astype(real), z.astype(real))
    sq = s @ q
    start = np.diagonal(cov) + tau
    free = np.ones(len(cov), dtype=bool)
    short, losses = [], []
    for p in picks:
        pivot = np.diagonal(s) + t
        open_ = free & (pivot > 1e-13 * start)
        gain = np.where(open_, np.sum(sq * s, axis=1) / np.where(open_, pivot, 1), -1)
        short.append(float(1 - gain[p] / gain.max()))
        c = s[p] / np.sqrt(pivot[p])
        s = s - np.outer(c, c)
        sq = sq - np.outer(c, q @ c)
        free[p] = False
        losses.append(float(np.sum(s * q)))
    return np.asarray(short), np.asarray(losses)


extended = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="long double is no wider than double here"
)


@extended
@pytest.mark.parametrize("theta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("tau", [0.0, 1e-9])
@pytest.mark.parametrize("decay", ["exponential", "power"])
def test_picks_are_right_down_to_a_residual_of_1e_11(theta: float, tau: float, decay: str) -> None:
    m, k = 100, 94
    j = np.arange(m)
    mu = np.exp(-math.log(1e12) * j / 90) if decay == "exponential" else (1.0 + j) ** -5.0
    cov = rotated(mu, 3)
    z = None if theta == 1.0 else np.random.default_rng(4).standard_normal((110, m))
    ridge = tau * (1.0 + np.arange(m) % 3)
    got = select_greedy(cov, k, ridge=ridge, theta=theta, output_weights=z)
    picks, losses = to_numpy(got.kept), to_numpy(got.losses)
    short, exact = along(cov, picks, ridge, theta, z)
    start = theta * np.trace(cov) + (0 if z is None else (1 - theta) * np.sum((z @ cov) * z))
    if tau == 0.0 and decay == "exponential":
        assert exact[-1] < 1e-11 * start, "the run must reach the residual that is claimed"
    # S carries eps ||Sigma|| an entry, so a gain (a ratio of squares of S) is known to
    # 4 eps sqrt(m) / (what is left); the tracked g adds at most eps sqrt(m) / 1e-10 on top.
    left = np.concatenate([[1.0], exact[:-1] / start])
    allowed = 4 * EPS * math.sqrt(m) / left + EPS * math.sqrt(m) / greedy_numba.STALE
    assert np.all(short <= allowed), (short.max(), np.argmax(short - allowed))
    # Each loss is a difference from the start of k terms: k eps of the start.
    assert np.max(np.abs(losses - exact)) <= k * EPS * start


@extended
def test_without_the_refresh_the_picks_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above has teeth: the GPU twin run with its refresh taken away fails it."""
    m, k = 100, 80
    cov = rotated(np.exp(-math.log(1e12) * np.arange(m) / 90), 3)
    arguments = (cov, np.zeros(m), 1.0, None, k, np.zeros(m), math.inf)
    honest = greedy_cupy.greedy(*arguments, xp=np)[0]
    assert along(cov, honest, np.zeros(m), 1.0, None)[0].max() < 1e-3
    monkeypatch.setattr(greedy_cupy, "STALE", 0.0)
    kept = greedy_cupy._period(
        cov, cov @ cov, np.zeros(m), 1e-13 * np.diagonal(cov), 1.0, None, np.ones(m, dtype=bool),
        np.zeros(m), math.inf, k, np.zeros((k, m)), np.zeros((k, m)), np,
    )[0]  # fmt: skip
    assert along(cov, np.asarray(kept), np.zeros(m), 1.0, None)[0].max() > 0.1


@pytest.mark.parametrize("theta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("tau", [0.0, 0.3])
def test_every_step_beats_every_other_node(family: Any, theta: float, tau: float) -> None:
    """Brute force: the loss of each candidate recomputed from its definition."""
    m, k = 9, 6
    cov = family(m)
    z = np.random.default_rng(1).standard_normal((4, m))
    ridge = tau * (1.0 + np.arange(m))

    def loss(nodes: list[int]) -> float:
        return information_loss(cov, nodes, ridge=ridge[nodes], theta=theta, output_weights=z)

    got = select_greedy(cov, k, ridge=ridge, theta=theta, output_weights=z)
    kept = [int(j) for j in got.kept]
    start = theta * np.trace(cov) + (1 - theta) * np.sum((z @ cov) * z)
    assert len(set(kept)) == k
    assert np.array_equal(got.ridge, ridge[kept])
    for t in range(k):
        best = min(loss([*kept[:t], j]) for j in range(m) if j not in kept[:t])
        reached = loss(kept[: t + 1])
        # Both sides are differences from the start: m eps of it each.
        assert reached <= best + 4 * m * EPS * start
        assert abs(float(got.losses[t]) - reached) <= 4 * m * EPS * start


@settings(max_examples=30)
@given(
    m=st.integers(1, 24),
    share=st.floats(0.0, 1.0),
    theta=st.sampled_from([0.0, 0.3, 1.0]),
    tau=st.sampled_from([0.0, 1e-3]),
    outputs=st.integers(1, 30),
    seed=st.integers(0, 99),
)
def test_the_twins_agree(
    family: Any, m: int, share: float, theta: float, tau: float, outputs: int, seed: int
) -> None:
    cov = family(m, seed)
    rng = np.random.default_rng(seed)
    z = None if theta == 1.0 else rng.standard_normal((outputs, m))
    width = 1 + int(share * (m - 1))
    ridge = tau * rng.integers(0, 2, m)
    arguments = (cov, ridge, theta, z, width, np.zeros(m), math.inf)
    plain = module._greedy_plain(*arguments)
    start = theta * np.trace(cov) + (0 if z is None else (1 - theta) * np.sum((z @ cov) * z))
    rounding = 4 * m * EPS * start
    for twin in (greedy_blocks.greedy(*arguments), greedy_cupy.greedy(*arguments, xp=np)):
        agree_until_a_tie(cov, ridge, theta, z, plain, twin, rounding)


def agree_until_a_tie(
    cov: Any, tau: Any, theta: float, z: Any, one: Any, other: Any, rounding: float
) -> None:
    """Same picks and losses until the first tie, where the two gains are equal to rounding."""
    for t, (a, b) in enumerate(itertools.zip_longest(one[0], other[0], fillvalue=-1)):
        left = one[1][t - 1] if t else math.inf
        before = one[1][t - 1] if t else rounding / (4 * len(cov) * EPS)
        if -1 in (a, b):
            assert left <= 8 * rounding, "one twin stopped early"
            return
        if a != b:
            # Two nodes of equal gain: as losses, they differ by rounding.
            either = [
                information_loss(
                    cov, [*one[0][:t], j], ridge=tau[[*one[0][:t], j]], theta=theta,
                    output_weights=z,
                )
                for j in (a, b)
            ]  # fmt: skip
            # A gain is known to sqrt(m) eps/1e-10 of itself, and no better than the losses.
            slack = math.sqrt(len(cov)) * EPS / greedy_numba.STALE
            assert abs(either[0] - either[1]) <= rounding + slack * (before - min(either))
            return
        assert abs(one[1][t] - other[1][t]) <= rounding


def test_compiled_picks_at_a_size_that_uses_all_paths() -> None:
    """Look-ahead, the whole table, eviction, forced and gain-driven refresh, dropped rows.

    With 400 outputs Q is factored where theta > 0, and with a ridge the table has no room.
    """
    rng = np.random.default_rng(0)
    m = 500
    graded = rng.standard_normal((2 * m, m)) * np.arange(1, m + 1) ** -1.5
    for cov in (graded.T @ graded / (2 * m), rotated(np.exp(-25.0 * np.arange(m) / 200), 1)):
        z = rng.standard_normal((400, m))
        for theta, tau, k, outputs in (
            (1.0, 0.0, 200, 0), (1.0, 0.0, 490, 0), (0.5, 1e-8, 200, 80), (0.0, 0.0, 70, 80),
            (0.5, 0.0, 250, 400), (0.5, 1e-8, 200, 400), (0.0, 0.0, 300, 400),
        ):  # fmt: skip
            weights = z[:outputs] if outputs else None
            arguments = (cov, np.full(m, tau), theta, weights, k, np.zeros(m), math.inf)
            plain = module._greedy_plain(*arguments)
            fast = greedy_blocks.greedy(*arguments)
            start = theta * np.trace(cov)
            start += 0 if weights is None else (1 - theta) * np.sum((z @ cov) * z)
            agree_until_a_tie(
                cov, np.full(m, tau), theta, weights, plain, fast, 4 * m * EPS * start
            )


def test_the_backends_agree(to_backend: Any) -> None:
    m, k = 20, 8
    cov = rotated(np.arange(1.0, m + 1) ** -2, 5)
    z = np.random.default_rng(2).standard_normal((6, m))
    q = np.linspace(1.0, 2.0, m) / np.linspace(1.0, 2.0, m).sum()
    expected = select_greedy(cov, k, ridge=1e-4, theta=0.5, output_weights=z, node_distribution=q)
    got = select_greedy(
        to_backend(cov), k, ridge=to_backend(np.full(m, 1e-4)), theta=0.5,
        output_weights=to_backend(z), node_distribution=to_backend(q),
    )  # fmt: skip
    assert array_namespace(got.kept) is array_namespace(to_backend(cov))
    assert np.array_equal(to_numpy(got.kept), to_numpy(expected.kept))
    assert np.allclose(to_numpy(got.losses), expected.losses, rtol=0, atol=m * EPS * 10)


def test_inputs_are_left_alone() -> None:
    cov = rotated(np.exp(-0.4 * np.arange(70)), 1)
    z, ridge = np.ones((3, 70)), np.full(70, 1e-12)
    kept = [x.copy() for x in (cov, z, ridge)]
    select_greedy(cov, 60, ridge=ridge, theta=0.5, output_weights=z)
    assert all(np.array_equal(a, b) for a, b in zip(kept, (cov, z, ridge)))


def test_greedy_exceeds_the_volume_bound_on_its_witness() -> None:
    """Claim spectral.A2: 36/5 where D6 gives 95/18 and the optimum is 1."""
    cov = np.array([[20.0, 0, 16], [0, 1, 0], [16, 0, 20]])
    z = np.array([[1.0, -1, -1]])
    got = select_greedy(cov, 2, theta=0.0, output_weights=z)
    assert int(got.kept[0]) == 1
    assert float(got.losses[-1]) == pytest.approx(36 / 5, rel=1e-14, abs=0)
    assert information_loss(cov, [0, 2], theta=0.0, output_weights=z) == pytest.approx(1.0)
    assert got.guarantee.startswith("f(J_k) >= (1 - e^{-gam}) f(OPT_k) for f = L(empty) - L and")
    assert got.guarantee.endswith("spectral.D6 is not inherited (spectral.A2)")


@pytest.mark.parametrize("theta", [0.0, 0.5, 1.0])
def test_weak_submodularity_guarantee(family: Any, theta: float) -> None:
    """Claim spectral.S3 against the optimum by enumeration."""
    m, k = 8, 3
    cov, tau = family(m, 3), np.full(m, 0.2)
    z = np.random.default_rng(3).standard_normal((3, m))
    scale = 1 / np.sqrt(np.diagonal(cov) + tau)
    gam = np.linalg.eigvalsh((cov + np.diag(tau)) * scale[:, None] * scale)[0]
    start = theta * np.trace(cov) + (1 - theta) * np.sum((z @ cov) * z)
    best = min(
        information_loss(cov, list(s), ridge=0.2, theta=theta, output_weights=z)
        for s in itertools.combinations(range(m), k)
    )
    got = select_greedy(cov, k, ridge=0.2, theta=theta, output_weights=z)
    gained = start - float(got.losses[-1])
    assert gained >= (1 - math.exp(-gam)) * (start - best) * (1 - 1e-12)


def test_beyond_the_rank_places_are_filled_in_index_order() -> None:
    x = np.random.default_rng(0).standard_normal((30, 5))
    x = np.concatenate([x, x], axis=1)
    got = select_greedy(x.T @ x / 30, 8)
    kept = [int(j) for j in got.kept]
    assert len(set(kept)) == 8
    assert kept[5:] == sorted(set(range(10)) - set(kept[:5]))[:3]
    assert "after 5 nodes, and the last 3 were filled in index order" in got.guarantee
    nothing = select_greedy(np.zeros((4, 4)), 2)
    assert [int(j) for j in nothing.kept] == [0, 1]
    assert np.array_equal(nothing.losses, np.zeros(2))
    q = 1 / np.array([7.0, 7.0, 6.0, 1.0])  # 7 + 7 is above (5/3) 4 * 2 = 13.3
    assert select_greedy(np.zeros((4, 4)), 2, node_distribution=q).kept.tolist() == [0, 2]


def test_the_weighted_constraint_holds_and_binds() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 40)) * np.arange(1, 41) ** -1.0
    cov = x.T @ x / 200
    m, k = 40, 10
    q = leverage_scores(cov, 0.01)
    q = (q / q.sum()) ** 2
    q = q / q.sum()
    z = rng.standard_normal((20, m)) * np.arange(1, m + 1) ** 1.5  # wants the weak nodes
    free = select_greedy(cov, k, theta=0.0, output_weights=z)
    held = select_greedy(cov, k, theta=0.0, output_weights=z, node_distribution=q)
    budget = 5 / 3 * m * k
    assert np.sum(1 / q[to_numpy(free.kept)]) > budget, "the case must bind"
    assert np.sum(1 / q[to_numpy(held.kept)]) <= budget * (1 + 1e-12)
    # Every pick was the best of those which left room for the cheapest others.
    kept = [int(j) for j in held.kept]
    for t in range(k):
        others = [j for j in range(m) if j not in kept[:t]]

        def fits(j: int, t: int = t, others: list[int] = others) -> bool:
            rest = sorted(1 / q[i] for i in others if i != j)[: k - t - 1]
            return sum(1 / q[kept[:t]]) + 1 / q[j] + sum(rest) <= budget

        losses = {
            j: information_loss(cov, [*kept[:t], j], theta=0.0, output_weights=z)
            for j in others
            if fits(j)
        }
        assert losses[kept[t]] <= min(losses.values()) + 1e-12
    plain = module._greedy_plain(cov, np.zeros(m), 0.0, z, k, 1 / q, budget)
    gpu = greedy_cupy.greedy(cov, np.zeros(m), 0.0, z, k, 1 / q, budget, xp=np)
    assert [*plain[0]] == kept == [*gpu[0]]


def test_an_unattainable_constraint_is_refused_with_its_figures() -> None:
    q = np.full(6, 1e-3)
    with pytest.raises(InapplicableError, match=r"no 2 nodes .* = 20.* sum to 2000"):
        select_greedy(np.eye(6), 2, node_distribution=q)
    with pytest.raises(ValueError, match=r"shape \(6,\)"):
        select_greedy(np.eye(6), 2, node_distribution=np.ones(5))
    with pytest.raises(ValueError, match="at least 0"):
        select_greedy(np.eye(6), 2, node_distribution=-np.ones(6))


def test_the_first_versions_objective() -> None:
    """Q = theta I + (1 - theta) R_Z, with R_Z formed from its definition."""
    rng = np.random.default_rng(0)
    cov = rotated(1.0 / np.arange(1, 9), 0)
    z = rng.standard_normal((3, 8))
    projection = z.T @ np.linalg.inv(z @ z.T) @ z
    got = select_greedy(cov, 3, theta=0.5, output_weights=projected_output_weights(z))
    kept = to_numpy(got.kept)
    block = cov[np.ix_(kept, kept)]
    s = cov - cov[:, kept] @ np.linalg.solve(block, cov[kept])
    expected = np.sum((0.5 * np.eye(8) + 0.5 * projection) * s)
    assert float(got.losses[-1]) == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize("scale", [2.0**-900, 2.0**-27, 2.0**27, 2.0**900])
def test_units_do_not_matter(scale: float) -> None:
    cov = rotated(1.0 / np.arange(1, 21), 0)
    z = np.random.default_rng(0).standard_normal((3, 20))
    options: dict[str, Any] = {"theta": 0.5, "output_weights": z}
    expected = select_greedy(cov, 9, ridge=1e-3, **options)
    got = select_greedy(cov * scale, 9, ridge=1e-3 * scale, **options)
    assert np.array_equal(got.kept, expected.kept)
    assert np.allclose(got.losses / scale, expected.losses, rtol=1e-13, atol=0)
    assert np.array_equal(got.ridge, expected.ridge * scale)


GOOD = np.eye(3)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.full((3, 3), np.nan), 1), {}, "NaN or infinite"),
        ((np.diag([1.0, np.inf, 1.0]), 1), {}, "NaN or infinite"),
        ((np.zeros((0, 0)), 1), {}, "empty"),
        ((np.zeros(3), 1), {}, "2 axes"),
        ((np.ones((2, 3)), 1), {}, "square"),
        ((GOOD, 0), {}, "at least 1"),
        ((GOOD, 4), {}, "at most 3"),
        ((GOOD, 1.5), {}, "whole number"),
        ((GOOD, 1), {"ridge": -1.0}, "at least 0"),
        ((GOOD, 1), {"ridge": [1.0, 2.0]}, r"shape \(3,\)"),
        ((GOOD, 1), {"ridge": [1.0, -2.0, 0.0]}, "at least 0"),
        ((GOOD, 1), {"theta": 1.5}, r"\[0, 1\]"),
        ((GOOD, 1), {"theta": -0.1}, r"\[0, 1\]"),
        ((GOOD, 1), {"theta": 0.5}, "output_weights"),
        ((GOOD, 1), {"theta": 0.5, "output_weights": np.ones((2, 4))}, "3 columns"),
        ((np.array([[1.0, 0.5], [0.0, 1.0]]), 1), {}, "not symmetric"),
        ((np.diag([1.0, -1.0]), 1), {}, "not positive semidefinite"),
        ((np.eye(3) * 1j, 1), {}, "real numbers"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        select_greedy(*arguments, **options)


@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_integers_and_float32_are_raised(dtype: type) -> None:
    cov = np.array([[4, 1, 0], [1, 9, 2], [0, 2, 5]]).astype(dtype)
    got = select_greedy(cov, 2)
    expected = select_greedy(cov.astype(np.float64), 2)
    assert got.losses.dtype == np.float64
    assert np.array_equal(got.kept, expected.kept)
    assert np.array_equal(got.losses, expected.losses)
