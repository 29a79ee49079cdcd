"""Uniform bounds on classes small enough that the largest gap can be computed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory import (
    InapplicableError,
    NetworkClass,
    classification_bound,
    compressed_risk,
    covering_number_log,
    fast_bound,
    ramp_lipschitz,
    ramp_loss,
    slow_bound,
)
from pruneproof.theory.bounds.network_class import dyadic_cost

#: Networks x -> w x + b with |w| <= 1, |b| <= 1/2 on |x| <= 1.
LINE = NetworkClass((1, 1), (1.0,), (0.5,), 1.0)


def test_class_figures_by_hand() -> None:
    small = NetworkClass((3, 4, 2), (2.0, 0.5), (1.0, 0.0), 1.5)
    assert small.radii == [1.5, 4.0, 2.0]
    assert small.lipschitz == 0.5 * 2.5 + 5.0
    assert small.parameters == 3 * 4 + 4 + 4 * 2
    by_hand = 12 * math.log(41) + 4 * math.log(21) + 8 * math.log(11)
    assert covering_number_log(small, 0.1) == pytest.approx(by_hand, rel=1e-13)
    grid = covering_number_log(small, np.array([0.1, 1.0]))
    assert grid[0] == pytest.approx(by_hand, rel=1e-13)
    assert grid[1] < grid[0]


def test_a_cover_of_that_size_exists() -> None:
    """A greedy maximal eps-separated set of the disc has at most (1 + 2 R/eps)^2 points."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (20_000, 2))
    points = points[np.linalg.norm(points, axis=1) <= 1]
    for eps in (0.7, 0.3, 0.15):
        centres: list[NDArray[np.float64]] = []
        for p in points:
            if all(np.linalg.norm(p - c) > eps for c in centres):
                centres.append(p)
        cover = NetworkClass((1, 2), (0.0,), (1.0,), 1.0)
        assert math.log(len(centres)) <= covering_number_log(cover, eps)


