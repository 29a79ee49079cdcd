"""Degrees of freedom of samples against their law, forwards and off the data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof import theory

NODES = np.arange(1.0, 1001.0) ** -1.0


def _samples(mu: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Eigenvalues of the second moment of n Gaussian samples: the n that may differ from 0."""
    x = np.random.default_rng(seed).standard_normal((n, len(mu))) * np.sqrt(mu)
    gram = x @ x.T / n if n < len(mu) else x.T @ x / n
    return np.linalg.eigvalsh(gram)[::-1]


def test_the_figure_of_a_thousand_nodes() -> None:
    """n = 100: the uncorrected reading is 3 times off."""
    predicted = theory.empirical_degrees_of_freedom(NODES, 0.01, 100)
    assert predicted == pytest.approx(79.53, abs=0.005)
    assert theory.degrees_of_freedom(NODES, 0.01) == pytest.approx(239.3, abs=0.05)
    spectra = [_samples(NODES, 100, seed) for seed in range(60)]
    found = [theory.degrees_of_freedom(mu, 0.01) for mu in spectra]
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    # the law is seen to err by .05 % here (79.49); 6 standard errors: false alarms below 1e-6
    assert abs(np.mean(found) - predicted) <= 0.002 * predicted + 6 * error
    assert 6 * error < 0.002 * predicted


@pytest.mark.parametrize(("samples", "kappa"), [(100, 0.05), (400, 0.01), (3000, 0.002)])
def test_the_population_is_read_off_the_data(samples, kappa) -> None:
    wanted = theory.degrees_of_freedom(NODES, kappa)
    read = [
        theory.population_degrees_of_freedom(_samples(NODES, samples, seed), kappa, samples)
        for seed in range(5)
    ]
    error = np.std(read, ddof=1) / np.sqrt(len(read))
    assert abs(np.mean(read) - wanted) <= 0.01 * wanted + 6 * error  # law 1 %; six sd as above
    naive = theory.degrees_of_freedom(_samples(NODES, samples, 0), kappa)
    assert abs(naive - wanted) > 2 * abs(np.mean(read) - wanted)


@given(
    rank=st.integers(1, 12),
    more=st.integers(0, 5),
    decay=st.floats(0.0, 2.0),
    log_ridge=st.floats(-6, 3),
)
def test_both_directions_solve_the_same_equation(rank, more, decay, log_ridge) -> None:
    mu, n, lam = np.arange(1.0, rank + 1) ** -decay, rank + more, 10**log_ridge
    dof = theory.degrees_of_freedom(mu, lam)
    kappa = theory.population_ridge(mu, lam, n)
    # 1 - N/n is computed from terms of one sign; from N itself it loses the share 1 - N/n
    assert kappa * (1 - dof / n) == pytest.approx(lam, rel=1e-14 * n / (1 - dof / n), abs=0)
    back = theory.population_degrees_of_freedom(mu, kappa, n)
    steep = 1 - dof / n if more == 0 else more / n  # where lam moves most with kappa
    assert back == pytest.approx(dof, rel=1e-12 / steep, abs=0)


@given(decay=st.floats(0.0, 2.0), log_ridge=st.floats(-6, 2), samples=st.integers(1, 60))
def test_the_prediction_is_the_fixed_point(decay, log_ridge, samples) -> None:
    mu, lam = np.arange(1.0, 31.0) ** -decay, 10**log_ridge
    found = theory.empirical_degrees_of_freedom(mu, lam, samples)
    assert 0 < found < samples
    kappa = lam / (1 - found / samples)
    # kappa, and N with it, is off by eps over 1 - N/n
    assert theory.degrees_of_freedom(mu, kappa) == pytest.approx(
        found, rel=1e-13 / (1 - found / samples)
    )
    assert found <= theory.degrees_of_freedom(mu, lam) * (1 + 1e-14)


def test_ends() -> None:
    assert theory.empirical_degrees_of_freedom(NODES, 0.0, 100) == pytest.approx(100, rel=1e-12)
    assert theory.empirical_degrees_of_freedom(np.ones(5), 0.0, 9) == 5
    assert theory.population_ridge(np.zeros(3), 0.5, 4) == 0.5
    assert theory.population_degrees_of_freedom(np.zeros(3), 0.5, 4) == 0.0
    # n = rank: lam -> 0 stands for n / sum 1/mu = 2/3
    assert theory.population_degrees_of_freedom([1.0, 0.5], 0.6667, 2) == pytest.approx(2, rel=1e-4)
    with pytest.raises(theory.InapplicableError, match=r"ridges above 0\.666667 only"):
        theory.population_degrees_of_freedom([1.0, 0.5], 0.6666, 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.population_ridge(np.ones(3), 0.1, 2), "2 samples cannot have .* rank 3"),
        (lambda: theory.population_ridge(np.ones(3), 0.0, 3), "ridge"),
        (lambda: theory.population_degrees_of_freedom(np.ones(3), 0.1, 2.5), "samples"),
        (lambda: theory.empirical_degrees_of_freedom(np.ones(3), -1.0, 2), "ridge"),
        (lambda: theory.empirical_degrees_of_freedom(np.ones(3), 1.0, 0), "samples"),
    ],
)
def test_bad_arguments(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_array_libraries_agree(to_backend) -> None:
    cov = np.diag([3.0, 1.0, 0.5, 0.0])
    for ask in (
        theory.empirical_degrees_of_freedom,
        theory.population_ridge,
        theory.population_degrees_of_freedom,
    ):
        assert ask(to_backend(cov), 1.5, 3) == pytest.approx(ask(cov, 1.5, 3), rel=1e-12, abs=0)
