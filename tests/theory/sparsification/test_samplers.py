"""Thresholds against sorting and their equation; samplers against their laws; one call for all.

Monte Carlo: fixed seeds, six standard errors (false alarm 2e-9 each, below 1e-7 altogether).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory import (
    SPARSIFIERS,
    InapplicableError,
    draws_for_nonzeros,
    drineas_zouzias,
    drineas_zouzias_draws,
    expected_nonzeros,
    hard_threshold,
    hybrid_distribution,
    l1_distribution,
    l2_distribution,
    mean_removed,
    poisson_probabilities,
    poisson_threshold,
    quantised_sample,
    removed_mean,
    row_l1_distribution,
    sample_with_replacement,
    sparsify,
    threshold_poisson,
    uniform_probabilities,
    uniform_sample,
)
from pruneproof.theory.sparsification.sparsify import largest_places
from pruneproof.theory.sparsification.thresholds import threshold_by_sorting

Floats = NDArray[np.float64]


def matrix(family: str, m: int, n: int, seed: int, scale: float = 1.0) -> Floats:
    """Weight of a structured family; none is all zero."""
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], (m, n))
    if family == "flat":
        a = np.ones((m, n))
    elif family == "one-hot":
        a = np.zeros((m, n))
        a[rng.integers(m), rng.integers(n)] = 1.0
    elif family == "ties":
        a = rng.integers(1, 4, (m, n)) * 0.1
    elif family == "power":
        a = rng.permutation(np.arange(1.0, m * n + 1) ** -3.0).reshape(m, n)
    elif family == "octaves":
        a = rng.permutation(2.0 ** -(9.0 * np.arange(m * n))).reshape(m, n)
    elif family == "sparse":
        a = np.abs(rng.standard_normal((m, n))) * (rng.random((m, n)) < 0.4)
        a[0, 0] = 1.0
    else:
        a = np.abs(rng.standard_normal((m, n)))
    return signs * a * scale


FAMILIES = st.sampled_from(["flat", "one-hot", "ties", "power", "octaves", "sparse", "gauss"])
SCALES = st.sampled_from([1.0, 1e-300, 1e300, 3e-5])


@settings(max_examples=25)
@given(FAMILIES, st.integers(1, 9), st.integers(1, 9), SCALES, st.floats(0.01, 0.999))
def test_threshold_meets_its_equation(f: str, m: int, n: int, scale: float, part: float) -> None:
    """Both routes solve it; a blocked sum of <= 81 terms errs by 81 eps."""
    w = matrix(f, m, n, 1, scale)
    s = part * np.count_nonzero(w)
    tau = poisson_threshold(w, s)
    assert np.minimum(1.0, np.abs(w) / tau).sum() == pytest.approx(s, rel=1e-13, abs=0)
    by_sorting = threshold_by_sorting(w.ravel() / scale, s)
    assert tau / scale == pytest.approx(by_sorting, rel=1e-13, abs=0)


@pytest.mark.parametrize("family", ["flat", "ties", "gauss"])
@pytest.mark.parametrize("part", [1e-4, 0.3, 0.999])
def test_threshold_of_a_large_matrix(family: str, part: float) -> None:
    """Above 2^16 entries the start is that of a sample; blocks of 4096 err by 4096 eps at most."""
    w = matrix(family, 300, 300, 2)
    w[0] = 0.0
    s = part * np.count_nonzero(w)
    tau = poisson_threshold(w, s)
    assert np.minimum(1.0, np.abs(w) / tau).sum() == pytest.approx(s, rel=1e-12, abs=0)
    misleading = w.copy().ravel()
    misleading[::61] = 1e-9  # the sample sees none of the matrix
    tau = poisson_threshold(misleading, s)
    assert np.minimum(1.0, np.abs(misleading) / tau).sum() == pytest.approx(s, rel=1e-12, abs=0)


def test_threshold_is_zero_where_all_entries_fit() -> None:
    w = matrix("sparse", 5, 4, 0)
    assert poisson_threshold(w, np.count_nonzero(w)) == 0.0
    assert poisson_threshold(np.zeros((2, 2)), 1) == 0.0
    assert np.array_equal(threshold_poisson(w, 20, rng=0), w)
    with pytest.raises(ValueError, match="nonzeros must be above 0"):
        poisson_threshold(w, 0)
    with pytest.raises(ValueError, match="NaN"):
        poisson_threshold([[1.0, np.nan]], 1)


def test_hard_threshold() -> None:
    assert hard_threshold([[1.0, -2.0, 0.5]], 1.0).tolist() == [[0.0, -2.0, 0.0]]
    assert hard_threshold([[1.0, -2.0, 0.5]], np.nextafter(1.0, 0.0)).tolist() == [[1.0, -2.0, 0.0]]


@settings(max_examples=15)
@given(FAMILIES, st.integers(1, 6), st.integers(1, 6), SCALES)
def test_distributions(f: str, m: int, n: int, scale: float) -> None:
    w = matrix(f, m, n, 3, scale)
    a = np.abs(w) / np.abs(w).max()
    closed = {"l1": a / a.sum(), "l2": a**2 / (a**2).sum()}
    assert l1_distribution(w) == pytest.approx(closed["l1"], rel=1e-14, abs=0)
    assert l2_distribution(w) == pytest.approx(closed["l2"], rel=1e-14, abs=0)
    mixed = 0.3 * closed["l1"] + 0.7 * closed["l2"]
    assert hybrid_distribution(w, 0.3) == pytest.approx(mixed, rel=1e-13, abs=0)
    p = row_l1_distribution(w, 40)
    assert p.sum() == pytest.approx(1.0, rel=1e-13, abs=0)
    assert ((p > 0) == (a > 0)).all()
    # Every row has the same alpha r/sqrt(rho) + beta r/rho, and within it P ~ |w|.
    log_term = np.log((m + n) / 0.1)
    alpha, beta = np.sqrt(log_term / 40), log_term / 120
    r, rho = a.sum(1), p.sum(1)
    z = alpha * r[r > 0] / np.sqrt(rho[r > 0]) + beta * r[r > 0] / rho[r > 0]
    assert z == pytest.approx(np.full(z.size, z[0]), rel=1e-12, abs=0)


def test_row_l1_limits() -> None:
    w = matrix("gauss", 5, 4, 4)
    r = np.abs(w).sum(1)
    few, many = row_l1_distribution(w, 1).sum(1), row_l1_distribution(w, 10**9).sum(1)
    assert many == pytest.approx(r**2 / (r**2).sum(), rel=1e-3, abs=0)
    assert np.abs(few - r / r.sum()).max() < np.abs(many - r / r.sum()).max()


def mean_and_error(samples: list[Floats]) -> tuple[Floats, Floats]:
    found = np.array(samples)
    return found.mean(0), found.std(0) / np.sqrt(len(found))


# No entry is so small that it is never drawn, which would leave its standard error at 0.
W = matrix("sparse", 4, 5, 6)
W += 0.5 * np.sign(W)
LAWS: dict[str, Any] = {
    "threshold-poisson": lambda g: threshold_poisson(W, 4.5, rng=g),
    "uniform": lambda g: uniform_sample(W, 0.3, rng=g),
    "quantise": lambda g: quantised_sample(W, rng=g),
    "one by one": lambda g: sample_with_replacement(W, 7, hybrid_distribution(W), rng=g),
    "multinomial": lambda g: sample_with_replacement(W, 40, l2_distribution(W), rng=g, chunk=1),
    **{
        f"sparsify {method}": lambda g, method=method: sparsify(W, 4, method=method, rng=g)
        for method in SPARSIFIERS[1:]
    },
}


@pytest.mark.parametrize("name", LAWS)
def test_samplers_are_unbiased_with_the_wanted_number(name: str) -> None:
    rng = np.random.default_rng(7)
    samples = [LAWS[name](rng) for _ in range(300)]
    mean, error = mean_and_error(samples)
    assert (np.abs(mean - W) <= 6 * error + 1e-12).all()
    if name.startswith("sparsify"):
        counts = np.array([np.count_nonzero(b) for b in samples], dtype=float)
        # with replacement: to within one draw, which adds less than one distinct entry
        high = 1.0 if name.split()[1] in ("l1", "l2", "hybrid", "row-l1") else 0.0
        high = 1.0 if name.endswith("resistance") else high
        margin = 6 * counts.std() / np.sqrt(len(counts))
        assert 4 - margin <= counts.mean() <= 4 + high + margin


def test_threshold_poisson_keeps_large_entries_as_they_are() -> None:
    w = matrix("gauss", 20, 20, 8)
    tau = poisson_threshold(w, 150)
    b = threshold_poisson(w, 150, rng=1)
    large = np.abs(w) >= tau
    assert np.array_equal(b[large], w[large])
    drawn = ~large & (b != 0)
    assert np.array_equal(b[drawn], np.copysign(tau, w[drawn]))
    assert poisson_probabilities(w, 150).sum() == pytest.approx(150, rel=1e-13, abs=0)
    assert uniform_probabilities(w, 150).sum() == pytest.approx(150, rel=1e-13, abs=0)


@settings(max_examples=20)
@given(FAMILIES, st.integers(1, 7), st.integers(1, 7), SCALES, st.integers(1, 49))
def test_magnitude_keeps_exactly_as_many_ties_by_the_lower_index(
    f: str, m: int, n: int, scale: float, wanted: int
) -> None:
    w = matrix(f, m, n, 9, scale)
    s = min(wanted, w.size)
    b = sparsify(w, s, method="magnitude")
    order = np.argsort(-np.abs(w).ravel(), kind="stable")[:s]
    oracle = np.zeros(w.size)
    oracle[order] = w.ravel()[order]
    assert np.array_equal(b.ravel(), oracle)
    assert np.flatnonzero(largest_places(w, s)).tolist() == sorted(order)
    assert not largest_places(w, 0).any()


def test_quantise_is_dense_and_of_one_bit() -> None:
    b = sparsify(W, W.size, method="quantise", rng=0)
    assert set(np.abs(b).ravel()) == {np.abs(W).max()}
    assert not quantised_sample(np.zeros((2, 2)), rng=0).any()


def test_kernels_and_libraries() -> None:
    import array_api_strict

    kernel = matrix("gauss", 6, 18, 3).reshape(6, 2, 3, 3)
    for method in SPARSIFIERS:
        b = sparsify(kernel, 30, method=method, rng=5)
        flat = sparsify(kernel.reshape(6, 18), 30, method=method, rng=5)
        assert np.array_equal(b.reshape(6, 18), flat)
    strict = sparsify(array_api_strict.asarray(kernel), 30, method="l1", rng=5)
    assert isinstance(strict, type(array_api_strict.asarray(kernel)))
    for method in SPARSIFIERS:
        if method != "quantise":
            assert np.array_equal(sparsify(W, W.size, method=method, rng=0), W)


@settings(max_examples=20)
@given(FAMILIES, st.integers(1, 6), st.integers(1, 6), SCALES, st.integers(1, 36))
def test_every_method_on_every_family(f: str, m: int, n: int, scale: float, wanted: int) -> None:
    """Finite, in shape, zeros stay; what cannot be drawn is refused in a sentence."""
    w = np.asfortranarray(matrix(f, m, n, 13, scale))
    w.flags.writeable = False
    for method in SPARSIFIERS:
        try:
            b = sparsify(w, min(wanted, w.size), method=method, rng=0)
        except InapplicableError:
            if f != "octaves":
                raise
            continue
        assert b.shape == w.shape
        assert np.isfinite(b).all()
        if method != "quantise":
            assert (b[w == 0] == 0).all()
            assert (np.sign(b) * np.sign(w) >= 0).all()


def test_refusals() -> None:
    with pytest.raises(ValueError, match="method must be one of magnitude, threshold-poisson"):
        sparsify(W, 3, method="largest")
    with pytest.raises(ValueError, match="rng must be a numpy"):
        sparsify(W, 3, method="l1", rng="seed")
    with pytest.raises(ValueError, match="at most 20, but is 21"):
        sparsify(W, 21, method="magnitude")
    with pytest.raises(ValueError, match=r"must have shape \(out, in\)"):
        sparsify(W[0], 2, method="magnitude")
    with pytest.raises(ValueError, match="no non-zero entry"):
        l1_distribution(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="sum 1, but has shape"):
        sample_with_replacement(W, 3, np.ones(W.shape), rng=0)
    lost = np.where(np.abs(W) == np.abs(W).max(), 0.0, np.abs(W) > 0)
    with pytest.raises(ValueError, match="would be lost"):
        sample_with_replacement(W, 3, lost / lost.sum(), rng=0)
    with pytest.raises(ValueError, match="keep must lie above 0"):
        uniform_sample(W, 0.0, rng=0)


@settings(max_examples=15)
@given(FAMILIES, st.integers(2, 6), st.integers(2, 6), st.floats(0.02, 0.9))
def test_draws_for_nonzeros_is_the_least(f: str, m: int, n: int, part: float) -> None:
    p = l1_distribution(matrix(f, m, n, 10)).ravel()
    wanted = part * np.count_nonzero(p)
    try:
        s = draws_for_nonzeros(p, wanted)
    except InapplicableError:
        assert f == "octaves"
        return
    assert expected_nonzeros(p, s) >= wanted * (1 - 1e-8)
    assert s == 1 or expected_nonzeros(p, s - 1) < wanted * (1 + 1e-8)


def test_drineas_zouzias() -> None:
    a = matrix("gauss", 6, 6, 11)
    a[0, 0] = 1e-4
    eps = 1.0
    left = hard_threshold(a, eps / 12)
    n, norm = 6, np.linalg.norm(left)
    wanted = 24 * n * np.log(np.sqrt(2) * n) * norm**2 / eps**2
    assert drineas_zouzias_draws(a, eps) == np.ceil(wanted)
    b = drineas_zouzias(a, eps, rng=0)
    assert b[0, 0] == 0.0
    single = np.diag([0.0, -2.0, 0.1])  # .1 <= eps/6 is zeroed, what is left is drawn each time
    assert drineas_zouzias(single, eps, rng=0).tolist() == np.diag([0.0, -2.0, 0.0]).tolist()
    assert np.linalg.norm(a - b, 2) <= eps
    with pytest.raises(InapplicableError, match="the zero matrix will do"):
        drineas_zouzias_draws(a, 1.1 * norm)
    with pytest.raises(ValueError, match="square"):
        drineas_zouzias_draws(a[:4], 1.0)


def test_mean_removal() -> None:
    w = matrix("gauss", 7, 9, 12) + 0.4
    wh = sparsify(w, 10, method="magnitude")
    c = removed_mean(w, wh)
    left = w - mean_removed(w, wh)
    d = w - wh
    assert left.mean() == pytest.approx(0.0, abs=1e-15)
    assert (left**2).sum() == pytest.approx((d**2).sum() - d.sum() ** 2 / d.size, rel=1e-13, abs=0)
    assert c == pytest.approx(d.mean(), rel=1e-14, abs=0)
    with pytest.raises(ValueError, match="must have the shape"):
        mean_removed(w, wh[:3])
