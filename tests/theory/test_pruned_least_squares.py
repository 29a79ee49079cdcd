"""Pruned least squares: closed forms against quadrature, the law against simulation."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from pruneproof import theory
from pruneproof.theory.pruned_least_squares import _squared_errors

KEPT = (1.0, 0.5, 0.2, 0.1, 0.05)


def _layer(p: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mu = np.exp(0.7 * rng.standard_normal(p))
    return mu, rng.standard_normal(p) * (rng.random(p) < 0.15) / math.sqrt(p)


@pytest.mark.parametrize("method", ["magnitude", "hessian"])
def test_simulation(method) -> None:
    p, n, s, draws = 1200, 600, 0.2, 16
    mu, beta = _layer(p, 0)
    found = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((n, p)) * np.sqrt(mu)
        fit = x.T @ np.linalg.solve(x @ x.T, x @ beta + s * rng.standard_normal(n))
        score = np.abs(fit) * (np.sqrt(mu) if method == "hessian" else 1.0)
        order = np.argsort(-score)
        risks = []
        for share in KEPT:
            pruned = np.zeros(p)
            pruned[order[: round(share * p)]] = fit[order[: round(share * p)]]
            risks.append(s**2 + float(mu @ (beta - pruned) ** 2))
        found.append(risks)
    error = np.std(found, axis=0, ddof=1) / math.sqrt(draws)
    laws = [
        theory.pruned_least_squares_law(mu, beta, n, share, noise=s**2, method=method)
        for share in KEPT
    ]
    predicted = np.array([law.risk for law in laws])
    # the law was seen to err by 4 % at this size; 7 standard errors of 16 draws (Student, 15
    # degrees of freedom): false alarms below 1e-5 a share, were the law to use up all its 4 %
    assert np.all(np.abs(np.mean(found, axis=0) - predicted) <= 0.04 * predicted + 7 * error)
    assert np.all(7 * error < 0.15 * predicted)
    assert laws[0].risk == pytest.approx(laws[0].unpruned_risk, rel=1e-12)
    assert laws[0].level == 0.0


def test_the_equations() -> None:
    mu, beta = _layer(300, 1)
    law = theory.pruned_least_squares_law(mu, beta, 120, 0.3, noise=0.1)
    p, n, xi = 300, 120, law.xi
    inner = 1 / (1 + 1 / (xi * mu))
    assert np.mean(inner) == pytest.approx(n / p, rel=1e-12)
    bias = np.mean(p * beta**2 * mu / (1 + xi * mu) ** 2)
    gamma = (0.1 + bias) / (1 - p / n * np.mean(inner**2))
    assert law.unpruned_risk == pytest.approx(gamma, rel=1e-12)
    mean, deviation = inner * math.sqrt(p) * beta, math.sqrt(p / n * gamma / 1.0) * inner / mu**0.5
    level = law.level * math.sqrt(p)  # the literature scales the weights by sqrt(p)
    beyond = norm.sf(level, mean, deviation) + norm.cdf(-level, mean, deviation)
    assert np.mean(beyond) == pytest.approx(0.3, rel=1e-11)


@pytest.mark.parametrize("level", [0.0, 0.4, 3.0])
@pytest.mark.parametrize(("beta", "mean", "deviation"), [(0.5, 0.2, 1.3), (-1.0, -0.8, 0.1)])
def test_the_closed_form_is_its_integral(level, beta, mean, deviation) -> None:
    found = _squared_errors(
        np.array([beta]), np.array([mean]), np.array([deviation]), np.array([level])
    )[0]

    def integrand(x: float) -> float:
        return (beta - x * (abs(x) >= level)) ** 2 * float(norm.pdf(x, mean, deviation))

    ends = [mean - 12 * deviation, *sorted({-level, level, mean}), mean + 12 * deviation]
    pieces = [piece for piece in pairwise(ends) if piece[0] < piece[1]]
    wanted = sum(quad(integrand, a, b, epsabs=1e-13)[0] for a, b in pieces)
    assert found == pytest.approx(wanted, rel=1e-10)


def test_an_empty_target_without_noise_and_equal_scores() -> None:
    mu = np.ones(10)
    law = theory.pruned_least_squares_law(mu, np.zeros(10), 4, 0.3)
    assert (law.risk, law.unpruned_risk) == (0.0, 0.0)
    # equal eigenvalues: both methods are one
    beta = np.linspace(-1.0, 1.0, 10)
    one, other = (
        theory.pruned_least_squares_law(4 * mu, beta, 4, 0.3, noise=0.1, method=method)
        for method in ("magnitude", "hessian")
    )
    assert one.risk == pytest.approx(other.risk, rel=1e-12)
    assert other.level == pytest.approx(2 * one.level, rel=1e-11)
    # pruning nearly everything leaves the noise and the whole target
    last = theory.pruned_least_squares_law(mu, beta, 4, 1e-9, noise=0.1)
    assert last.risk == pytest.approx(0.1 + float(beta @ beta), rel=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f([1.0, 0.0], [1, 1], 1, 0.5), "above 0"),
        (lambda f: f([1.0, 1.0], [1], 1, 0.5), "2 entries"),
        (lambda f: f([1.0, 1.0], [1, 1], 1, 0.0), "fraction in"),
        (lambda f: f([1.0, 1.0], [1, 1], 1, 1.5), "fraction in"),
        (lambda f: f([1.0, 1.0], [1, 1], 1, 0.5, noise=-1), "noise"),
        (lambda f: f([1.0, 1.0], [1, 1], 1, 0.5, method="obs"), "'magnitude' or 'hessian'"),
    ],
)
def test_bad_arguments(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call(theory.pruned_least_squares_law)


def test_the_premise() -> None:
    with pytest.raises(theory.InapplicableError, match="there are 2 and 2"):
        theory.pruned_least_squares_law(np.ones(2), np.ones(2), 2, 0.5)
