"""Holm and e-BH: against their definitions by listing all subsets, and their error rates.

Simulated rates are compared by Clopper-Pearson limits at level 1e-9.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from pruneproof.proofs_check.statistics.binomial import lower_limit
from pruneproof.proofs_check.statistics.multiplicity import e_bh, holm


def _subsets(count: int) -> list[tuple[int, ...]]:
    sizes = range(1, count + 1)
    return [s for size in sizes for s in itertools.combinations(range(count), size)]


def _closed_test(p: np.ndarray, alpha: float) -> np.ndarray:
    """Rejected by Bonferroni's test of every intersection that it is part of."""
    rejected = {s: min(p[j] for j in s) * len(s) <= alpha for s in _subsets(len(p))}
    return np.array([all(r for s, r in rejected.items() if i in s) for i in range(len(p))])


def _largest_consistent(e: np.ndarray, alpha: float) -> np.ndarray:
    """Largest set whose members all have e >= M/(alpha |set|); the union of all such sets."""
    found: set[int] = set()
    for s in _subsets(len(e)):
        if all(e[j] * alpha * len(s) >= len(e) for j in s):
            found |= set(s)
    return np.array([i in found for i in range(len(e))])


def test_holm_is_the_closed_bonferroni_test() -> None:
    rng = np.random.default_rng(0)
    for count in range(1, 7):
        for _ in range(20):
            p = np.round(rng.beta(0.3, 2.0, count), 3)  # rounded, so that there are ties
            adjusted = holm(p)
            for alpha in (0.0013, 0.0507, 0.2503, 0.6501):  # away from whole multiples of .001
                np.testing.assert_array_equal(adjusted <= alpha, _closed_test(p, alpha))


def test_e_bh_is_the_largest_self_consistent_set() -> None:
    rng = np.random.default_rng(1)
    for count in range(1, 7):
        for _ in range(20):
            e = np.round(np.exp(rng.normal(1.0, 2.5, count)), 1)
            with np.errstate(divide="ignore"):
                adjusted = e_bh(np.log(e))
            for alpha in (0.0131, 0.0507, 0.2503, 0.6501):
                np.testing.assert_array_equal(adjusted <= alpha, _largest_consistent(e, alpha))


def test_known_cases_and_extremes() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(e_bh(np.log([80.0, 10.0, 40.0, 1.0])), [0.05, 4 / 30, 0.05, 1.0])
    np.testing.assert_array_equal(e_bh([1e6, -math.inf, math.inf]), [0.0, 1.0, 0.0])
    assert holm([]).shape == e_bh([]).shape == (0,)
    given = np.array([0.5, 0.1])
    given.flags.writeable = False
    np.testing.assert_array_equal(holm(given), [0.5, 0.2])


def _normals(rng: np.random.Generator, runs: int, count: int, shared: float) -> np.ndarray:
    """Normal statistics of which the first half has mean 3, correlated through a common part."""
    common = rng.standard_normal((runs, 1))
    z = math.sqrt(shared) * common + math.sqrt(1 - shared) * rng.standard_normal((runs, count))
    z[:, : count // 2] += 3.0
    return z


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_error_rates_under_dependence(shared: float) -> None:
    from scipy.stats import norm

    runs, count, alpha = 3000, 10, 0.1
    z = _normals(np.random.default_rng(2), runs, count, shared)
    rejected = np.array([holm(p) <= alpha for p in norm.sf(z)])
    false_any = int(np.sum(np.any(rejected[:, count // 2 :], axis=1)))
    assert lower_limit(false_any, runs, alpha=1e-9) <= alpha
    assert np.mean(rejected[:, : count // 2]) > 0.5
    # likelihood ratios of mean 3 against 0 are e-values
    rejected = np.array([e_bh(3.0 * row - 4.5) <= alpha for row in z])
    lost = np.sum(rejected[:, count // 2 :], axis=1) / np.maximum(np.sum(rejected, axis=1), 1)
    assert np.mean(lost) - 6 * np.std(lost) / math.sqrt(runs) <= alpha  # 6 sigma: 1e-9
    assert np.mean(rejected[:, : count // 2]) > 0.3
    # the comparison can fail: without a correction the family's error is seen
    naive = int(np.sum(np.any(norm.sf(z)[:, count // 2 :] <= alpha, axis=1)))
    assert lower_limit(naive, runs, alpha=1e-9) > alpha


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"p_values must lie in \[0, 1\]"):
        holm([0.5, 1.5])
    with pytest.raises(ValueError, match="log_e_values must be a vector"):
        e_bh([0.0, math.nan])
    with pytest.raises(ValueError, match="p_values must be a vector"):
        holm([[0.5]])
