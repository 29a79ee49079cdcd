"""Random-feature regression: the root over many decades, the risk against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof import theory

mpmath = pytest.importorskip("mpmath")
INF = math.inf


def _literature(mu, v, d, n, k, s2, g):
    """The printed formula at 200 digits, with kappa from the second equation."""
    with mpmath.workdps(200):
        mu, v = [mpmath.mpf(float(x)) for x in mu], [mpmath.mpf(float(x)) for x in v]
        z = sum(x / (x + g) for x in mu)
        q = sum((x / (x + g)) ** 2 for x in mu)
        kappa = g * (k - z) / k
        total = sum(
            (g / (x + g) - kappa * x * k / ((x + g) ** 2 * (k - q))) * y**2 for x, y in zip(mu, v)
        )
        return (total + s2) / (1 - (q * (k - 2 * z) + z**2) / (n * (k - q)))


@given(
    decay=st.floats(0.0, 3.0),
    log_ridge=st.floats(-60, 12),
    samples=st.integers(1, 60),
    features=st.integers(1, 60),
    scale=st.sampled_from([1e-60, 1.0, 1e60]),
)
def test_root_and_risk_over_many_decades(decay, log_ridge, samples, features, scale) -> None:
    """The root is bracketed in 200 digits; the risk is the printed formula at that root."""
    mu = scale * np.arange(1.0, 31.0) ** -decay
    v = np.arange(1.0, 31.0) ** -0.8
    d, n, k = scale * 10**log_ridge, samples, features
    law = theory.random_feature_law(mu, v, d, n, k, noise=0.1)
    with mpmath.workdps(200):

        def excess(g):
            z = sum(mpmath.mpf(float(x)) / (mpmath.mpf(float(x)) + g) for x in mu)
            return (g * (k - z) * (n - z) - k * mpmath.mpf(d)) if z < min(n, k) else mpmath.mpf(-1)

        g, step = mpmath.mpf(law.kernel_ridge), mpmath.mpf(10) ** -11
        # log(g) has a relative error of some eps: |log g| below 700 makes 1e-12 of g
        assert excess(g * (1 - step)) < 0 < excess(g * (1 + step))
        root = g * (1 + step)
        for _ in range(200):  # Newton's iteration, slow first where n = k, then quadratic
            p = [mpmath.mpf(float(x)) / (mpmath.mpf(float(x)) + root) for x in mu]
            z, fall = sum(p), sum(x * (1 - x) for x in p)  # fall = -g z'(g)
            slope = (k - z) * (n - z) + fall * (k + n - 2 * z)
            change = (root * (k - z) * (n - z) - k * mpmath.mpf(d)) / slope
            root -= change
            if abs(change) < root * mpmath.mpf(10) ** -120:
                break
        wanted = float(_literature(mu, v, d, n, k, 0.1, root))
        z = sum(mpmath.mpf(float(x)) / (mpmath.mpf(float(x)) + root) for x in mu)
        kappa = float(root * (k - z) / k)
    # the small differences of n, k and z are taken from the equation, and so as exact as g
    assert law.feature_ridge == pytest.approx(kappa, rel=1e-9, abs=0)
    assert law.risk == pytest.approx(wanted, rel=1e-9, abs=0)


def test_infinitely_many_features_are_the_kernel_and_the_ridge_law_of_samples() -> None:
    mu, v = np.arange(1.0, 201.0) ** -1.5, np.arange(1.0, 201.0) ** -1.0
    kernel = theory.random_feature_law(mu, v, 0.3, 50, INF, noise=0.2)
    many = theory.random_feature_law(mu, v, 0.3, 50, 10**12, noise=0.2)
    assert many.risk == pytest.approx(kernel.risk, rel=1e-9)  # they differ by O(n/k)
    # kappa (1 - N(kappa)/n) = lam with lam = d/n: the effective ridge of n samples
    assert kernel.kernel_ridge == pytest.approx(theory.sampled_ridge(mu, 0.3 / 50, 50), rel=1e-12)
    assert kernel.feature_ridge == kernel.kernel_ridge


@pytest.mark.parametrize(
    ("d", "n", "k", "s2"),
    [
        (1e-3, 200, 100, 0.25),
        (1e-1, 100, 200, 0.25),
        (1e-2, 150, 150, 0.09),
        (0.0, 100, 250, 0.04),
        (0.0, 250, 100, 0.04),
        (1e-2, 100, INF, 0.09),
    ],
)
def test_simulation(d, n, k, s2) -> None:
    m, draws = 600, 24
    mu, v = np.arange(1.0, m + 1) ** -1.2, np.arange(1.0, m + 1) ** -0.9
    found = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        functions = rng.standard_normal((n, m))
        targets = functions @ v + math.sqrt(s2) * rng.standard_normal(n)
        if math.isinf(k):
            lift = np.diag(np.sqrt(mu))
        else:
            lift = np.sqrt(mu)[:, None] * rng.standard_normal((m, k)) / math.sqrt(k)
        psi = functions @ lift
        gram = psi @ psi.T + d * np.eye(n)
        fitted = lift @ (psi.T @ (np.linalg.pinv(gram, rcond=1e-12) @ targets))
        found.append(np.sum((v - fitted) ** 2) + s2)
    error = np.std(found, ddof=1) / math.sqrt(draws)
    law = theory.random_feature_law(mu, v, d, n, k, noise=s2)
    # stated agreement of the law 3 %; 6 standard errors of 24 draws: false alarms below 1e-5
    assert abs(np.mean(found) - law.risk) <= 0.03 * law.risk + 6 * error
    assert 6 * error < 0.25 * law.risk


def test_without_ridge() -> None:
    mu, v = np.ones(40), np.full(40, 0.5)
    # more samples than coordinates, features enough: ordinary least squares, s^2 n/(n - p)
    for k in (40, 90, INF):
        law = theory.random_feature_law(mu, v, 0.0, 100, k, noise=0.3)
        assert law.risk == pytest.approx(0.3 * 100 / 60, rel=1e-13)
        assert law.kernel_ridge == 0.0
    # least norm, flat: bias (1 - n/p) |v|^2, variance s^2 n/(p - n)
    law = theory.random_feature_law(mu, v, 0.0, 10, INF, noise=0.3)
    assert law.excess == pytest.approx(10.0 * 0.75 + 0.3 * 10 / 30, rel=1e-12)
    assert theory.random_feature_law(mu, v, 0.0, 20, 20, noise=0.3).risk == INF
    assert theory.random_feature_law(mu, v, 0.0, 40, 90, noise=0.3).risk == INF
    unseen = theory.random_feature_law(np.append(mu, 0.0), np.append(v, 2.0), 0.0, 100, INF)
    assert unseen.risk == pytest.approx(4.0 * 100 / 60, rel=1e-13)
    nothing = theory.random_feature_law(np.zeros(2), np.ones(2), 0.5, 7, 3, noise=1.0)
    assert nothing.risk == pytest.approx(3.0, rel=1e-14)


@pytest.mark.parametrize("d", [1e-300, 1e-100, 1e-30])
def test_small_ridges_reach_the_ridgeless_law(d) -> None:
    mu, v = np.arange(1.0, 61.0) ** -2.0, np.arange(1.0, 61.0) ** -1.0
    for n, k in ((20, 30), (30, 20), (90, 80), (20, INF), (90, INF), (60, 80), (20, 21)):
        small = theory.random_feature_law(mu, v, d, n, k, noise=0.1)
        none = theory.random_feature_law(mu, v, 0.0, n, k, noise=0.1)
        if math.isfinite(none.risk):
            assert small.risk == pytest.approx(none.risk, rel=1e-9), (n, k)
        else:
            assert small.risk > 1e6


@pytest.mark.filterwarnings("error")
def test_whatever_the_decades() -> None:
    """Finite, at least the noise, never more degrees of freedom than n or k."""
    rng = np.random.default_rng(5)
    for _ in range(500):
        m, n, k = (int(x) for x in rng.integers(1, 15, 3))
        mu = 10.0 ** rng.uniform(-140, 140, m) * (rng.random(m) > 0.1)
        d = 10.0 ** rng.uniform(-322, 290) * (rng.random() > 0.2)
        law = theory.random_feature_law(mu, rng.standard_normal(m), d, n, k, noise=0.5)
        assert law.risk >= 0.5
        assert law.kernel_ridge >= 0
        assert law.feature_ridge >= 0
        assert law.degrees_of_freedom <= min(n, k) * (1 + 1e-9)


def test_a_ridge_whose_part_a_sample_is_lost_in_rounding() -> None:
    """d/n is 0 in float64, where the law is that of the root of z(g) = k = 1, g = 1 for I_2."""
    law = theory.random_feature_law([1.0, 1.0], [1.0, 1.0], 5e-324, 3, 1)
    assert law.kernel_ridge == pytest.approx(1.0, rel=1e-14, abs=0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f([1.0, -1.0], [1, 1], 0.1, 3, 3), "smallest is -1"),
        (lambda f: f([1.0], [1, 1], 0.1, 3, 3), "must have 1 entries"),
        (lambda f: f([1.0], [1], -0.1, 3, 3), "ridge"),
        (lambda f: f([1.0], [1], 0.1, 0, 3), "samples"),
        (lambda f: f([1.0], [1], 0.1, 3, 2.5), "features"),
        (lambda f: f([1.0], [1], 0.1, 3, -INF), "features"),
        (lambda f: f([1.0], [1], 0.1, 3, 3, noise=-1.0), "noise"),
        (lambda f: f([1.0], [1], INF, 3, 3), "ridge"),
    ],
)
def test_bad_arguments(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call(theory.random_feature_law)
