"""S1 to S4, S7, S13: inequalities on structured pairs, and matrices at which they are met.

Worst ratios of left to right are asserted where a statement is sharp. SLACK covers the roundings of
the singular value decompositions of both sides, a few eps of the largest singular value.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory import (
    drineas_zouzias_draws,
    dropped_norm_bound,
    dropping_floor,
    ky_fan_norms,
    low_rank_error,
    low_rank_error_bound,
    low_rank_plus_sparse,
    low_rank_plus_sparse_floor,
    rank_one_interlacing,
    schur_test,
    singular_value_bound,
    singular_value_shift,
    sparsify,
    subspace_sines,
    threshold_poisson,
    wedin_bound,
    yu_wang_samworth_bound,
)

Floats = NDArray[np.float64]
SLACK = 1e-12


def pair(family: str, m: int, n: int, seed: int, amount: float) -> tuple[Floats, Floats]:
    """A matrix and its perturbation."""
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((m, n))
    if family == "low rank":
        w = np.outer(w[:, 0], w[0])
    elif family == "decay":
        u, s, vt = np.linalg.svd(w, full_matrices=False)
        w = (u * 2.0 ** -np.arange(len(s))) @ vt
    elif family == "flat":
        w = np.ones((m, n))
    elif family == "pruned":
        return w, sparsify(w, max(1, int(amount * w.size)), method="magnitude")
    return w, w + amount * rng.standard_normal((m, n))


PAIRS = st.builds(
    pair,
    st.sampled_from(["gauss", "low rank", "decay", "flat", "pruned"]),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 99),
    st.sampled_from([1e-6, 0.01, 0.1, 0.5, 1.0]),
)


@settings(max_examples=25)
@given(PAIRS, st.integers(1, 6))
def test_all_perturbation_bounds_hold(two: tuple[Floats, Floats], wanted: int) -> None:
    w, wh = two
    k = min(wanted, *w.shape)
    slack = SLACK * (np.linalg.norm(w) + np.linalg.norm(wh))
    for norm in ("spectral", "frobenius"):
        shift = singular_value_bound(w, wh, norm=norm)
        assert singular_value_shift(w, wh, norm=norm) <= shift.value + slack
        assert shift.value <= shift.trivial + slack
        low = low_rank_error_bound(w, wh, k, norm=norm)
        assert low_rank_error(w, wh, k, norm=norm) <= low.value + slack
        if norm == "frobenius":
            assert low.value <= low.terms["additive"] + slack
    left, right = subspace_sines(w, wh, k)
    wedin = wedin_bound(w, wh, k)
    # The computed subspaces err by eps over the gap.
    loose = slack / max(wedin.terms["gap"], slack)
    assert max(left[0], right[0]) <= wedin.value + loose
    assert np.linalg.norm(right) <= yu_wang_samworth_bound(w, wh, k).value + math.sqrt(k) * loose


def test_sharp_perturbations() -> None:
    """Ratios 1.000 of Weyl, Mirsky and S3 spectral, and of Wedin's sharp form in its limit."""
    w = np.diag([3.0, 2.0, 1.0])
    moved = np.diag([3.5, 2.0, 1.0])
    for norm in ("spectral", "frobenius"):
        assert singular_value_shift(w, moved, norm=norm) == pytest.approx(0.5, rel=1e-13, abs=0)
        assert singular_value_bound(w, moved, norm=norm).value == pytest.approx(0.5, abs=1e-15)
    # B_1 keeps the wrong direction: 1 + 2 |N| = 1 + eps + eps.
    a, b = np.diag([1.0, 1.0 - 1e-9]), np.diag([1.0 - 1e-9, 1.0])
    assert low_rank_error(a, b, 1) == pytest.approx(
        low_rank_error_bound(a, b, 1).value, rel=1e-8, abs=0
    )
    # tan of the angle, 2 theta = arctan(2 e/gap), over e/(gap - e): ratio 1 as e -> 0
    gap, e = 1.0, 1e-4
    w, d = np.diag([2.0, 2.0 - gap]), np.array([[0.0, e], [e, 0.0]])
    sines = subspace_sines(w, w + d, 1)
    assert sines[0][0] / wedin_bound(w, w + d, 1).value == pytest.approx(1.0, abs=2 * e)


