"""Numbers of weights that an index demands and allows; transfers of weight between entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof import theory
from pruneproof.theory import InapplicableError, effective_number, pq_index

FAMILIES = st.sampled_from(["normal", "cauchy", "flat", "one-hot", "tied", "power", "sparse"])
ORDERS = st.sampled_from([(0.5, 1.0), (1.0, 2.0), (0.2, 0.3), (0.7, 3.0), (0.5, np.inf)])


@settings(max_examples=25)
@given(FAMILIES, st.integers(1, 30), st.integers(0, 10**6), ORDERS, st.data())
def test_kept_sets_are_at_least_as_large(
    weights: Any, family: str, d: int, seed: int, orders: Any, data: Any
) -> None:
    w, (p, q) = weights(family, d, seed), orders
    rng = np.random.default_rng(seed)
    kept = rng.permutation(d)[: data.draw(st.integers(1, d))]
    kept = np.union1d(kept, [np.argmax(np.abs(w))])
    bound = theory.retained_bound(w, kept, p, q)
    refined = theory.retained_bound(w, kept, p, q, refined=True)
    # exponents up to q/(q-p) = 3 multiply the logarithms' 1e-15
    slack = 1 + 1e-12
    assert bound.value <= refined.value * slack <= kept.size * slack**2
    a = np.abs(w) ** p
    eta = (a.sum() - a[kept].sum()) / a[kept].sum()
    assert bound.terms["eta"] == pytest.approx(eta, rel=1e-9, abs=1e-12)


def test_equality_for_flat_kept_entries() -> None:
    w = np.array([2.0, 2, 2, 0, 0])
    assert theory.retained_bound(w, [0, 1, 2], 0.5, 1).value == pytest.approx(3, rel=1e-14, abs=0)
    small = np.array([2.0, 2, 2, 0.5, 0.1])
    found = theory.retained_bound(small, [0, 1, 2], 0.5, 1, refined=True)
    # refined, what is lost does not matter
    assert found.value == pytest.approx(3, rel=1e-13, abs=0)


def test_mass_beyond_floats() -> None:
    w = [1e200, 1e-200]
    assert theory.retained_mass(w, [1], 2.0) == np.inf
    assert theory.retained_bound(w, [1], 2.0, 3.0).value == 0.0


@settings(max_examples=25)
@given(
    FAMILIES,
    st.integers(1, 40),
    st.integers(0, 10**6),
    st.floats(0.01, 5),
    st.floats(0.3, 2),
    st.floats(0.1, 0.95),
    st.floats(1.1, 4),
)
def test_least_number_is_between_necessary_and_sufficient(
    weights: Any, family: str, d: int, seed: int, eta: float, p: float, below: float, above: float
) -> None:
    w = weights(family, d, seed)
    least = theory.least_count(w, eta, p)
    order = np.argsort(-np.abs(w), kind="stable")
    assert theory.retained_mass(w, order[:least], p) <= eta * (1 + 1e-12)
    if least > 1:
        assert theory.retained_mass(w, order[: least - 1], p) > eta * (1 - 1e-12)
    enough = theory.sufficient_count(w, eta, below * p, p)
    assert theory.necessary_count(w, eta, p, above * p) <= least * (1 + 1e-11)
    assert least <= enough
    assert theory.retained_mass(w, order[:enough], p) <= eta * (1 + 1e-12)


def test_pruning_to_the_necessary_number_loses_more_than_asked() -> None:
    for law, low, high in (("normal", 0.05, 0.066), ("uniform", 0.035, 0.045)):
        rng = np.random.default_rng(0)
        w = rng.standard_normal(20_000) if law == "normal" else rng.uniform(-1, 1, 20_000)
        r = int(np.ceil(theory.necessary_count(w, 0.0, 0.5, 1.0)))
        kept = np.argsort(-np.abs(w))[:r]
        assert low < theory.retained_mass(w, kept, 0.5) < high  # .058 and .04, not 0


@settings(max_examples=20)
@given(
    st.sampled_from(["normal", "cauchy", "tied", "power"]),
    st.integers(2, 20),
    st.integers(0, 10**6),
    ORDERS,
)
def test_axioms(weights: Any, family: str, d: int, seed: int, orders: Any) -> None:
    w, (p, q) = weights(family, d, seed), orders
    index = pq_index(w, p, q)
    # 1 - I carries units of rounding times its logarithm
    close = {"rel": 0.0, "abs": 1e-13}
    assert 0 <= index <= 1 - d ** (1 / q - 1 / p) + 1e-13
    assert pq_index(-3.0 * w, p, q) == pytest.approx(index, **close)
    assert pq_index(np.concatenate([w, w]), p, q) == pytest.approx(index, **close)
    assert pq_index(np.append(w, 0.0), p, q) >= index
    assert pq_index(np.abs(w) + 1.0, p, q) <= index + 1e-13
    if q < np.inf:
        i = seed % d
        risen = np.abs(w)
        start = risen[i] + theory.bill_gates_threshold(w, i, p, q)
        found = []
        for growth in (1.0, 1.5, 4.0):
            risen[i] = start * growth
            found.append(pq_index(risen, p, q))
        assert found[0] <= found[1] + 1e-13 <= found[2] + 2e-13


def test_robin_hood_needs_orders_around_one() -> None:
    w = np.array([10.0, 2.0, 1.0])
    before, after = pq_index(w, 2, 4), pq_index(theory.robin_hood(w, 1, 2, 0.5), 2, 4)
    assert (round(before, 4), round(after, 4)) == (0.2217, 0.2235)
    crowd = np.concatenate([[2.0, 1.0], np.full(100_000, 1e-6)])
    before = pq_index(crowd, 0.3, 0.9)
    after = pq_index(theory.robin_hood(crowd, 0, 1, 0.5), 0.3, 0.9)
    assert (round(before, 4), round(after, 4)) == (0.9030, 0.9035)
    rng = np.random.default_rng(0)
    for p, q in [(0.5, 1), (1, 2), (0.2, 3), (1, np.inf)]:
        for _ in range(50):
            w = np.sort(rng.standard_cauchy(6) ** 2)
            taken = theory.robin_hood(w, 5, 1, rng.random() * (w[5] - w[1]) / 2)
            assert pq_index(taken, p, q) <= pq_index(w, p, q) + 1e-13
            assert effective_number(taken, p, q) >= effective_number(w, p, q) * (1 - 1e-12)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (
            lambda: theory.retained_bound([1.0, 0], [1], 0.5, 1),
            ValueError,
            "only entries that are 0",
        ),
        (lambda: theory.sufficient_count([1.0], 0.0, 0.5, 1), ValueError, "eta must be above 0"),
        (lambda: theory.sufficient_count([1.0], 1.0, 1, 0.5), ValueError, "0 < u < p"),
        (lambda: theory.least_count([0.0], 1.0, 1), ValueError, "no entry other than 0"),
        (lambda: theory.least_count([1.0, 2.0], 1.0, -1), ValueError, "p must lie strictly"),
        (lambda: theory.least_count([1.0, 2.0], 1.0, np.nan), ValueError, "p must be finite"),
        (lambda: theory.retained_mass([1.0, 2.0], [0], -1), ValueError, "p must lie strictly"),
        (lambda: theory.retained_mass([1.0, 2.0], [0], np.inf), ValueError, "p must be finite"),
        (lambda: theory.robin_hood([3.0, 1], 0, 1, 1.5), ValueError, "half the difference"),
        (
            lambda: theory.bill_gates_threshold([3.0, 0], 0, 1, 2),
            InapplicableError,
            "other entries",
        ),
    ],
)
def test_wrong_arguments(call: Any, error: Any, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()
