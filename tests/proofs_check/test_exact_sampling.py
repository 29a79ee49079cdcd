"""Failure probabilities and independent draws without rounding, against plain listings."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.proofs_check.checkers.exact import exact
from pruneproof.proofs_check.exact import draws, failures
from pruneproof.proofs_check.exact.layers import whole_layers
from pruneproof.proofs_check.exact.rational import has_flint, matrix, rational
from pruneproof.proofs_check.exact.sampling import (
    failure_floor,
    failure_probability,
    least_draws,
    log_bracket,
    paper_width,
    union_bound,
)

needs_flint = pytest.mark.skipif(not has_flint(), reason="python-flint is not installed")
PLAIN = [pytest.param(True, id="Fraction"), pytest.param(False, id="fmpq", marks=needs_flint)]


def _holds(parts: Any) -> list[bool | None]:
    return [part.hold for part in parts]


def _by_listing(nodes: int, width: int, least: int) -> Fraction:
    """Failure probability by all nodes^width sequences of draws."""
    sequences = itertools.product(range(nodes), repeat=width)
    failed = sum(min(d.count(j) for j in range(nodes)) < least for d in sequences)
    return Fraction(failed, nodes**width)


@pytest.mark.parametrize("plain", PLAIN)
@pytest.mark.parametrize(("nodes", "width"), [(1, 4), (2, 9), (3, 8), (4, 7)])
def test_failure_probabilities_are_those_of_a_listing(nodes: int, width: int, plain: bool) -> None:
    leverage = Fraction(99, 100)
    least = least_draws(nodes, leverage, width, Fraction(4))
    value = failure_probability(nodes, leverage, width, plain=plain)
    assert value == _by_listing(nodes, width, least)
    if nodes > 1:
        assert failure_floor(nodes, leverage, width) <= value <= union_bound(nodes, leverage, width)


@needs_flint
def test_two_ways_to_a_failure_probability() -> None:
    for nodes, width in ((5, 60), (8, 75)):
        args = (nodes, Fraction(95, 100), width)
        assert failure_probability(*args) == failure_probability(*args, plain=True) > 0


@needs_flint
def test_figures_of_flat_families() -> None:
    """All digits that the statement of the law gives."""
    leverage, delta = Fraction(99, 100), Fraction(1, 5)

    def width(nodes: int, factor: Fraction) -> int:
        return paper_width(nodes, leverage, factor=factor, delta=delta)

    assert width(20, Fraction(5)) == theory.paper_width(np.full(20, 99.0), 1.0) == 730
    assert least_draws(20, leverage, 730, Fraction(4)) == 9
    assert f"{float(failure_probability(20, leverage, 730)):.7e}" == "1.5577765e-07"
    figures = {
        Fraction(1): ("0.473", "0.504"),
        Fraction(5, 4): ("0.101", "0.101"),
        Fraction(3, 2): ("0.077", "0.073"),
    }
    for factor, printed in figures.items():
        for nodes, figure in zip((80, 120), printed, strict=True):
            value = failure_probability(nodes, leverage, width(nodes, factor))
            assert f"{float(value):.3f}" == figure
            assert value > Fraction(1, 15)
    value = failure_probability(80, leverage, width(80, Fraction(2)))
    assert f"{float(value):.3f}" == "0.011"


def test_twice_in_place_of_five_times_dies_far_out() -> None:
    nodes, leverage = 891250, Fraction(999, 1000)
    k = paper_width(nodes, leverage, factor=Fraction(2), delta=Fraction(1, 5))
    assert (k, least_draws(nodes, leverage, k, Fraction(4))) == (32197877, 10)
    floor = failure_floor(nodes, leverage, k)
    assert f"{float(floor):.4f}" == "0.0669"
    assert floor > Fraction(1, 15)
    finer = failure_floor(nodes, leverage, k, bits=512)
    assert 0 <= finer - floor < Fraction(1, 2**200)


def test_logarithms_are_enclosed() -> None:
    for x in (Fraction(1), Fraction(7, 5), Fraction(1584), Fraction(10**9, 7)):
        low, high = log_bracket(x)
        assert low <= high < low + Fraction(1, 10**25)
        assert float(low) == pytest.approx(math.log(x), rel=1e-15, abs=1e-300)


def test_draws_by_leverage_without_their_multiplicity_are_refuted() -> None:
    layer, lam = whole_layers(3, 2020)[0], rational(Fraction(1, 3))
    assert all(_holds(draws.leverage_sampling(layer, lam, 3)))
    parts = list(draws.leverage_sampling(layer, lam, 3, multiplicity=False))
    repeated = [part.part for part in parts if not part.hold]
    assert len(repeated) == 9  # of 10 multisets of three draws one has three nodes
    with pytest.raises(ValueError, match="has no samples"):
        list(draws.leverage_sampling(replace(layer, samples=None), lam, 3))


def test_the_mean_of_leverage_draws_is_lam_h_for_one_node() -> None:
    lone, lam = whole_layers(1, 2020)[0], rational(Fraction(1, 3))
    assert _holds(draws.mean_of_draws(lone, lam, 3)) == [True]
    larger = rational(Fraction(10**15 + 1, 10**15))
    assert _holds(draws.mean_of_draws(lone, lam, 3, constant=larger)) == [False]
    for layer in whole_layers(3, 2020):
        assert _holds(draws.mean_of_draws(layer, lam, 2)) == [True]


def test_the_mean_of_sampled_degrees_attains_its_ends() -> None:
    """One point: E = N_P at n = 1; a point seldom drawn: the variance, nearly."""
    one, lam = rational(1), rational(Fraction(3))
    lone = draws.Population("lone", matrix([[2]]), (one,))
    variance, upper, lower = draws.sampled_degrees(lone, lam, 2)
    assert (variance.lhs, upper.lhs) == (0, upper.rhs)
    assert lower.lhs < lower.rhs
    assert _holds(draws.sampled_degrees(lone, lam, 2, upper=rational(0.95))) == [True, False, True]
    rare = rational(Fraction(1, 1000))
    seldom = draws.Population("seldom", matrix([[0], [1000]]), (1 - rare, rare))
    lowered = draws.sampled_degrees(seldom, rare, 1, variance=rational(0.95))
    assert _holds(lowered) == [False, True, True]
    parts = _holds(draws.sampled_degrees(seldom, rare, 1, largest=rational(0)))
    assert parts == [True, True, False]


def test_multisets_have_probabilities_that_sum_to_one() -> None:
    chances = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
    listed = list(draws.multisets(chances, 4))
    assert len(listed) == 15
    assert sum(chance for _, chance in listed) == 1
    assert dict(listed[1][0]) == {0: 3, 1: 1}
    assert listed[1][1] == 4 * Fraction(1, 24)


def test_what_the_flat_family_kills_is_told() -> None:
    evidence = exact("spectral.P1", budget="quick")
    assert evidence is not None
    kept = {
        name: [found["kept"] for found in fates]
        for name, fates in evidence.details["mutants"].items()
    }
    assert kept == {
        "5 -> 1": [False, False],
        "5 -> 1.25": [False, False],
        "5 -> 1.5": [False, False],
        "5 -> 2": [True, True, False],
    }


@needs_flint
def test_a_wrong_probability_of_the_theory_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(wanted: list[failures.Failure]) -> list[Fraction | None]:
        return [found.low * Fraction(999, 1000) for found in wanted]

    monkeypatch.setattr(failures, "theory_probabilities", wrong)
    evidence = exact("laws.L4", budget="quick")
    assert evidence is not None
    assert evidence.word == "REFUTED"
    assert evidence.witness is not None
    assert evidence.witness["width"] == 730


def test_a_promise_that_is_not_kept_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "PROMISED", Fraction(1, 10**7))
    evidence = exact("spectral.P1", budget="quick")
    assert evidence is not None
    assert evidence.word == "REFUTED"
    assert evidence.witness is not None
    assert evidence.witness["nodes"] == 20


@needs_flint
def test_the_theory_has_the_same_probabilities() -> None:
    stated = pytest.importorskip("pruneproof.theory.failure")
    for nodes, leverage, width in ((3, Fraction(9, 10), 20), (20, Fraction(99, 100), 730)):
        value = failure_probability(nodes, leverage, width)
        assert stated.failure_probability(nodes, leverage, width) == value
        floor = stated.failure_floor(nodes, leverage, width)
        assert floor <= value
        assert floor == pytest.approx(float(failure_floor(nodes, leverage, width)), rel=1e-9)
    far = (891250, Fraction(999, 1000), 32197877)
    assert stated.failure_floor(*far) == pytest.approx(float(failure_floor(*far)), rel=1e-6)
