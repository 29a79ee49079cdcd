"""Leverage sampling: events counted over seeded draws against their stated probabilities."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory import (
    InapplicableError,
    bernoulli_probabilities,
    degrees_of_freedom,
    drawing_constant,
    drawing_width,
    effective_dimension,
    inverse_probability_bound,
    leverage_bound,
    leverage_scores,
    paper_bound,
    paper_ridge,
    paper_width,
    sampling_bound,
    sampling_events,
    sampling_floor,
    sampling_level,
    sampling_width,
    smoother,
    volume_ridge,
)

#: False-alarm level of each statistical test below: they run on fixed seeds.
ALARM = 1e-6


def allowed_failures(trials: int, probability: float) -> int:
    """Most failures a law with this failure probability shows but for an ALARM fraction."""
    from scipy.stats import binom

    return int(binom.isf(ALARM, trials, probability))


def multiset_residual(
    cov: NDArray[np.float64], draws: NDArray[np.int64], ridge: NDArray[np.float64]
) -> NDArray[np.float64]:
    """S_J of repeated columns, straight from the definition."""
    block = cov[np.ix_(draws, draws)] + np.diag(ridge)
    return cov - cov[:, draws] @ np.linalg.solve(block, cov[draws])


def loewner_range(
    s: NDArray[np.float64], cov: NDArray[np.float64], lam: float
) -> tuple[float, float]:
    """Least and largest eigenvalue of S relative to lam H, on a nonsingular cov."""
    from scipy.linalg import eigh

    values = eigh((s + s.T) / 2, lam * smoother(cov, lam), eigvals_only=True)
    return float(values[0]), float(values[-1])


def power_law(m: int, exponent: float, *, rotated: bool = True) -> NDArray[np.float64]:
    mu = np.arange(1.0, m + 1) ** -exponent
    if not rotated:
        return np.diag(mu)
    u = np.linalg.qr(np.random.default_rng(5).standard_normal((m, m)))[0]
    cov = (u * mu) @ u.T
    return np.asarray((cov + cov.T) / 2)


LAYERS = {
    "flat": np.eye(12),
    "localised": power_law(16, 1.5, rotated=False),
    "rotated": power_law(16, 1.0),
}


@pytest.mark.parametrize(
    ("k", "dof"), [(100, 3.5), (256, 7.9), (512, 14.5), (1024, 26.7), (2048, 49.5)]
)
def test_paper_width_leaves_few_degrees_of_freedom(k: int, dof: float) -> None:
    """5 N log(80 N) <= k forces N below these figures (rounded to one place)."""
    mu = np.arange(1, 5001) ** -1.2
    lam = paper_ridge(mu, k)
    assert round(float(degrees_of_freedom(mu, lam)), 1) == dof
    assert paper_width(mu, lam * (1 + 1e-9)) <= k < paper_width(mu, lam * (1 - 1e-3))


@pytest.mark.parametrize(("k", "ratio"), [(64, 299), (256, 571), (512, 720)])
def test_paper_ridge_is_hundreds_of_volume_ridges(k: int, ratio: int) -> None:
    mu = np.arange(1, 100_001) ** -2.0
    assert int(paper_ridge(mu, k) / volume_ridge(mu, k)) == ratio


def test_paper_bound_is_the_sampling_bound_at_its_ridge() -> None:
    mu = np.arange(1, 513) ** -1.0
    bound = paper_bound(mu, 512)
    lam = paper_ridge(mu, 512)
    assert bound.value == pytest.approx(4 * lam * degrees_of_freedom(mu, lam), rel=1e-12)
    assert bound.vacuous  # nothing pruned, and still no statement
    assert paper_bound(mu[:3], 10_000).value == 0.0


def test_sampling_bound_by_hand() -> None:
    cov, lam, z = LAYERS["rotated"], 0.4, np.random.default_rng(6).standard_normal((3, 16))
    h = cov @ np.linalg.inv(cov + lam * np.eye(16))
    bound = sampling_bound(cov, lam, theta=0.3, output_weights=z)
    inputs, outputs = 0.3 * np.trace(h), 0.7 * np.trace(z @ h @ z.T)
    assert bound.value == pytest.approx(4 * lam * (inputs + outputs), rel=1e-12)
    assert bound.terms["output"] == pytest.approx(4 * lam * outputs, rel=1e-12)
    assert bound.trivial == pytest.approx(0.3 * np.trace(cov) + 0.7 * np.trace(z @ cov @ z.T))


@pytest.mark.parametrize("name", LAYERS)
def test_paper_lemma_and_its_markov_event(name: str) -> None:
    """P1 fails at most delta/3 = 1/15 of the time, P1b at most 3/5; events agree with theirs."""
    cov, lam, trials = LAYERS[name], 0.2, 80
    k = paper_width(cov, lam)
    q = leverage_scores(cov, lam) / degrees_of_freedom(cov, lam)
    rng = np.random.default_rng(0)
    limit = inverse_probability_bound(len(cov), k).value
    failed = crowded = 0
    for _ in range(trials):
        draws = rng.choice(len(cov), size=k, p=q / q.sum())
        s = multiset_residual(cov, draws, k * lam * q[draws])
        factor = loewner_range(s, cov, lam)[1]
        nodes, counts = np.unique(draws, return_counts=True)
        event = sampling_events(cov, lam, nodes, counts)
        assert 4 * event.loewner == pytest.approx(factor, rel=1e-8)
        assert event.inverse_probability == pytest.approx(np.sum(1 / q[draws]) / limit, rel=1e-10)
        failed += factor > 4.0
        crowded += event.inverse_probability > 1.0
        assert factor > 4.0 or np.trace(s) <= sampling_bound(cov, lam).value
    assert failed <= allowed_failures(trials, 0.2 / 3)
    assert crowded <= allowed_failures(trials, 3 / 5)


@pytest.mark.parametrize("name", LAYERS)
def test_two_sided_levels_hold_with_their_probability(name: str) -> None:
    """P2 and X3 at delta = .2 and few draws, PSD order and losses."""
    cov, lam, delta, trials = LAYERS[name], 0.3, 0.2, 100
    k = sampling_width(cov, lam, t=0.8, delta=delta)
    z = np.random.default_rng(1).standard_normal((2, len(cov)))
    mixture = {"theta": 0.5, "output_weights": z, "delta": delta}
    upper, lower = leverage_bound(cov, lam, k, **mixture), sampling_floor(cov, lam, k, **mixture)
    t = sampling_level(cov, lam, k, delta)
    assert t == pytest.approx(0.8, abs=0.01)
    factor = upper.terms["input"] / (0.5 * lam * degrees_of_freedom(cov, lam))
    assert factor == pytest.approx(1 / (1 - t), rel=1e-12)
    below = lower.terms["input"] / (0.5 * lam * degrees_of_freedom(cov, lam))
    shares = [b.terms["output"] / b.terms["input"] for b in (upper, lower)]
    assert shares[0] == pytest.approx(shares[1], rel=1e-12, abs=0)
    q = leverage_scores(cov, lam) / degrees_of_freedom(cov, lam)
    form = 0.5 * np.eye(len(cov)) + 0.5 * z.T @ z
    rng = np.random.default_rng(2)
    high = low = 0
    for _ in range(trials):
        draws = rng.choice(len(cov), size=k, p=q / q.sum())
        s = multiset_residual(cov, draws, k * lam * q[draws])
        smallest, largest = loewner_range(s, cov, lam)
        loss = np.trace(form @ s)
        high += largest > 1 / (1 - t) or loss > upper.value
        low += smallest < below or loss < lower.value
    assert high <= allowed_failures(trials, delta)
    assert low <= allowed_failures(trials, delta)


@given(lam=st.floats(1e-4, 10.0), t=st.floats(0.05, 0.95), delta=st.floats(0.001, 0.9))
def test_level_is_the_inverse_of_the_width(lam: float, t: float, delta: float) -> None:
    mu = np.arange(1.0, 41) ** -1.3
    k = sampling_width(mu, lam, t=t, delta=delta)
    assert sampling_level(mu, lam, k, delta) <= t * (1 + 1e-12)
    if k > 1:
        with contextlib.suppress(InapplicableError):
            assert sampling_level(mu, lam, k - 1, delta) >= t * (1 - 1e-12)
    assert effective_dimension(mu, lam) >= 1 - 1e-12


def test_mean_over_draws_is_above_the_ridge_loss() -> None:
    """E S_J >= lam H (Jensen): exact mean over all m^k draws."""
    cov, lam, k = power_law(4, 1.0), 0.3, 3
    q = leverage_scores(cov, lam) / degrees_of_freedom(cov, lam)
    mean = np.zeros_like(cov)
    for draws in np.ndindex(*(4,) * k):
        index = np.array(draws)
        mean += np.prod(q[index]) * multiset_residual(cov, index, k * lam * q[index])
    assert loewner_range(mean, cov, lam)[0] >= 1 - 1e-12


@pytest.mark.parametrize("name", LAYERS)
def test_distinct_nodes_by_coins(name: str) -> None:
    """P3: (*) fails at most delta of the time, and E|J| <= c N."""
    cov, lam, delta, trials = LAYERS[name], 2.0, 0.2, 100
    p = bernoulli_probabilities(cov, lam, delta)
    dof = degrees_of_freedom(cov, lam)
    factor = 40 / 9 * np.log(4 * effective_dimension(cov, lam) / delta)
    assert np.sum(p) <= factor * dof * (1 + 1e-12)
    np.testing.assert_allclose(p, np.minimum(1, factor * leverage_scores(cov, lam)), rtol=1e-12)
    rng = np.random.default_rng(3)
    failed = 0
    for _ in range(trials):
        draws = np.flatnonzero(rng.random(len(cov)) < p)
        s = multiset_residual(cov, draws, lam * p[draws])
        failed += loewner_range(s, cov, lam)[1] > 4.0
    assert failed <= allowed_failures(trials, delta)


def test_draws_from_another_law() -> None:
    """X4: uniform draws with their own constant; leverage itself has c = N."""
    cov, lam, trials = LAYERS["localised"], 0.3, 40
    leverage = leverage_scores(cov, lam)
    assert drawing_constant(cov, lam) == pytest.approx(16 * np.max(leverage), rel=1e-12)
    own = drawing_constant(cov, lam, leverage / leverage.sum())
    assert own == pytest.approx(degrees_of_freedom(cov, lam), rel=1e-12)
    k = drawing_width(cov, lam)
    assert k >= paper_width(cov, lam)
    rng = np.random.default_rng(4)
    failed = 0
    for _ in range(trials):
        draws = rng.integers(0, 16, size=k)
        s = multiset_residual(cov, draws, np.full(k, k * lam / 16))
        failed += loewner_range(s, cov, lam)[1] > 4.0
    assert failed <= allowed_failures(trials, 0.2 / 3)
    with pytest.raises(InapplicableError, match="never draws a node of leverage"):
        drawing_constant(cov, lam, np.eye(16)[0])
    with pytest.raises(ValueError, match=r"sum 0\.5"):
        drawing_constant(cov, lam, np.full(16, 0.5 / 16))


def test_a_dead_node_need_not_be_drawn() -> None:
    """The leverage of a node that is always 0 comes out as the square of a rounding."""
    x = np.random.default_rng(0).standard_normal((6, 5)) * [1.0, 1.0, 0.0, 1.0, 1.0]
    cov, q = x.T @ x / 6, np.array([0.25, 0.25, 0.0, 0.25, 0.25])
    assert drawing_constant(cov, 0.1, q) == pytest.approx(
        4 * np.max(leverage_scores(cov, 0.1)), rel=1e-12
    )


def test_premises_that_fail_are_named_with_figures() -> None:
    mu = np.arange(1.0, 41) ** -1.3
    with pytest.raises(InapplicableError, match=r"more than \d+\.\d draws, but the width is 2"):
        sampling_level(mu, 0.1, 2, 0.2)
    with pytest.raises(InapplicableError, match=r"needs \d+\.\d draws, but the width is 2"):
        sampling_floor(mu, 0.1, 2)
    with pytest.raises(InapplicableError, match="every eigenvalue is 0"):
        effective_dimension(np.zeros(3), 0.1)
    with pytest.raises(ValueError, match="ridge must be above 0"):
        paper_width(mu, 0.0)
    with pytest.raises(InapplicableError, match="leverage 0"):
        sampling_events(np.diag([1.0, 0.0]), 0.1, [0, 1])


def test_backends_agree(to_backend: Any) -> None:
    cov = LAYERS["rotated"]
    given_ = to_backend(cov)
    kept, counts = [3, 1, 7], [2, 1, 1]
    here = sampling_events(given_, 0.2, to_backend(kept), to_backend(counts))
    assert here == pytest.approx(sampling_events(cov, 0.2, kept, counts), rel=1e-10)
    assert paper_width(given_, 0.2) == paper_width(cov, 0.2)
    assert drawing_constant(given_, 0.2) == pytest.approx(drawing_constant(cov, 0.2), rel=1e-10)
    p = bernoulli_probabilities(given_, 0.2, 0.1)
    assert type(p) is type(given_)


def test_a_drawing_law_in_single_precision_is_accepted() -> None:
    """Six times float32(1/6) is 1 + 2e-8: its rounding, not an error."""
    cov = np.diag([3.0, 2.0, 1.0, 1.0, 0.5, 0.1])
    uniform = np.full(6, 1 / 6)
    single = drawing_constant(cov, 0.1, uniform.astype(np.float32))
    assert single == pytest.approx(drawing_constant(cov, 0.1, uniform), rel=2.0**-23, abs=0)


def test_terms_and_words_say_how_often_and_at_what_width() -> None:
    """Sigma = I at lam = 1: N = 6, d = 12; the ridge shown is the one used."""
    mu = np.ones(12)
    paper, lemma = paper_bound(mu, 100), sampling_bound(mu, 1.0)
    lam = paper_ridge(mu, 100)
    expected = {"ridge": lam, "input": 4 * lam * 12 / (1 + lam)}
    assert paper.terms == pytest.approx(expected, rel=1e-13, abs=0)
    assert lemma.terms == {"ridge": 1.0, "input": 24.0}
    assert (paper.trivial, lemma.trivial) == (12.0, 12.0)
    assert paper.note.startswith("w.p. >= 14/15 at 100 draws by leverage")
    assert "1 - delta/3 at k >= 5 N log(16 N/delta) draws" in lemma.note
    markov = inverse_probability_bound(12, 100)
    assert markov.value == pytest.approx(2000.0, rel=1e-14, abs=0)
    assert markov.terms == {"mean": 1200.0}
    assert markov.note.startswith("w.p. >= 2/5 over 100 draws")
    # P2: 200 t^2 = 2 (6 + t/3) log(48/.1); X3: 200 t^2 = 12 (1 + t/3) log(48/.1)
    nats = np.log(480)
    upper, lower = leverage_bound(mu, 1.0, 200, delta=0.1), sampling_floor(mu, 1.0, 200, delta=0.1)
    t, s = 1 - 6 / upper.value, 6 / lower.value - 1
    assert 200 * t**2 == pytest.approx(2 * (6 + t / 3) * nats, rel=1e-12, abs=0)
    assert 200 * s**2 == pytest.approx(12 * (1 + s / 3) * nats, rel=1e-12, abs=0)
    assert lower.trivial == 0.0
    for bound in (upper, lower):
        assert bound.terms == {"ridge": 1.0, "input": bound.value}
        assert bound.note.startswith("w.p. >= 1 - 0.1 at 200 draws by leverage")