def test_subspaces_without_a_gap_and_refusals() -> None:
    w = np.eye(3)
    assert wedin_bound(w, w + 0.1, 2).value == math.inf
    assert yu_wang_samworth_bound(w, w + 0.1, 2).vacuous
    assert singular_value_bound(w, w).value == 0.0
    with pytest.raises(ValueError, match="norm must be spectral or frobenius"):
        singular_value_bound(w, w, norm="nuclear")
    with pytest.raises(ValueError, match="must have the shape"):
        singular_value_bound(w, w[:2])
    with pytest.raises(ValueError, match="at most 3, but is 4"):
        wedin_bound(w, w, 4)


@settings(max_examples=25)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 99), st.floats(0.05, 3.0))
def test_threshold_norms(m: int, n: int, seed: int, tau: float) -> None:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((m, n))
    d = np.where(np.abs(w) <= tau, w, 0.0)
    bound = dropped_norm_bound(d, tau)
    norm = np.linalg.norm(d, 2)
    for form in ("lines", "count", "schur", "frobenius"):
        assert norm <= bound.terms[form] * (1 + SLACK)
    assert bound.terms["schur"] <= bound.terms["lines"] * (1 + SLACK)
    assert bound.terms["frobenius"] <= bound.terms["count"] * (1 + SLACK)
    assert bound.value <= bound.trivial * (1 + SLACK)


def test_threshold_norms_are_attained_and_not_ordered() -> None:
    block = np.zeros((5, 6))
    block[1:3, 2:5] = 0.7
    bound = dropped_norm_bound(block)
    assert np.linalg.norm(block, 2) == pytest.approx(bound.value, rel=1e-13, abs=0)
    assert schur_test(block) == pytest.approx(bound.value, rel=1e-13, abs=0)
    cross = np.zeros((10, 10))
    cross[3, :] = cross[:, 4] = 1.0
    terms = dropped_norm_bound(cross).terms
    assert terms["lines"] == pytest.approx(10.0, rel=1e-15, abs=0)
    assert terms["count"] == pytest.approx(math.sqrt(19), rel=1e-15, abs=0)
    with pytest.raises(ValueError, match=r"entry 1 above the threshold 0\.5"):
        dropped_norm_bound(cross, 0.5)


def test_sampling_inflates_the_spectrum() -> None:
    """S7, six standard errors below: the mean of every Ky Fan norm is at least that of W."""
    rng = np.random.default_rng(3)
    w = rng.standard_normal((6, 9))
    found = np.array([ky_fan_norms(threshold_poisson(w, 30, rng=rng)) for _ in range(400)])
    error = found.std(0) / 20
    ratios = (found.mean(0) + 6 * error) / ky_fan_norms(w)
    assert ratios.min() >= 1.0