def test_slow_bound_covers_the_whole_class() -> None:
    """Largest gap over a fine grid of lines, absolute loss |f - y|/2.5 in [0, 1], 200 samples.

    Trials fail at most delta = 1e-4 of the time each, so all of 200 hold but for 2 %; on the
    fixed seed they do, and the bound is not vacuous.
    """
    rng = np.random.default_rng(1)
    n, delta = 5000, 1e-4
    grid = np.array([(w, b) for w in np.linspace(-1, 1, 21) for b in np.linspace(-0.5, 0.5, 11)])
    bound = slow_bound(0.0, LINE, n, lipschitz=0.4, delta=delta)
    assert not bound.vacuous
    x = np.linspace(-1, 1, 4001)
    outputs = grid[:, :1] * x + grid[:, 1:]
    truth = np.mean(np.abs(outputs - np.sign(x)), axis=1) / 2.5
    worst = 0.0
    for _ in range(200):
        drawn = rng.integers(0, x.size, n // 10)  # fewer samples: larger gaps than promised for
        risk = np.mean(np.abs(outputs[:, drawn] - np.sign(x[drawn])), axis=1) / 2.5
        worst = max(worst, float(np.max(truth - risk)))
    tenth = slow_bound(0.0, LINE, n // 10, lipschitz=0.4, delta=delta)
    assert 0 < worst <= tenth.value
    assert tenth.value > bound.value


def test_fast_bound_covers_the_whole_class() -> None:
    """Excess squared risk of every line against 2 E_n + deviation + cover, y = x/2 + noise."""
    rng = np.random.default_rng(2)
    n, delta = 4000, 1e-4
    grid = np.array([(w, b) for w in np.linspace(-1, 1, 21) for b in np.linspace(-0.5, 0.5, 11)])
    excess = (grid[:, 0] - 0.5) ** 2 / 3 + grid[:, 1] ** 2  # E (f - f*)^2 for x uniform on [-1, 1]
    worst = -math.inf
    for _ in range(60):
        x = rng.uniform(-1, 1, n)
        y = 0.5 * x + rng.choice([-1.0, 1.0], n)
        best = np.mean((0.5 * x - y) ** 2)
        for line, true in zip(grid, excess):
            sample = np.mean((line[0] * x + line[1] - y) ** 2) - best
            bound = fast_bound(sample, LINE, n, output_bound=1.5, delta=delta, eps=1e-3)
            assert true <= bound.value
            worst = max(worst, true - 2 * sample)
    assert worst > 0  # the deviation term is not idle


def test_rates_are_slow_and_fast() -> None:
    """Up to the logarithm the slow term falls as n^-1/2, the fast one as n^-1."""
    slow = [slow_bound(0.0, LINE, n, lipschitz=1.0).value for n in (10**6, 10**10)]
    fast = [fast_bound(0.0, LINE, n, output_bound=1.5).value for n in (10**6, 10**10)]
    assert 50 < slow[0] / slow[1] < 100
    assert 5000 < fast[0] / fast[1] < 10_000


def test_radius_is_the_best_of_its_grid_and_may_be_given() -> None:
    best = slow_bound(0.1, LINE, 1000, lipschitz=1.0)
    for eps in np.geomspace(1e-6, 1, 50):
        other = slow_bound(0.1, LINE, 1000, lipschitz=1.0, eps=float(eps))
        assert other.value >= best.value * (1 - 0.01)  # quarter-octave grid: within 1 %
        terms = other.terms
        by_hand = 0.1 + 2 * LINE.lipschitz * eps
        by_hand += math.sqrt((covering_number_log(LINE, float(eps)) + math.log(20)) / 2000)
        assert other.value == pytest.approx(by_hand, rel=1e-12)
        assert terms["empirical"] + terms["cover"] + terms["deviation"] == other.value


def test_fast_bound_by_hand() -> None:
    bound = fast_bound(-0.01, LINE, 500, output_bound=1.5, delta=0.1, eps=0.02)
    nats = math.log(1 + 2 / 0.02) + math.log(1 + 1 / 0.02) + math.log(10)
    deviation = 2 * (16 + 8 / 3) * 2.25 * nats / 500
    assert bound.terms["deviation"] == pytest.approx(deviation, rel=1e-12)
    assert bound.terms["cover"] == pytest.approx((8 + 4) * 1.5 * 2.0 * 0.02, rel=1e-12)
    total = -0.02 + bound.terms["deviation"] + bound.terms["cover"]
    assert bound.value == pytest.approx(total, rel=1e-12)
    assert bound.trivial == 9.0


@given(seed=st.integers(0, 1000), scale=st.floats(1e-9, 1e9))
def test_dyadic_class_holds_its_network(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    weights = [scale * rng.standard_normal((4, 3)), rng.standard_normal((2, 4))]
    bias = rng.standard_normal(4)
    biases = [bias, None]
    held = NetworkClass.from_weights(weights, biases, 2.0)
    norms = [np.linalg.norm(w, 2) for w in weights]
    for norm, radius in zip(norms, held.operator_norms):
        assert norm <= radius
        assert radius <= 2.001 * norm or radius == 2.0**-20
    assert np.linalg.norm(bias) <= held.bias_norms[0] <= 2.001 * np.linalg.norm(bias)
    assert held.bias_norms[1] == 0.0
    logs = [math.log2(r) for r in (*held.operator_norms, held.bias_norms[0])]
    assert all(i.is_integer() for i in logs)
    assert held.union_cost == pytest.approx(sum(dyadic_cost(int(i)) for i in logs), rel=1e-13)
    more = NetworkClass.from_weights(weights, biases, 2.0, width_choices=100)
    assert more.union_cost == pytest.approx(held.union_cost + math.log(100), rel=1e-13)
    free = NetworkClass(held.widths, held.operator_norms, held.bias_norms, 2.0)
    paid = slow_bound(0.0, held, 100, lipschitz=1.0, eps=0.1)
    unpaid = slow_bound(0.0, free, 100, lipschitz=1.0, eps=0.1)
    difference = paid.terms["deviation"] ** 2 - unpaid.terms["deviation"] ** 2
    # A difference of squares of size log N/200.
    slack = 1e-12 * paid.terms["deviation"] ** 2
    assert difference == pytest.approx(held.union_cost / 200, abs=slack)


def test_dyadic_prior_sums_to_one() -> None:
    """Telescoping: the tail beyond |i| = n is (2/3) 2/(n + 2)."""
    n = 1000
    total = math.fsum(math.exp(-dyadic_cost(i)) for i in range(-n, n + 1))
    assert total == pytest.approx(1 - 4 / 3 / (n + 2), rel=1e-12)
    assert NetworkClass.from_weights([np.eye(2)], [None], 1.0).operator_norms == (2.0,)


@given(seed=st.integers(0, 1000), margin=st.floats(0.01, 10.0), classes=st.integers(2, 5))
def test_ramp_bounds_errors_and_is_lipschitz(seed: int, margin: float, classes: int) -> None:
    rng = np.random.default_rng(seed)
    f, g = (rng.standard_normal((30, classes)) for _ in range(2))
    labels = rng.integers(0, classes, 30)
    here, there = ramp_loss(f, labels, margin), ramp_loss(g, labels, margin)
    assert np.all(here >= (np.argmax(f, axis=1) != labels))
    assert np.all((here >= 0) & (here <= 1))
    moved = ramp_lipschitz(margin) * np.linalg.norm(f - g, axis=1)
    assert np.all(np.abs(here - there) <= moved * (1 + 1e-12))


def test_ramp_constant_is_attained() -> None:
    """Moving the label's logit down and the rival's up."""
    f = np.array([[0.5, 0.0, -9.0]])
    g = f + np.array([[-0.1, 0.1, 0.0]])
    change = ramp_loss(g, [0], 1.0)[0] - ramp_loss(f, [0], 1.0)[0]
    assert change == pytest.approx(ramp_lipschitz(1.0) * np.linalg.norm(f - g), rel=1e-12)
    assert ramp_loss([[1.0, 1.0]], [0], 1.0)[0] == 1.0  # a tie counts as an error
    by_hand = ramp_loss([[9.0, 0.0], [2.0, 1.0], [1.0, 2.0]], [0, 0, 0], 4.0)
    assert list(by_hand) == [0.0, 0.75, 1.0]


def test_classification_bound_adds_what_compression_moves() -> None:
    rng = np.random.default_rng(3)
    logits, labels = rng.standard_normal((50, 3)), rng.integers(0, 3, 50)
    wide = NetworkClass((5, 8, 3), (1.0, 1.0), (0.5, 0.5), 1.0)
    plain = classification_bound(logits, labels, wide, margin=0.5)
    moved = classification_bound(logits, labels, wide, margin=0.5, compression_error=0.1)
    assert plain.vacuous
    both = (classification_bound(logits, labels, wide, **a) for a in ({}, {"margin": 1.0}))
    assert next(both) == next(both)
    assert moved.value - plain.value == pytest.approx(math.sqrt(2) / 0.5 * 0.1, rel=1e-10)
    assert plain.terms["empirical"] == pytest.approx(np.mean(ramp_loss(logits, labels, 0.5)))


@given(seed=st.integers(0, 1000))
def test_compressed_risk_is_minkowski(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, f, small = rng.standard_normal((3, 40))
    gap = math.sqrt(np.mean((f - small) ** 2))
    risk = np.mean((f - y) ** 2)
    assert np.mean((small - y) ** 2) <= compressed_risk(risk, gap) * (1 + 1e-12)
    opposite = y - 2.0 * (y - f)  # f - y twice as far: equality
    exact = np.mean((opposite - y) ** 2)
    assert exact == pytest.approx(compressed_risk(risk, math.sqrt(np.mean((opposite - f) ** 2))))


def test_premises_and_shapes() -> None:
    with pytest.raises(InapplicableError, match=r"reach 1\.5, above output_bound 1;"):
        fast_bound(0.0, LINE, 100, output_bound=1.0)
    clipped = fast_bound(0.0, LINE, 100, output_bound=1.0, clipped=True)
    assert clipped.trivial == 4.0
    two = NetworkClass((1, 2), (1.0,), (0.5,), 1.0)
    with pytest.raises(InapplicableError, match="the class has 2"):
        fast_bound(0.0, two, 100, output_bound=9.0)
    with pytest.raises(ValueError, match="widths must be one more than the 1 layers"):
        NetworkClass((1,), (1.0,), (0.5,), 1.0)
    with pytest.raises(ValueError, match="eps must be above 0"):
        covering_number_log(LINE, 0.0)
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.1"):
        ramp_loss([[0.0, 1.0]], [2], 1.0)
    with pytest.raises(ValueError, match="biases must have 2 entries"):
        NetworkClass.from_weights([np.eye(2)], [np.ones(3)], 1.0)


def test_backends_agree(to_backend: Any) -> None:
    logits = np.array([[0.3, 0.1, 0.9], [2.0, -1.0, 0.0]])
    labels = np.array([2, 1])
    here = ramp_loss(to_backend(logits), to_backend(labels), 0.7)
    assert type(here) is type(to_backend(logits))
    expected = ramp_loss(logits, labels, 0.7)
    assert [float(v) for v in here] == pytest.approx(list(expected), rel=1e-14)
    weights = [np.array([[1.0, 2.0], [0.5, 0.1]])]
    held = NetworkClass.from_weights([to_backend(weights[0])], [to_backend(np.ones(2))], 1.0)
    assert held == NetworkClass.from_weights(weights, [np.ones(2)], 1.0)


def test_terms_and_words_are_of_the_radius_and_level_used() -> None:
    """G = X_1 + 1 = 2 for the lines; log N(.02) = log 101 + log 51."""
    nats = math.log(101) + math.log(51)
    slow = slow_bound(0.1, LINE, 400, loss_bound=2.0, lipschitz=0.5, delta=0.1, eps=0.02)
    expected = {
        "empirical": 0.1,
        "cover": 2 * 0.5 * 2 * 0.02,
        "deviation": 2 * math.sqrt((nats + math.log(10)) / 800),
        "eps": 0.02,
        "log_covering_number": nats,
    }
    assert slow.terms == pytest.approx(expected, rel=1e-13, abs=0)
    assert slow.trivial == 2.0
    fast = fast_bound(0.1, LINE, 400, output_bound=1.5, delta=0.1, eps=0.02)
    for bound in (slow, fast):
        assert "w.p. >= 1 - 0.1 over 400 samples; cover radius 0.02" in bound.note
    for name, arguments in ((slow_bound, {"lipschitz": 1.0}), (fast_bound, {"output_bound": 1.5})):
        assert name(0.1, LINE, 9, **arguments) == name(0.1, LINE, 9, delta=0.05, **arguments)
    two = NetworkClass((1, 2), (1.0,), (0.5,), 1.0)
    error = classification_bound([[2.0, 0.0]] * 8, [0] * 8, two, margin=4.0, delta=0.01)
    assert error.terms["empirical"] == 0.5
    assert error.trivial == 1.0
    assert "w.p. >= 1 - 0.01 over 8 samples" in error.note
