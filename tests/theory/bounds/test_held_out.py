"""Held-out and Occam bounds: coverage by exact binomial sums, no simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr
from scipy.stats import binom

from pruneproof.theory import (
    Bound,
    description_length_bound,
    held_out_bound,
    holdout_transfer_bound,
    occam_bound,
    occam_kl_bound,
    uncompressed_risk,
)
from pruneproof.theory.bounds.held_out import kl_divergence, kl_inverse

EPS = float(np.finfo(np.float64).eps)


@given(n=st.integers(1, 3000), share=st.floats(0, 1), delta=st.floats(1e-6, 0.5))
def test_clopper_pearson_solves_the_binomial_tail(n: int, share: float, delta: float) -> None:
    k = round(share * n)
    bound = held_out_bound(k, n, delta=delta)
    if k == n:
        assert bound.value == 1.0
        assert bound.vacuous
    else:
        assert binom.cdf(k, n, bound.value) == pytest.approx(delta, rel=1e-9)
        assert bound.value > k / n
    if k == 0:
        assert bound.value == pytest.approx(-math.expm1(math.log(delta) / n), rel=1e-11)


def test_one_failure_in_twenty_is_the_default() -> None:
    occam: dict[str, Any] = {"size": 7, "nonzeros": 3, "bits": 8}
    for bound, first, arguments in (
        (held_out_bound, 3, {}),
        (holdout_transfer_bound, 0.5, {"bound": 2.0}),
        (occam_bound, 0.5, occam),
        (occam_kl_bound, 0.5, occam),
        (description_length_bound, 0.5, {"bits": 8}),
    ):
        assert bound(first, 12, **arguments) == bound(first, 12, delta=0.05, **arguments)


def test_no_bound_is_called_certain() -> None:
    """1 - 1e-7 would print as 1."""
    assert held_out_bound(0, 10, delta=1e-7).note.startswith("error rate, w.p. >= 1 - 1e-07 over")


def test_clopper_pearson_covers_exactly() -> None:
    n, delta = 25, 0.1
    limits = np.array([held_out_bound(k, n, delta=delta).value for k in range(n + 1)])
    missed = [np.sum(binom.pmf(range(n + 1), n, p)[limits < p]) for p in np.linspace(0, 1, 2001)]
    assert max(missed) <= delta * (1 + 1e-9)
    assert max(missed) > 0.9 * delta  # and it is not idle


@pytest.mark.parametrize("n", [10, 200])
@pytest.mark.parametrize("delta", [0.3, 0.01])
def test_transfer_covers_two_point_laws_exactly(n: int, delta: float) -> None:
    """g^2 in {0, B^2}: the worst law for a given mean; failure probability summed exactly."""
    values = [holdout_transfer_bound(4.0 * k / n, n, bound=2.0, delta=delta) for k in range(n + 1)]
    limits = np.array([b.value for b in values])
    for p in np.linspace(0.001, 1, 500):
        assert np.sum(binom.pmf(range(n + 1), n, p)[limits < 4.0 * p]) <= delta
    assert values[0].trivial == 4.0
    with pytest.raises(ValueError, match="above bound"):
        holdout_transfer_bound(5.0, n, bound=2.0)


def test_transfer_by_hand() -> None:
    bound = holdout_transfer_bound(0.5, 100, bound=2.0, delta=math.exp(-3))
    assert bound.terms["empirical"] == 1.0
    assert bound.terms["deviation"] == pytest.approx(2 * 4 * 3 / 100, rel=1e-13)
    assert bound.value == bound.terms["empirical"] + bound.terms["deviation"]


def test_uncompressed_risk_adds_the_root() -> None:
    transfer = holdout_transfer_bound(0.02, 1000, bound=1.0)
    bound = uncompressed_risk(Bound("spectral.G1", 0.3, 1.0), transfer, lipschitz=2.0)
    assert bound.value == pytest.approx(0.3 + 2 * math.sqrt(transfer.value), rel=1e-14)
    assert bound.terms["compressed"] + bound.terms["transfer"] == bound.value


@given(
    risk=st.floats(0, 1),
    n=st.integers(1, 100_000),
    size=st.integers(1, 60),
    data=st.data(),
)
def test_occam_price_is_the_count_of_predictors(risk: float, n: int, size: int, data: Any) -> None:
    s = data.draw(st.integers(0, size))
    plain = occam_bound(risk, n, size=size, nonzeros=s, bits=8, delta=0.05)
    nats = math.log(math.comb(size, s) * 2 ** (8 * s) * (size + 1)) + math.log(20)
    assert plain.value == pytest.approx(risk + math.sqrt(nats / (2 * n)), rel=1e-11)
    sharp = occam_kl_bound(risk, n, size=size, nonzeros=s, bits=8, delta=0.05)
    assert risk <= sharp.value <= min(1.0, plain.value) * (1 + 1e-12)


@pytest.mark.parametrize("n", [5, 60])
@pytest.mark.parametrize("delta", [0.2, 0.01])
def test_occam_covers_one_predictor_exactly(n: int, delta: float) -> None:
    """d = 1, s = 1, no bits: the price is ln 2 + ln 1/delta, so failures are below delta/2."""
    for bound in (occam_bound, occam_kl_bound):
        limits = np.array(
            [bound(k / n, n, size=1, nonzeros=1, bits=0, delta=delta).value for k in range(n + 1)]
        )
        for p in np.linspace(0, 1, 301):
            assert np.sum(binom.pmf(range(n + 1), n, p)[limits < p]) <= delta / 2


@given(q=st.floats(0, 1), nats=st.floats(0, 5))
def test_kl_inverse_inverts(q: float, nats: float) -> None:
    p = kl_inverse(q, nats)
    assert q <= p <= 1
    if q < p < 1:
        found = float(rel_entr(q, p) + rel_entr(1 - q, 1 - p))
        assert kl_divergence(q, p) == pytest.approx(found, rel=1e-12, abs=1e-15)
        slope = (p - q) / (p * (1 - p))  # p itself is a float, so kl moves by slope * eps
        assert found == pytest.approx(nats, rel=1e-12, abs=4 * EPS * (1 + slope))
    if p == q:
        assert nats <= 2 * EPS or q == 1


def test_divergence_of_coins_that_never_or_always_fall() -> None:
    log2 = math.log(2)
    assert kl_divergence(1.0, 0.5) == pytest.approx(log2, rel=2 * EPS, abs=0)
    assert kl_divergence(0.0, 0.5) == pytest.approx(log2, rel=2 * EPS, abs=0)
    assert kl_divergence(0.0, 0.0) == kl_divergence(1.0, 1.0) == 0.0
    assert kl_divergence(0.5, 0.0) == kl_divergence(0.5, 1.0) == math.inf


def test_size_check_of_a_code() -> None:
    """Empirical .02 and target .5 need .595 n nats: 1.07 kbit at n = 1257, delta = .05."""
    assert kl_divergence(0.02, 0.5) == pytest.approx(0.595, abs=5e-4)
    assert description_length_bound(0.02, 1257, bits=1065).value < 0.5
    assert description_length_bound(0.02, 1257, bits=1075).value > 0.5


def test_wrong_figures_are_refused() -> None:
    with pytest.raises(ValueError, match="errors must be at least 0 and at most 10, but is 11"):
        held_out_bound(11, 10)
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        occam_bound(1.5, 10, size=2, nonzeros=1, bits=8)
    with pytest.raises(ValueError, match="nonzeros must be at least 0 and at most 2"):
        occam_bound(0.5, 10, size=2, nonzeros=3, bits=8)
    with pytest.raises(ValueError, match="delta must lie strictly between"):
        held_out_bound(1, 10, delta=1.0)


def test_terms_trivial_values_and_words_by_hand() -> None:
    """Every part that is shown; at no bits and d = s = 1 the price is log 2 + log 1/delta."""
    rate = held_out_bound(3, 12, delta=0.1)
    assert rate.terms == {"empirical": 0.25, "deviation": rate.value - 0.25}
    fresh = holdout_transfer_bound(0.5, 100, bound=2.0, delta=0.1)
    assert (fresh.trivial, fresh.terms["empirical"]) == (4.0, 1.0)
    whole = uncompressed_risk(Bound("spectral.G1", 0.3, 0.9, note="left"), fresh, lipschitz=2.0)
    step = 2 * math.sqrt(fresh.value)
    assert whole.terms == pytest.approx({"compressed": 0.3, "transfer": step}, rel=1e-14, abs=0)
    assert whole.trivial == 0.9
    assert whole.note == f"risk of the unpruned network; left; {fresh.note}"
    parts = {
        "places": math.log(math.comb(7, 3)),
        "values": 3 * 8 * math.log(2),
        "sparsity": math.log(8),
        "confidence": math.log(10),
    }
    price = sum(parts.values())
    arguments: dict[str, Any] = {"size": 7, "nonzeros": 3, "bits": 8, "delta": 0.1}
    plain, sharp = occam_bound(0.2, 50, **arguments), occam_kl_bound(0.2, 50, **arguments)
    code = description_length_bound(0.2, 50, bits=8, delta=0.1)
    for bound, nats in (
        (plain, parts | {"empirical": 0.2, "deviation": math.sqrt(price / 100)}),
        (sharp, parts | {"empirical": 0.2, "deviation": kl_inverse(0.2, price / 50) - 0.2}),
        (
            code,
            {
                "code": 8 * math.log(2),
                "confidence": math.log(20 * math.sqrt(50)),
                "empirical": 0.2,
                "deviation": code.value - 0.2,
            },
        ),
    ):
        assert bound.terms == pytest.approx(nats, rel=1e-12, abs=0)  # lgamma errs by some eps
        assert bound.trivial == 1.0
    nats = 8 * math.log(2) + math.log(20 * math.sqrt(50))
    assert code.value == pytest.approx(kl_inverse(0.2, nats / 50), rel=1e-13, abs=0)
    for bound, samples in ((rate, 12), (fresh, 100), (plain, 50), (sharp, 50), (code, 50)):
        assert f"w.p. >= 1 - 0.1 over {samples} " in bound.note