@settings(max_examples=15)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_rank_one_steps_interlace(m: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((m, n))
    step = np.outer(rng.standard_normal(m), rng.standard_normal(n)) * 10.0 ** rng.integers(-3, 3)
    assert rank_one_interlacing(w, step) >= -SLACK * (np.linalg.norm(w) + np.linalg.norm(step))


@pytest.mark.parametrize("scale", [2.0**-700, 2.0**700])
def test_norms_at_scales_where_squares_leave_the_floats(scale: float) -> None:
    """All are homogeneous, and a power of two rounds nothing: equal to a few eps after scaling."""
    w = np.random.default_rng(3).standard_normal((5, 4))
    wh = np.where(np.abs(w) > 0.5, w, 0.0)
    large, dropped = w * scale, wh * scale

    def same(found: float, wanted: float) -> None:
        assert found / scale == pytest.approx(wanted, rel=1e-13, abs=0)

    pairs: tuple[tuple[float, float], ...] = tuple(
        (f(large, dropped), f(w, wh))
        for f in (
            lambda a, b: singular_value_shift(a, b, norm="frobenius"),
            lambda a, b: low_rank_error(a, b, 2, norm="frobenius"),
            lambda a, b: singular_value_bound(a, b, norm="frobenius").value,
            lambda a, b: singular_value_bound(a, b, norm="frobenius").trivial,
            lambda a, b: low_rank_error_bound(a, b, 2, norm="frobenius").value,
            lambda a, b: low_rank_error_bound(a, b, 2, norm="frobenius").trivial,
        )
    )
    for found_norm, wanted_norm in pairs:
        same(found_norm, wanted_norm)
    same(dropped_norm_bound(large).terms["frobenius"], np.linalg.norm(w))
    same(dropping_floor(large, 9).value, dropping_floor(w, 9).value)
    found = low_rank_plus_sparse(large, 1, 3)
    same(found.errors[-1], low_rank_plus_sparse(w, 1, 3).errors[-1])
    same(low_rank_plus_sparse_floor(large, 1, 1).value, low_rank_plus_sparse_floor(w, 1, 1).value)
    yws = yu_wang_samworth_bound(w, wh, 2).value
    assert yu_wang_samworth_bound(large, dropped, 2).value == pytest.approx(yws, rel=1e-13, abs=0)
    draws = drineas_zouzias_draws(w[:4] * scale, scale)
    assert draws == drineas_zouzias_draws(w[:4], 1.0)


def test_terms_and_trivial_values() -> None:
    """W = diag(4, 2, 1), D = diag(.1, .2, 0), k = 1, by hand; roundings of three 3 x 3 SVDs."""
    w, wh = np.diag([4.0, 2.0, 1.0]), np.diag([3.9, 1.8, 1.0])
    d2, df, own, moved = 0.2, math.sqrt(0.05), math.sqrt(21.0), math.hypot(3.9, 1.8, 1.0)

    def near(value: float) -> object:
        return pytest.approx(value, rel=1e-13, abs=0)

    assert singular_value_bound(w, wh).trivial == near(7.9)
    assert singular_value_bound(w, wh, norm="frobenius").trivial == near(own + moved)
    wedin = wedin_bound(w, wh, 1)
    assert wedin.terms["gap"] == near(2.0)
    assert wedin.terms["perturbation"] == near(d2)
    assert wedin.terms["always"] == near(2 * d2 / 2.0)
    assert wedin.terms["sharp"] == near(d2 / (2.0 - d2))
    assert wedin.value == near(d2 / (2.0 - d2))
    yws = yu_wang_samworth_bound(w, wh, 1)
    assert (yws.terms["gap of squares"], yws.terms["shift"]) == (near(12.0), near(d2))
    assert (yws.value, yws.trivial) == (near(2 * 8.2 * d2 / 12.0), 1.0)
    assert yu_wang_samworth_bound(w, wh, 2).terms["shift"] == near(df)
    spectral = low_rank_error_bound(w, wh, 1)
    assert (spectral.terms["optimum"], spectral.terms["noise"]) == (near(2.0), near(2 * d2))
    assert spectral.trivial == near(4.0)
    frobenius = low_rank_error_bound(w, wh, 1, norm="frobenius")
    optimum = math.sqrt(5.0)
    assert frobenius.terms["optimum"] == near(optimum)
    assert frobenius.terms["additive"] == near(optimum + d2 + 2 * math.sqrt(d2 * 4.0))
    assert frobenius.trivial == near(own)
    assert dropped_norm_bound(np.full((2, 3), 0.5), 0.7).trivial == near(0.7 * math.sqrt(6))
