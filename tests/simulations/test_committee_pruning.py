"""Pruning rules: laws of the draws by enumeration, refits by their optimality, equal counts."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from pruneproof.simulations.committee import (
    equal_edges,
    fused_outputs,
    keep_edges,
    keep_nodes,
    reweighted_edges,
    unit_rows,
)


def layer(seed: int = 0, units: int = 5, inputs: int = 7):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((units, inputs)), rng.standard_normal(units), rng


def test_node_rules() -> None:
    w, v, rng = layer()
    np.testing.assert_array_equal(
        keep_nodes("importance", w, v, 2), np.sort(np.argsort(-np.abs(v))[:2])
    )
    readers = np.stack([v, 3 * v[::-1]])
    wanted = np.sort(np.argsort(-np.abs(readers).mean(axis=0))[:3])
    np.testing.assert_array_equal(keep_nodes("importance", w, readers, 3), wanted)
    counts: dict[str, dict[tuple[int, ...], int]] = {"random": {}, "dpp": {}}
    for name, found in counts.items():
        for _ in range(2000):
            kept = tuple(int(i) for i in keep_nodes(name, w, v, 2, rng=rng))  # type: ignore[arg-type]
            found[kept] = found.get(kept, 0) + 1
    pairs = list(itertools.combinations(range(5), 2))
    dets = np.array([np.linalg.det((w @ w.T)[np.ix_(p, p)]) for p in pairs])
    for name, law in (("random", np.full(10, 0.1)), ("dpp", dets / dets.sum())):
        share = np.array([counts[name].get(p, 0) for p in pairs]) / 2000
        # 6 binomial standard errors
        assert np.all(np.abs(share - law) < 6 * np.sqrt(law * (1 - law) / 2000) + 1e-12)


def test_edge_rules() -> None:
    w, _, rng = layer()
    for rule in ("random", "importance", "dpp"):
        mask = keep_edges(rule, w, 3, rng=rng)
        np.testing.assert_array_equal(mask.sum(axis=1), 3)
    largest = keep_edges("importance", w, 3)
    for row, kept in zip(np.abs(w), largest):
        assert row[kept].min() > row[~kept].max()
    assert not keep_edges("dpp", w, 0, rng=rng).any()
    share = np.mean([keep_edges("bernoulli", w, 2, rng=rng) for _ in range(500)])
    # 17 500 coins of chance 2/7, 6 standard errors
    assert abs(share - 2 / 7) < 6 * math.sqrt(2 / 7 * 5 / 7 / 17500)


@pytest.mark.parametrize("white", [True, False])
def test_dpp_edges_by_enumeration(white: bool) -> None:
    """P(J) ~ det of diag(w) Sigma diag(w); product of w^2 for white inputs."""
    w, _, rng = layer(1, 1, 5)
    sigma = np.eye(5) if white else np.cov(rng.standard_normal((5, 30)))
    kernel = w[0][:, None] * sigma * w[0]
    pairs = list(itertools.combinations(range(5), 2))
    law = np.array([np.linalg.det(kernel[np.ix_(p, p)]) for p in pairs])
    law /= law.sum()
    moment = None if white else sigma
    draws = [keep_edges("dpp", w, 2, moment=moment, rng=rng)[0] for _ in range(2000)]
    found = [tuple(np.flatnonzero(mask)) for mask in draws]
    share = np.array([found.count(p) for p in pairs]) / 2000
    assert np.all(np.abs(share - law) < 6 * np.sqrt(law * (1 - law) / 2000) + 1e-12)


def test_fused_outputs_are_least_squares() -> None:
    rng = np.random.default_rng(2)
    states, z = rng.standard_normal((60, 6)), rng.standard_normal((2, 6))
    kept = [0, 3, 4]
    wanted = np.linalg.lstsq(states[:, kept], states @ z.T, rcond=None)[0].T
    found = fused_outputs(z, states.T @ states / 60, kept)
    np.testing.assert_allclose(found, wanted, rtol=1e-10)
    np.testing.assert_allclose(fused_outputs(z[0], states.T @ states, kept), wanted[0], rtol=1e-10)


def test_reweighted_edges_are_least_squares_and_nothing_for_white_inputs() -> None:
    w, _, rng = layer(3, 4, 6)
    x = rng.standard_normal((50, 6)) @ rng.standard_normal((6, 6))
    mask = keep_edges("random", w, 3, rng=rng)
    mask[0] = False
    found = reweighted_edges(w, mask, x.T @ x / 50)
    assert not found[~mask].any()
    for row, keep, new in zip(w[1:], mask[1:], found[1:]):
        wanted = np.linalg.lstsq(x[:, keep], x @ row, rcond=None)[0]
        np.testing.assert_allclose(new[keep], wanted, rtol=1e-8)  # condition of x'x times eps
    np.testing.assert_allclose(
        reweighted_edges(w, mask, np.eye(6)), np.where(mask, w, 0.0), rtol=1e-13
    )


def test_equal_counts() -> None:
    # the counts of the published experiments on 6 units of 500 inputs
    assert [equal_edges(k, 6, 500) for k in range(1, 6)] == [83, 166, 250, 333, 417]
    assert equal_edges(6, 6, 500) == 500
    # digits: 64 inputs, 10 readers, 100 units; numbers of parameters within half a unit's edges
    for k in range(20, 101):
        edges = equal_edges(k, 100, 64, readers=10)
        assert abs(k * 74 - 100 * (edges + 10)) <= 50
    with pytest.raises(ValueError, match="fewer than the 1000 output weights"):
        equal_edges(5, 100, 64, readers=10)


def test_bad_arguments() -> None:
    w, v, rng = layer()
    with pytest.raises(ValueError, match="a node rule is one of"):
        keep_nodes("magic", w, v, 2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="an edge rule is one of"):
        keep_edges("magic", w, 2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a layer of 5 units needs outputs"):
        keep_nodes("random", w, v[:3], 2)
    with pytest.raises(ValueError, match="rank"):
        keep_nodes("dpp", np.ones((4, 3)), np.ones(4), 2, rng=rng)
    sparse = np.eye(3)
    with pytest.raises(ValueError, match="unit 0 has 1 inputs of weight other than 0"):
        keep_edges("dpp", sparse, 2, rng=rng)
    with pytest.raises(ValueError, match="need a mask of that shape"):
        reweighted_edges(w, np.ones((2, 2)), np.eye(7))
    np.testing.assert_allclose(np.linalg.norm(unit_rows(w), axis=1), 1.0)
    assert not unit_rows(np.zeros((1, 3))).any()
