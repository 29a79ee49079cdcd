"""Leverage and Bernoulli sampling: the law, the merged ridges, the guarantee and its truth.

Every statistical test has a fixed seed and a false alarm probability of 1e-6, stated as ALARM.
"""

from __future__ import annotations

import numpy as np
import pytest

from pruneproof.theory import (
    InapplicableError,
    decompose,
    degrees_of_freedom,
    leverage_scores,
    paper_width,
    residual,
    select_bernoulli,
    select_leverage,
    smoother,
)
from pruneproof.theory.arrays import to_numpy

ALARM = 1e-6
EPS = np.finfo(float).eps


def spread_cov(m: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((3 * m, m)) * np.arange(1, m + 1) ** -0.7
    return x.T @ x / (3 * m)


def test_draws_follow_the_leverage() -> None:
    from scipy.stats import chi2

    cov = np.zeros((6, 6))  # node 3 has no moment: it must never be drawn
    rest = [0, 1, 2, 4, 5]
    cov[np.ix_(rest, rest)] = spread_cov(5, seed=0)
    draws = 50_000
    selection = select_leverage(cov, draws, 0.1, rng=1)
    assert sorted(selection.kept.tolist()) == rest
    assert selection.multiplicity.sum() == draws
    expected = draws * leverage_scores(cov, 0.1) / degrees_of_freedom(cov, 0.1)
    expected = expected[selection.kept]
    statistic = ((selection.multiplicity - expected) ** 2 / expected).sum()
    assert statistic < chi2.isf(ALARM, 4)


def test_merged_ridges_leave_the_multiset_residual_unchanged(family, to_backend) -> None:
    """Claim spectral.F1's cure: the distinct nodes have the S_J of all k draws."""
    m, k, lam = 7, 12, 0.3
    cov = family(m)
    selection = select_leverage(to_backend(cov), k, lam, rng=2)
    kept, counts = to_numpy(selection.kept), to_numpy(selection.multiplicity)
    assert len(set(kept.tolist())) == len(kept) == selection.width <= k
    q = leverage_scores(cov, lam) / degrees_of_freedom(cov, lam)
    draws = np.repeat(kept, counts)
    assert len(draws) == k
    tau = k * lam * q[draws]
    block = cov[np.ix_(draws, draws)] + np.diag(tau)
    columns = cov[:, draws]
    of_draws = cov - columns @ np.linalg.solve(block, columns.T)
    merged = to_numpy(residual(to_backend(cov), selection.kept, selection.ridge))
    # A solve with the block errs by k eps cond(block), relative to the moment explained.
    tolerance = 8 * k * EPS * np.linalg.cond(block) * np.trace(cov)
    np.testing.assert_allclose(merged, of_draws, rtol=0, atol=tolerance)


def test_paper_width_keeps_its_promise(family) -> None:
    """P1 fails with probability at most 1/15 a draw; more than 20 of 50 has probability < 1e-6."""
    from scipy.stats import binom

    cov = family(8)
    spectrum = decompose(cov)
    lam = 0.05 * float(spectrum.eigenvalues[0])
    k = paper_width(spectrum, lam)
    ceiling = 4 * lam * smoother(spectrum, lam)
    rng = np.random.default_rng(3)
    failures, runs = 0, 50
    for _ in range(runs):
        selection = select_leverage(spectrum, k, lam, rng=rng)
        assert "(spectral.P1)" in selection.guarantee
        assert f"{k} draws meet" in selection.guarantee
        gap = ceiling - residual(cov, selection.kept, selection.ridge)
        failures += bool(np.linalg.eigvalsh(gap)[0] < -EPS * 64 * np.trace(cov))
    assert failures <= binom.isf(ALARM, runs, 1 / 15)


def test_guarantee_names_what_applies() -> None:
    cov = spread_cov(30, seed=4)
    lam = 0.1 * float(np.linalg.eigvalsh(cov)[-1])
    full = paper_width(cov, lam)
    at_p1 = select_leverage(cov, full, lam, rng=0).guarantee
    at_p2 = select_leverage(cov, full // 2, lam, rng=0).guarantee
    below = select_leverage(cov, 3, lam, rng=0).guarantee
    assert f"that is {full} draws" in at_p1
    assert "L^A <= 4 lam N" in at_p1
    assert "do not meet" in at_p2
    assert "(spectral.P2)" in at_p2
    assert below.startswith("No guarantee at this width")


def test_the_figures_of_the_guarantee_by_hand() -> None:
    """Sigma = I_4 at lam = 1: N = 2, d = 4, P1 asks for ceil(10 log 160) = 51 draws."""
    cov = np.eye(4)
    at_p1, at_p2 = (select_leverage(cov, k, 1.0, rng=0).guarantee for k in (51, 50))
    condition = "5 N log(16 N/delta), that is 51 draws at N(1) = 2 and delta = 0.2"
    assert at_p1.startswith(f"51 draws meet k >= {condition}: with probability at least 14/15 S_J")
    assert at_p2.startswith(f"50 draws do not meet k >= {condition} (spectral.P1), but with prob")
    # P2 with failure 1/15: 50 t^2 = 2 (2 + t/3) log(4 d/(1/15))
    nats = np.log(240)
    t = (2 * nats / 3 + np.sqrt((2 * nats / 3) ** 2 + 800 * nats)) / 100
    assert "but with probability at least 14/15 S_J <= lam/(1 - t)" in at_p2
    assert f"at t = {t:.4g}, hence L^A <= lam N/(1 - t) = {2 / (1 - t):.4g}, VAC" in at_p2
    # l = 1/101 at lam = 100, where d = 4 too
    by_coins = select_bernoulli(cov, 100.0, delta=0.1, rng=0).guarantee
    width = 4 * 40 / 9 * np.log(160) / 101
    assert "probability at least 1 - 0.1, S_J" in by_coins
    assert by_coins.endswith(f"(spectral.P3); the mean width is {width:.4g}.")


def test_a_vacuous_guarantee_is_called_so() -> None:
    """Sigma = I_4: 4 lam N is 8 at lam = 1, above Tr Sigma = 4, and .158 at lam = .01."""
    cov = np.eye(4)
    for lam, vacuous in ((1.0, True), (0.01, False)):
        by_coins = select_bernoulli(cov, lam, delta=0.1, rng=0).guarantee
        by_draws = select_leverage(cov, paper_width(cov, lam), lam, rng=0).guarantee
        for text in (by_coins, by_draws):
            assert ("VACUOUS beside Tr Sigma = 4 " in text) == vacuous
            assert ("L^A <= 4 lam N = 8, VAC" if vacuous else "L^A <= 4 lam N = 0.1584 ") in text


def test_bernoulli_probabilities_ridges_and_promise(to_backend) -> None:
    from scipy.stats import binom

    cov = spread_cov(12, seed=5)
    lam, delta, runs = 2.0 * float(np.linalg.eigvalsh(cov)[-1]), 0.5, 400
    spectrum = decompose(to_backend(cov))
    dof = degrees_of_freedom(cov, lam)
    mu = np.linalg.eigvalsh(cov)[-1]
    factor = 40 / 9 * np.log(4 * dof * (mu + lam) / mu / delta)
    p = np.minimum(1.0, factor * leverage_scores(cov, lam))
    assert p.min() < 0.5 < p.max() == 1.0  # coins of both kinds
    ceiling = 4 * lam * smoother(cov, lam)
    rng = np.random.default_rng(6)
    counts, failures = np.zeros(12), 0
    for _ in range(runs):
        selection = select_bernoulli(spectrum, lam, delta=delta, rng=rng)
        kept = to_numpy(selection.kept)
        counts[kept] += 1
        np.testing.assert_allclose(to_numpy(selection.ridge), lam * p[kept], rtol=64 * EPS)
        left = residual(cov, kept, to_numpy(selection.ridge)) if kept.size else cov
        failures += bool(np.linalg.eigvalsh(ceiling - left)[0] < -EPS * 144 * np.trace(cov))
    assert failures <= binom.isf(ALARM, runs, delta)
    low, high = binom.isf(1 - ALARM / 24, runs, p), binom.isf(ALARM / 24, runs, p)
    assert ((low <= counts) & (counts <= high)).all()
    assert "(spectral.P3)" in selection.guarantee


def test_bernoulli_may_keep_nothing() -> None:
    selection = select_bernoulli(1e-12 * np.eye(3), 1.0, delta=1e-9, rng=0)
    assert "probability at least 1 - 1e-09," in selection.guarantee  # not "at least 1"
    assert selection.width == 0
    assert selection.ridge.shape == (0,)


@pytest.mark.parametrize("ridge", [0.0, -1.0, np.nan])
def test_ridge_must_be_positive(ridge: float) -> None:
    with pytest.raises(ValueError, match="ridge"):
        select_leverage(np.eye(3), 2, ridge, rng=0)
    with pytest.raises(ValueError, match="ridge"):
        select_bernoulli(np.eye(3), ridge, delta=0.1, rng=0)


def test_bad_input() -> None:
    with pytest.raises(InapplicableError, match="0"):
        select_leverage(np.zeros((3, 3)), 2, 1.0, rng=0)
    with pytest.raises(InapplicableError, match="0"):
        select_bernoulli(np.zeros((3, 3)), 1.0, delta=0.1, rng=0)
    with pytest.raises(ValueError, match="width must be at least 1"):
        select_leverage(np.eye(3), 0, 1.0, rng=0)
    with pytest.raises(ValueError, match="delta must lie strictly between 0 and 1"):
        select_bernoulli(np.eye(3), 1.0, delta=1.0, rng=0)
