"""Random features: optimal heads, limiting kernels, and the law of their risk."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from pruneproof.simulations.students import least_squares, random_features

EPS = float(np.finfo(np.float64).eps)
Floats = NDArray[np.float64]


def sample(n: int, d: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(n + d)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


@pytest.mark.parametrize("activation", ["identity", "relu", "erf", "tanh"])
@pytest.mark.parametrize("width", [5, 60])
def test_the_head_is_optimal_on_its_features(activation: str, width: int) -> None:
    x, y = sample(30, 4)
    lam = 0.01
    student = random_features(x, y, width, lam, activation=activation, rng=7)
    psi, outputs = student.network.activations(x)
    head: Any = student.network.layers[1]
    gradient = psi.T @ (outputs[:, 0] - y) / len(y) + lam * head.weight[0]
    # Two sums of 30 + width terms; the head is exact up to cond(psi) eps <= |psi|^2/(n lam) eps.
    size = np.linalg.norm(psi) ** 2 / len(y)
    assert np.abs(gradient).max() <= (30 + width) * EPS * size**2 / lam * np.linalg.norm(y)


def test_without_a_ridge_a_wide_student_interpolates() -> None:
    x, y = sample(20, 3)
    student = random_features(x, y, 200, 0.0, rng=1)
    psi = student.network.activations(x)[0]
    error = 220 * EPS * np.linalg.cond(psi) * np.linalg.norm(y)
    np.testing.assert_allclose(student.forward(x)[:, 0], y, rtol=0, atol=error)


def test_gaussian_features_as_many_as_inputs_are_least_squares() -> None:
    x, y = sample(40, 5)
    student = random_features(x, y, 5, 0.0, activation="identity", rng=3)
    weight: Any = student.network.layers[0].weight  # type: ignore[union-attr]
    error = 45 * EPS * np.linalg.cond(weight) * np.linalg.cond(x) ** 2 * np.linalg.norm(y)
    expected = least_squares(x, y).forward(x)
    np.testing.assert_allclose(student.forward(x), expected, rtol=0, atol=error)


def arc_cosine(a: Floats, b: Floats) -> float:
    """E relu(w.a) relu(w.b), Cho and Saul 2009."""
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    angle = math.acos(float(a @ b) / size)
    return size / (2 * math.pi) * (math.sin(angle) + (math.pi - angle) * math.cos(angle))


def arc_sine(a: Floats, b: Floats) -> float:
    """E erf(w.a) erf(w.b), Williams 1997."""
    scale = math.sqrt((1 + 2 * float(a @ a)) * (1 + 2 * float(b @ b)))
    return 2 / math.pi * math.asin(2 * float(a @ b) / scale)


@pytest.mark.parametrize(
    ("activation", "kernel"),
    [("identity", lambda a, b: float(a @ b)), ("relu", arc_cosine), ("erf", arc_sine)],
)
def test_products_of_features_average_to_the_kernel(
    activation: str, kernel: Callable[[Floats, Floats], float]
) -> None:
    x = sample(3, 4)[0]
    student = random_features(x, np.zeros(3), 40_000, 1.0, activation=activation, rng=11)
    psi = student.network.activations(x)[0]
    for i in range(3):
        for j in range(i):
            products = psi[i] * psi[j]
            error = products.std() / math.sqrt(products.size)
            # Nine comparisons in all, each beyond 5 standard errors with probability 6e-7.
            assert abs(products.mean() - kernel(x[i], x[j])) <= 5 * error


def predicted_risk(
    eigenvalues: Floats, signal: Floats, noise: float, n: int, k: int, delta: float
) -> float:
    """Risk, noise included, of k Gaussian features and n samples (laws L7, arXiv 2311.14646).

    n = z + delta/kap and k = z + k kap/g, z = sum l/(l + g), solved for g.
    """

    def share(g: float) -> float:
        return float(np.sum(eigenvalues / (eigenvalues + g)))

    def excess(g: float) -> float:
        z = share(g)
        return z + delta * k / (g * (k - z)) - n  # kap = g (k - z)/k

    least = brentq(lambda g: share(g) - min(n, k), 1e-12, 1e3) if share(1e-12) > min(n, k) else 0.0
    g = brentq(excess, least * (1 + 1e-9) + 1e-12, 1e6, xtol=1e-15)
    z = share(g)
    kap = g * (k - z) / k
    q = float(np.sum((eigenvalues / (eigenvalues + g)) ** 2))
    bias = np.sum(
        (g / (eigenvalues + g) - kap * eigenvalues * k / ((eigenvalues + g) ** 2 * (k - q)))
        * signal**2
    )
    return float((bias + noise) / (1 - (q * (k - 2 * z) + z**2) / (n * (k - q))))


@pytest.mark.parametrize(("n", "k", "delta"), [(150, 80, 0.1), (80, 150, 0.1), (120, 120, 1.0)])
def test_risk_of_gaussian_features_follows_the_law(n: int, k: int, delta: float) -> None:
    m, noise, draws = 100, 0.05, 40
    eigenvalues = 1.0 / np.arange(1, m + 1)
    signal = np.arange(1, m + 1) ** -1.0
    truth = signal / np.sqrt(eigenvalues)
    risks = np.empty(draws)
    for draw in range(draws):
        rng = np.random.default_rng([n, k, draw])
        x = rng.standard_normal((n, m)) * np.sqrt(eigenvalues)
        y = x @ truth + math.sqrt(noise) * rng.standard_normal(n)
        student = random_features(x, y, k, delta * k / n, activation="identity", rng=rng)
        found = student.forward(np.eye(m))[:, 0]
        risks[draw] = np.sum(eigenvalues * (found - truth) ** 2) + noise
    error = risks.std(ddof=1) / math.sqrt(draws)
    expected = predicted_risk(eigenvalues, signal, noise, n, k, delta)
    # The law is an asymptotic equivalent; its own error falls as 1/min(n, k), some 2 % here.
    assert abs(risks.mean() - expected) <= 5 * error + 2 / min(n, k) * expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width must be at least 1"),
        ({"ridge": -1.0}, "ridge must be finite"),
        ({"activation": "sine"}, "activation must be one of"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    x, y = sample(5, 2)
    arguments: dict[str, Any] = {"width": 3, "ridge": 0.1, **change}
    with pytest.raises(ValueError, match=message):
        random_features(x, y, **arguments, rng=0)
