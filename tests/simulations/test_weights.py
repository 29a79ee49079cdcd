"""Coherent weights: the laws of their entries, and the refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from pruneproof.simulations.weights import SMALL, coherent_weights


@pytest.mark.parametrize("coherence", [0.0, 0.5, 1.0])
def test_entries_have_the_stated_laws(coherence) -> None:
    w = coherent_weights(coherence, size=300, small=0.8, rng=7)
    assert w.shape == (300, 300)
    # a normal entry is also below SMALL with probability erf(SMALL/sqrt 2)
    below = np.abs(w) < SMALL
    share = 0.8 + 0.2 * math.erf(SMALL / math.sqrt(2.0))
    assert binomtest(int(below.sum()), below.size, share).pvalue > 1e-6
    positive = (0.4 * (1.0 + coherence) + (share - 0.8) / 2.0) / share
    assert binomtest(int((w[below] > 0).sum()), int(below.sum()), positive).pvalue > 1e-6
    # sizes of small ones: uniform, but for 3 % of nearly flat normal ones; 6 standard errors
    error = SMALL / math.sqrt(12.0 * below.sum())
    assert abs(np.abs(w[below]).mean() - SMALL / 2) < 6 * error + 1e-4


def test_one_seed_makes_one_matrix_and_only_signs_depend_on_coherence() -> None:
    first, second = (coherent_weights(c, size=20, rng=3) for c in (0.2, 0.9))
    np.testing.assert_array_equal(np.abs(first), np.abs(second))
    np.testing.assert_array_equal(first, coherent_weights(0.2, size=20, rng=3))


@pytest.mark.parametrize(
    "arguments", [{"coherence": 1.2}, {"coherence": -0.1}, {"small": 1.1}, {"size": 0}]
)
def test_refusals(arguments) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        coherent_weights(**{"coherence": 0.5, **arguments}, rng=0)
