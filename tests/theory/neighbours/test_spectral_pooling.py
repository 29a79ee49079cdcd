"""Spectral pooling: the energy identity, odd and even sizes, the best linear map of its rank."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof import theory


@st.composite
def signals(draw):
    """A signal of one or two axes from a structured family, and a size kept for each axis."""
    shape = tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=2)))
    kept = tuple(draw(st.integers(1, n)) for n in shape)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    family = draw(st.sampled_from(["noise", "flat", "one-hot", "alternating", "tiny", "huge"]))
    x = rng.standard_normal(shape)
    if family == "flat":
        x = np.ones(shape)
    elif family == "one-hot":
        x = np.zeros(shape)
        x[(0,) * len(shape)] = 1.0
    elif family == "alternating":  # all of it at the Nyquist frequency, where the size is even
        x = (-1.0) ** np.indices(shape).sum(axis=0)
    return x * {"tiny": 1e-100, "huge": 1e100}.get(family, 1.0), kept


@settings(max_examples=25)
@given(case=signals())
def test_the_error_is_the_discarded_energy(case) -> None:
    x, kept = case
    mask = theory.low_frequencies(x.shape, kept)
    error = np.sum((x - theory.spectral_filter(x, mask)) ** 2)
    # transforms of at most 81 entries err by 7 eps of the norm
    scale = np.sum(x**2)
    assert error == pytest.approx(theory.discarded_energy(x, mask), rel=1e-12, abs=1e-27 * scale)


@settings(max_examples=25)
@given(case=signals(), seed=st.integers(0, 999))
def test_the_real_part_of_any_filter_is_no_worse(case, seed) -> None:
    x, _ = case
    mask = np.random.default_rng(seed).random(x.shape) < 0.5
    error = np.sum((x - theory.spectral_filter(x, mask)) ** 2)
    assert error <= theory.discarded_energy(x, mask) + 1e-13 * np.sum(x**2)


@settings(max_examples=20)
@given(case=signals())
def test_pooling_keeps_the_low_frequencies_and_the_mean(case) -> None:
    x, kept = case
    small = theory.spectral_pool(x, kept)
    scale = float(np.max(np.abs(x)))
    assert small.shape == kept
    assert np.mean(small) == pytest.approx(np.mean(x), abs=1e-14 * scale)
    # below the Nyquist frequency both grids have the same Fourier coefficients
    ours, theirs = np.fft.fftn(small, norm="forward"), np.fft.fftn(x, norm="forward")
    for place in np.ndindex(kept):
        frequency = [f if 2 * f < m else f - m for f, m in zip(place, kept)]
        if all(2 * abs(f) < m or m == n for f, m, n in zip(frequency, kept, x.shape)):
            assert ours[place] == pytest.approx(theirs[tuple(frequency)], abs=1e-13 * scale)


def test_pooling_of_a_band_limited_signal_samples_it() -> None:
    n, m = 24, 8
    t = np.arange(n) / n
    x = 1 + np.cos(2 * np.pi * t) - 0.5 * np.sin(2 * np.pi * 3 * t)
    assert theory.spectral_pool(x, m) == pytest.approx(x[:: n // m], rel=1e-13)
    # the real part of a crop to exactly m frequencies: a cosine at its edge is halved
    crop = np.fft.fftshift(np.fft.fft(x + np.cos(2 * np.pi * 4 * t) + np.sin(2 * np.pi * 4 * t)))
    middle = np.fft.ifftshift(crop[n // 2 - m // 2 : n // 2 + m // 2])
    wanted = np.fft.ifft(middle * m / n).real
    edge = np.cos(2 * np.pi * 4 * t) + np.sin(2 * np.pi * 4 * t)
    assert theory.spectral_pool(x + edge, m) == pytest.approx(wanted, rel=1e-13)
    halved = x[:: n // m] + 0.5 * (-1.0) ** np.arange(m)
    assert wanted == pytest.approx(halved, rel=1e-13)


def test_no_linear_map_of_that_rank_is_better_than_the_least_powers() -> None:
    """The eigenvalues of a circulant covariance are the powers; Eckart and Young."""
    rng = np.random.default_rng(0)
    power = np.abs(np.fft.fft(rng.standard_normal(9))) ** 2  # symmetric
    cov = np.array([np.roll(np.fft.ifft(power).real, k) for k in range(9)])
    mask = theory.low_frequencies(9, 5)
    error, least = theory.pooling_error(power, mask)
    assert least == pytest.approx(np.sum(np.linalg.eigvalsh(cov)[:4]), rel=1e-12)
    assert error >= least
    pink = 1.0 / (1.0 + np.abs(np.fft.fftfreq(9)))
    assert len(set(theory.pooling_error(pink, mask))) == 1  # low pass is best
    band = np.where(np.abs(np.fft.fftfreq(9, 1 / 9)) >= 3, 1.0, 0.1)
    assert theory.pooling_error(band, mask) == pytest.approx((4.0, 0.5 - 0.1 + 0.0), rel=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.low_frequencies((4, 4), 2), "size has 2 axes, kept 1"),
        (lambda: theory.low_frequencies(4, 5), "kept must be at least 1 and at most 4"),
        (lambda: theory.spectral_filter(np.ones(4), np.ones(4)), "mask of shape"),
        (lambda: theory.discarded_energy(np.ones(4), np.ones(3, bool)), "mask of shape"),
        (lambda: theory.spectral_pool(np.ones((4, 4)), 2), "shape has 1 axes, the signal 2"),
        (lambda: theory.spectral_pool([1.0, np.nan], 1), "NaN"),
        (lambda: theory.pooling_error([-1.0, 1.0], np.ones(2, bool)), "at least 0"),
    ],
)
def test_refusals_say_why(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
