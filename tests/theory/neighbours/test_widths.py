"""Width tails: totals, sums term by term, a discrete family, blocks, random features."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof import theory

DIMENSIONS = [2, 3, 5, 10]


def sphere(rng, n: int, d: int):
    x = rng.standard_normal((n, d))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("d", [2, 3, 10, 200, 10**6])
def test_at_no_width_all_the_energy_is_left(d) -> None:
    assert theory.neuron_width_tail(d, 0) == pytest.approx(0.5 / d, rel=1e-13, abs=0)
    # of D = 1e6 the logarithms of 1e5 err by 1e-12
    assert theory.neuron_width_tail(d, 0, "sign") == pytest.approx(1.0, rel=3e-12, abs=0)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 17, 1000, 2 * 10**6 + 1, 10**12, 10**90])
def test_the_circle_in_closed_form(width) -> None:
    """mu = 1/(pi (l^2-1))^2, twice each: trigamma, and beyond degree 1000 its series by powers."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(250):
        if width <= 3:
            low = [1 / mpmath.pi**2, mpmath.mpf(1) / 16, mpmath.mpf(1) / 16][width:]
            wanted = mpmath.fsum(low) + mpmath.mpf(1) / 4 - 1 / mpmath.pi**2 - mpmath.mpf(1) / 8
        else:
            half = (width - 3) // 2  # pairs of degree 2..2 half kept
            first = mpmath.mpf(2 * half + 2)
            squares = (mpmath.zeta(2, (first - 1) / 2) + mpmath.zeta(2, (first + 1) / 2)) / 4
            wanted = (squares - 1 / (first - 1)) / (2 * mpmath.pi**2)
            if (width - 3) % 2:
                wanted -= 1 / (mpmath.pi * (first**2 - 1)) ** 2
        wanted = float(wanted)
    assert theory.neuron_width_tail(2, width) == pytest.approx(wanted, rel=1e-12, abs=0)


@settings(max_examples=20)
@given(
    d=st.sampled_from([2, 3, 5, 10]),
    width=st.integers(0, 3000),
    activation=st.sampled_from(["relu", "sign"]),
)
def test_the_tail_is_the_energy_less_what_is_kept(d, width, activation) -> None:
    mu = sorted_spectrum(d, activation, 3000)
    kept = math.fsum(mu[:width])
    whole = 0.5 / d if activation == "relu" else 1.0
    found = theory.neuron_width_tail(d, width, activation)
    # coefficients err by 1e-14, and the difference cancels
    assert found == pytest.approx(whole - kept, abs=1e-13 * whole)
    assert found > 0.0


def sorted_spectrum(d: int, activation: str, size: int):
    closed = {
        "relu": theory.relu_harmonic_coefficient,
        "sign": theory.sign_harmonic_coefficient,
    }[activation]
    found: list[float] = []
    for ell in range(2 * size):
        found += [closed(d, ell) ** 2] * min(theory.harmonic_multiplicity(d, ell), size)
        if len(found) > 4 * size + 4 * d:
            break
    return sorted(found, reverse=True)[:size]


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_curse_of_dimension(d) -> None:
    for power, activation in ((-3, "relu"), (-1, "sign")):
        near, far = (theory.neuron_width_tail(d, k * 10**40, activation) for k in (1, 100))
        # corrections are of relative order 1/degree^2, and the degree is k^{1/(D-1)}
        assert math.log(far / near) / math.log(100) == pytest.approx(power / (d - 1), rel=1e-6)


def test_steps_between_widths_are_the_eigenvalues() -> None:
    for d in DIMENSIONS:
        mu = sorted_spectrum(d, "relu", 60)
        tails = [theory.neuron_width_tail(d, k) for k in range(61)]
        # a difference of tails of at most 1/(2D)
        assert -np.diff(tails) == pytest.approx(mu, abs=1e-15)


