"""T4 and T5: constants by brute force, sampling by enumeration, greedy steps by least squares."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from pruneproof import theory


def constant_by_search(q: float, m: int) -> float:
    def kappa(k: int) -> float:
        return 1.0 if k == 0 else max((big - k) * big ** (-1 / q) for big in range(k + 1, 20_000))

    return m ** (1 / q - 0.5) * min(kappa(k) / math.sqrt(m - k) for k in range(m))


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8, 0.95])
def test_constant(q: float) -> None:
    for m in (1, 2, 5, 9):
        expected = constant_by_search(q, m)
        assert theory.dictionary_constant(q, m) == pytest.approx(expected, rel=1e-11, abs=0)
    assert theory.dictionary_constant(q, 1) == 1.0
    assert theory.dictionary_constant(1.0, 7) == pytest.approx(1.0, rel=1e-14, abs=0)


def test_largest_constant() -> None:
    x = math.log(10 * math.sqrt(2)) / math.log(11)
    assert theory.dictionary_constant(1 / x, 2) == pytest.approx(2 ** (x - 1), rel=1e-13, abs=0)
    assert 1.07533 < 2 ** (x - 1) < 1.07534
    grid = np.linspace(0.02, 1, 99)
    for m in range(2, 30):
        worst = max(theory.dictionary_constant(q, m) for q in grid)
        assert worst <= (1.0754 if m == 2 else 1.0565)


def frames(seed: int, count: int, size: int) -> Any:
    rng = np.random.default_rng(seed)
    atoms = rng.standard_normal((size, count)) * rng.uniform(0.1, 3, count)
    return atoms, rng.standard_t(2, count)


@pytest.mark.parametrize("seed", range(6))
def test_best_terms_are_below_the_bound(seed: int) -> None:
    atoms, c = frames(seed, 7, 5)
    f, norms = atoms @ c, np.linalg.norm(atoms, axis=0)
    for m in (1, 2, 4):
        best = min(
            np.linalg.norm(f - atoms[:, s] @ np.linalg.lstsq(atoms[:, s], f, rcond=None)[0])
            for s in map(list, itertools.combinations(range(7), m))
        )
        for q in (0.3, 0.7, 1.0):
            assert best <= theory.dictionary_bound(c, norms, m, q).value * (1 + 1e-12)


def test_sampled_error_is_exact() -> None:
    atoms, c = frames(1, 4, 3)
    gram, norms = atoms.T @ atoms, np.linalg.norm(atoms, axis=0)
    sizes = np.abs(c) * norms
    top = int(np.argmax(sizes))
    rest = np.where(np.arange(4) == top, 0.0, sizes)
    mass = rest.sum()
    total = 0.0
    for draw in itertools.product(range(4), repeat=2):  # m = 3, k = 1: all outcomes of two draws
        picked = np.zeros(4)
        picked[top] = c[top]
        for j in draw:
            picked[j] += mass / 2 * np.sign(c[j]) / norms[j]
        weight = np.prod(rest[list(draw)] / mass)
        total += weight * np.sum((atoms @ (c - picked)) ** 2)
    assert theory.sampled_error(gram, c, 3, 1) == pytest.approx(total, rel=1e-12, abs=0)
    draws = np.array([theory.sampled_terms(c, norms, 3, 1, rng=s) for s in range(1600)])
    assert np.all(np.count_nonzero(draws, axis=1) <= 3)
    assert np.all(np.abs(draws) @ norms <= sizes.sum() * (1 + 1e-12))
    errors = np.sum(((c - draws) @ atoms.T) ** 2, axis=1)
    spread = errors.std() / math.sqrt(errors.size)
    assert abs(errors.mean() - total) < 5 * spread  # false alarm 6e-7
    np.testing.assert_allclose(draws.mean(axis=0), c, atol=5 * draws.std(axis=0).max() / 40)


@pytest.mark.parametrize("seed", range(6))
def test_greedy_steps(seed: int) -> None:
    atoms, c = frames(seed, 12, 6)
    atoms[:, 3] = 0.0
    atoms[:, 5] = atoms[:, 4]
    f = atoms @ c
    found = theory.orthogonal_greedy(atoms, f, 6)
    unit = atoms / np.where(np.linalg.norm(atoms, axis=0) > 0, np.linalg.norm(atoms, axis=0), 1)
    l1 = np.sum(np.abs(c) * np.linalg.norm(atoms, axis=0))
    residual: Any = f
    for step, j in enumerate(found.kept):
        assert np.abs(unit[:, j] @ residual) >= np.max(np.abs(unit.T @ residual)) * (1 - 1e-9)
        chosen = atoms[:, found.kept[: step + 1]]
        residual = f - chosen @ np.linalg.lstsq(chosen, f, rcond=None)[0]
        error = np.linalg.norm(residual)
        assert found.errors[step + 1] == pytest.approx(error, rel=1e-9, abs=1e-12 * l1)
        assert found.errors[step + 1] <= theory.greedy_bound(l1, step + 1).value
    assert found.errors[0] <= theory.greedy_bound(l1, 0).value
    gap = np.linalg.norm(f - atoms[:, found.kept] @ found.coefficients)
    assert gap == pytest.approx(found.errors[-1], rel=1e-6, abs=1e-11 * l1)
    assert len(found.errors) == len(found.kept) + 1
    short = theory.orthogonal_greedy(atoms, f, 6, tolerance=found.errors[2])
    assert len(short.kept) == 2
    nothing = theory.orthogonal_greedy(atoms, np.zeros(6), 6)
    assert nothing.kept.size == nothing.coefficients.size == 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: theory.dictionary_constant(1.5, 2), "q must be above 0 and at most 1"),
        (lambda: theory.dictionary_constant(0.5, 0), "terms must be at least 1"),
        (lambda: theory.sampled_terms([1.0], [1.0], 2, 2, rng=0), "at most 1"),
        (lambda: theory.dictionary_bound([1.0], [-1.0], 1, 1), "at least 0"),
        (lambda: theory.orthogonal_greedy(np.eye(2), [1.0], 1), "2 entries"),
    ],
)
def test_wrong_arguments(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
