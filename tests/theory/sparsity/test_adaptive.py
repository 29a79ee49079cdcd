"""SAP against a literal transcription of its algorithm; where it stops without training."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof import theory
from pruneproof.theory import effective_number

FAMILIES = st.sampled_from(["normal", "cauchy", "flat", "one-hot", "tied", "power", "sparse"])


def literal(w: Any, mask: Any, p: float, q: float, eta: float, gamma: float, beta: float) -> Any:
    """A8 as it is written, with the index."""
    a = np.abs(w[mask])
    if a.size == 0 or not np.any(a):
        return mask
    d = a.size
    index = 1 - d ** (1 / q - 1 / p) * np.sum(a**p) ** (1 / p) / np.sum(a**q) ** (1 / q)
    r = math.ceil(d * (1 + eta) ** (-q / (q - p)) * (1 - index) ** (p * q / (q - p)) * (1 - 1e-9))
    share = max(Fraction(str(gamma)) * (1 - Fraction(r, d)), 0)  # exact: 97 (1 - 96/97) is 1
    c = math.floor(d * min(share, Fraction(str(beta))))
    theta = np.sort(a)[c] if c < d else np.inf
    return mask & ~(np.abs(w) < theta)


@settings(max_examples=25)
@given(
    FAMILIES,
    st.integers(1, 25),
    st.integers(0, 10**6),
    st.sampled_from([(0.5, 1.0), (1.0, 2.0), (0.3, 1.5)]),
    st.sampled_from([0.0, 0.01, 1.0]),
    st.sampled_from([0.5, 1.0, 3.0]),
    st.sampled_from([0.5, 0.9, 1.0]),
)
def test_one_round_is_the_algorithm(
    weights: Any, family: str, d: int, seed: int, orders: Any, eta: float, gamma: float, beta: float
) -> None:
    rows = np.stack([weights(family, d, seed + i) for i in range(3)])
    layers = [rows[:2], rows[2:], np.zeros((1, 2))]
    masks = [np.random.default_rng(seed + i).random(w.shape) < 0.8 for i, w in enumerate(layers)]
    p, q = orders
    arguments = {"p": p, "q": q, "eta": eta, "gamma": gamma, "beta": beta}

    def run(scope: str) -> Any:
        return theory.sap_step(layers, masks, scope=scope, **arguments)

    for found, w, m in zip(run("layer"), layers, masks):
        np.testing.assert_array_equal(found, literal(w, m, *arguments.values()))
    for found, w, m in zip(run("neuron"), layers, masks):
        expected = [literal(a, b, *arguments.values()) for a, b in zip(w, m)]
        np.testing.assert_array_equal(found, expected)
    flat = [np.concatenate([x.reshape(-1) for x in part]) for part in (layers, masks)]
    together = np.concatenate([x.reshape(-1) for x in run("global")])
    np.testing.assert_array_equal(together, literal(*flat, *arguments.values()))


@pytest.mark.parametrize("family", ["normal", "cauchy", "flat", "tied", "power", "one-hot"])
def test_without_training_it_flattens_and_stops(weights: Any, family: str) -> None:
    w = weights(family, 400, 1)
    path = theory.sap_path(w, 500)
    assert np.all(np.diff(path) < 0)
    assert path[-1] >= 1
    left = np.sort(np.abs(w))[-path[-1] :]
    number = theory.effective_number(left, 0.5, 1.0)
    stopped = math.ceil(number * (1 - 1e-9)) == left.size
    nothing_below = theory.sap_count(left) < 1 or left[0] == left[theory.sap_count(left)]
    assert stopped or nothing_below
    if family in ("normal", "cauchy", "power"):  # no ties: exactly ceil(N) = d_t
        assert stopped or left.size == 1
        assert number > left.size - 1


def test_heavy_tailed_weights_flatten() -> None:
    for seed in range(3):
        w = np.random.default_rng(seed).standard_t(3, 10_000)
        path = theory.sap_path(w, 300)
        assert 500 <= path[40] <= 710
        left = np.sort(np.abs(w))[-path[-1] :]
        # 59 to 65 where d (1 - r/d) is rounded and floored one too low
        assert 20 <= left.size <= 60
        assert effective_number(left, 0.5, 1.0) > left.size - 1
        assert 2 <= left[-1] / left[0] <= 6


def test_more_slack_can_prune_everything() -> None:
    w = np.arange(1.0, 11.0)
    assert theory.sap_count(w, gamma=3.0, beta=1.0) <= 10
    assert theory.sap_path(w, 50, eta=1.0, beta=1.0)[-1] == 0 or theory.sap_count(w, eta=1.0) > 0
    assert theory.sap_path(np.ones(7), 5).tolist() == [7]
    assert theory.sap_count(np.zeros(3)) == 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: theory.sap_count([1.0], p=1, q=1), "0 < p < q"),
        (lambda: theory.sap_count([1.0], q=math.inf), "finite"),
        (lambda: theory.sap_count([1.0], beta=1.5), r"beta must lie in \[0, 1\]"),
        (lambda: theory.sap_count([1.0], eta=-1), "eta must be at least 0"),
        (lambda: theory.sap_count([np.nan]), "NaN"),
        (lambda: theory.sap_step([np.ones((1, 2))], scope="row"), "scope must be"),
        (lambda: theory.sap_step([np.ones((1, 2))], [np.ones((1, 3))]), "one mask a layer"),
    ],
)
def test_wrong_arguments(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