def test_huge_widths_neither_overflow_nor_cancel() -> None:
    """Width C(L+D-1, D-1) + D holds the even degrees up to L exactly."""
    d, degree = 50, 10**6
    held = math.comb(degree + d - 1, d - 1) + d
    here, after = (theory.neuron_width_tail(d, k) for k in (held, held + 10**200))
    first = theory.harmonic_multiplicity(d, degree + 2)
    coefficient = math.log(abs(theory.relu_harmonic_coefficient(d, degree + 2)))
    step = math.exp(2 * coefficient + math.log(10**200))
    assert first > 10**200
    assert here - after == pytest.approx(step, rel=1e-6, abs=4 * 2**-52 * here)
    assert theory.neuron_width_tail(2, 10**4000) == 0.0
    assert 0.0 < theory.neuron_width_tail(1000, 10**2000) < 1e-3


@pytest.mark.parametrize("gain", [0.3, 3.0, 30.0])
def test_tanh_by_its_own_energy(gain) -> None:
    """Blocks up to degree L leave E tanh^2 - sum, wherever that keeps its digits."""
    d = 4
    nodes, weights = np.polynomial.legendre.leggauss(400)
    t = (nodes + 1) / 2
    density = (1 - t**2) ** ((d - 3) / 2) * weights
    energy = float(density @ np.tanh(gain * t) ** 2 / np.sum(density))
    found = theory.harmonic_block_error(d, (), "tanh", gain=gain)
    assert found == pytest.approx(energy, rel=1e-6)  # a square root at the end of the segment
    a = theory.harmonic_coefficients(lambda t: np.tanh(gain * t), d, 9)
    kept = sum(theory.harmonic_multiplicity(d, ell) * a[ell] ** 2 for ell in range(10))
    left = theory.harmonic_block_error(d, range(10), "tanh", gain=gain)
    assert left == pytest.approx(found - kept, rel=1e-9, abs=1e-14)
    width = sum(theory.harmonic_multiplicity(d, ell) for ell in range(1, 10, 2))
    assert theory.neuron_width_tail(d, width, "tanh", gain=gain) == pytest.approx(left, rel=1e-12)


@pytest.mark.parametrize(
    ("gain", "stated"), [(0.3, 1.2e-9), (1, 1.1e-5), (3, 0.0047), (10, 0.078), (100, 0.197)]
)
def test_smooth_neurons_are_far_easier(gain, stated) -> None:
    """Figures of statement K5, to the digits that it prints."""
    left, whole = (
        theory.harmonic_block_error(10, degrees, "tanh", gain=gain) for degrees in (range(4), ())
    )
    assert left / whole == pytest.approx(stated, rel=0.04)


def test_kinks_and_steps_in_ten_dimensions() -> None:
    assert theory.harmonic_block_error(10, range(4)) * 20 == pytest.approx(0.016, rel=0.01)
    assert theory.harmonic_block_error(10, range(4), "sign") == pytest.approx(0.215, rel=0.002)
    assert theory.harmonic_block_error(10, range(4), gain=7.0) * 20 / 49 == pytest.approx(
        0.016, rel=0.01
    )


def test_blocks_are_optimal_only_without_idle_degrees() -> None:
    width = sum(theory.harmonic_multiplicity(3, ell) for ell in (0, 1, 2))
    best = theory.neuron_width_tail(3, width)
    assert theory.harmonic_block_error(3, (0, 1, 2)) == pytest.approx(best, rel=1e-13, abs=0)
    idle = theory.harmonic_block_error(3, (0, 1, 2, 3)) / theory.neuron_width_tail(3, width + 7)
    # 1/768 and, with 7 of the 9 harmonics of degree 4 in place of the odd ones, 5/9216
    assert idle == pytest.approx(12 / 5, rel=1e-13)
    for kept in ((5,), (2, 7), (0,)):
        energy = [
            theory.harmonic_multiplicity(3, ell) * theory.sign_harmonic_coefficient(3, ell) ** 2
            for ell in kept
        ]
        found = theory.harmonic_block_error(3, kept, "sign")
        assert found == pytest.approx(1 - sum(energy), rel=1e-14)


