"""One strong direction in noise: the recalled formulas against each other and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof import theory


@given(log_aspect=st.floats(-4, 2), above=st.floats(0.01, 20.0))
def test_the_location_solves_the_master_equation(log_aspect, above) -> None:
    """At x outside the noise the spike l obeys l = -1/s(x), s the companion Stieltjes transform.

    s solves x = -1/s + g/(1 + s) for unit noise; the squared overlap is l s'(..) as a residue.
    """
    g = 10**log_aspect
    spike = (1 + math.sqrt(g)) * (1 + above)
    x = theory.spike_location(spike, g)
    s = -1 / spike
    assert -1 / s + g / (1 + s) == pytest.approx(x, rel=1e-13)
    # overlap = (l/x) dx/dl, by central differences (error h^2 against h = 1e-4)
    h = 1e-4 * (spike - 1 - math.sqrt(g))
    slope = (theory.spike_location(spike + h, g) - theory.spike_location(spike - h, g)) / (2 * h)
    assert theory.spike_overlap(spike, g) == pytest.approx(slope * spike / x, rel=1e-4, abs=1e-9)
    assert x > theory.marchenko_pastur_edges(g).upper
    assert 0 < theory.spike_overlap(spike, g) < 1


def test_simulation() -> None:
    m, n, spike = 300, 600, 4.0
    g = m / n
    tops, overlaps, ends = [], [], []
    for seed in range(12):
        x = np.random.default_rng(seed).standard_normal((n, m))
        x[:, 0] *= math.sqrt(spike)
        values, vectors = np.linalg.eigh(x.T @ x / n)
        tops.append(values[-1])
        overlaps.append(vectors[0, -1] ** 2)
        ends.append((values[0], values[-2]))
    for found, law in (
        (tops, theory.spike_location(spike, g)),
        (overlaps, theory.spike_overlap(spike, g)),
    ):
        error = np.std(found, ddof=1) / math.sqrt(len(found))
        # the limit is off by O(1/n); 6 standard errors of 12 replicates: false alarms about 1e-4
        assert abs(np.mean(found) - law) <= 0.01 * law + 6 * error
        assert 6 * error < 0.1 * law
    # edges move on the scale n^(-2/3) = 1.4 %
    edges = theory.marchenko_pastur_edges(g)
    np.testing.assert_allclose(np.mean(ends, axis=0), edges, rtol=0.1)


def test_threshold_and_ends() -> None:
    assert theory.marchenko_pastur_edges(1.0) == (0.0, 4.0)
    edge = 1.5 * (1 + 1e-9)  # g = 1/4
    assert theory.spike_location(edge, 0.25) == pytest.approx(1.5**2, rel=1e-8)
    assert theory.spike_overlap(edge, 0.25) == pytest.approx(0.0, abs=1e-8)
    assert theory.spike_location(1e12, 0.25) == pytest.approx(1e12, rel=1e-11)
    for ask in (theory.spike_location, theory.spike_overlap):
        with pytest.raises(theory.InapplicableError, match=r"threshold is 1 \+ sqrt\(g\) = 1\.5"):
            ask(1.5, 0.25)
        with pytest.raises(ValueError, match="aspect"):
            ask(3.0, 0.0)
        with pytest.raises(ValueError, match="spike"):
            ask(-3.0, 1.0)
    with pytest.raises(ValueError, match="aspect"):
        theory.marchenko_pastur_edges(-1.0)


def test_an_enormous_spike_is_found_exactly() -> None:
    assert theory.spike_overlap(1e300, 0.5) == 1.0