@pytest.mark.parametrize("d", [3, 6])
def test_sampled_neurons_have_that_width(d) -> None:
    """K1 by Monte Carlo: the discrete tail of n inputs and N neurons nears the kernel's."""
    rng, width = np.random.default_rng(d), 1 + d
    found = [
        theory.average_width(np.maximum(sphere(rng, 400, d) @ sphere(rng, 500, d).T, 0.0), width)
        for _ in range(6)
    ]
    tail = theory.neuron_width_tail(d, width)
    # a sample's best functions fit it: of kept over n + N they gain about 2 k/400
    assert np.mean(found) == pytest.approx(tail, rel=2 * (1 + d) / 400 + 0.02)


def test_average_and_worst_case_of_a_sample() -> None:
    rng = np.random.default_rng(1)
    phi = np.maximum(sphere(rng, 60, 4) @ sphere(rng, 40, 4).T, 0.0)
    left = np.linalg.svd(phi)[0]
    for k in (0, 1, 5, 40):
        best = theory.neuron_distances(phi, left[:, :k])
        width = theory.average_width(phi, k)
        assert np.mean(best) == pytest.approx(width, rel=1e-10, abs=1e-30)
        other = theory.neuron_distances(phi, rng.standard_normal((60, k)))
        assert np.mean(other) >= width * (1 - 1e-10) - 1e-30
        assert np.max(other) >= np.mean(other)
    twice = np.concatenate([left[:, :3], left[:, :3] @ np.ones((3, 2))], axis=1)
    assert theory.neuron_distances(phi, twice) == pytest.approx(
        theory.neuron_distances(phi, left[:, :3]), rel=1e-12
    )


def test_random_features_serve_no_neuron_better() -> None:
    """K4: the mean over features of one neuron's distance, against the tail."""
    rng, d, k = np.random.default_rng(2), 3, 9
    x = sphere(rng, 4000, d)
    phi = np.maximum(x[:, :1], 0.0)
    errors = [
        float(theory.neuron_distances(phi, np.maximum(x @ sphere(rng, k, d).T, 0.0))[0])
        for _ in range(60)
    ]
    noise = 4 * np.std(errors) / math.sqrt(60)
    assert np.mean(errors) - noise >= theory.neuron_width_tail(d, k)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.neuron_width_tail(3, -1), "width must be at least 0"),
        (lambda: theory.neuron_width_tail(3, 5, "softplus"), "activation must be one of relu"),
        (lambda: theory.neuron_width_tail(3, 5, "tanh", gain=0.0), "gain must be above 0"),
        (lambda: theory.neuron_width_tail(10, 10**9, "tanh"), "only known to within"),
        (lambda: theory.neuron_width_tail(3, 5, "tanh", gain=1e5), "near degree 4096"),
        (lambda: theory.harmonic_block_error(3, (1, 2, 1)), "1 comes twice"),
        (lambda: theory.average_width(np.ones((3, 2)), 3), "at most 2"),
        (lambda: theory.neuron_distances(np.ones((3, 2)), np.ones((4, 2))), "3 rows, functions 4"),
    ],
)
def test_refusals_say_why(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_shares_of_a_degree_are_exact() -> None:
    """Between two blocks the tail is linear in the width, at rational points."""
    d, low = 7, math.comb(7 + 7 - 1, 6)  # odd degrees up to 7 of the sign
    count = theory.harmonic_multiplicity(d, 9)
    ends = [theory.neuron_width_tail(d, low + part, "sign") for part in (0, count)]
    for part in (1, count // 3, count - 1):
        share = float(Fraction(part, count))
        wanted = ends[0] + share * (ends[1] - ends[0])
        found = theory.neuron_width_tail(d, low + part, "sign")
        assert found == pytest.approx(wanted, rel=1e-13, abs=0)
