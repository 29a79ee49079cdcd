"""Spectrum, degrees of freedom and its inverse, leverage, volume ridge, N'(lam; Z)."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof import theory
from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.spectrum import as_spectrum

EPS = np.finfo(float).eps
positive = st.floats(1e-8, 1e8)


def by_solving(cov: np.ndarray, ridge: float) -> np.ndarray:
    """Sigma (Sigma + lam)^{-1} with no eigenvalues: the independent route."""
    return np.linalg.solve(cov + ridge * np.eye(len(cov)), cov)


def test_degrees_of_freedom_is_the_trace_of_the_smoother(family, to_backend) -> None:
    cov = family(9)
    scale = np.trace(cov) / 9
    ridges = scale * np.array([1e-6, 1e-3, 0.1, 1.0, 50.0])
    found = to_numpy(theory.degrees_of_freedom(to_backend(cov), to_backend(ridges)))
    expected = [np.trace(by_solving(cov, lam)) for lam in ridges]
    # LU solves lose eps * condition number <= eps * (1 + mu_1/lam) per entry.
    tolerance = 100 * EPS * 9 * (1 + np.linalg.norm(cov, 2) / ridges)
    assert np.all(np.abs(found - expected) <= tolerance)


def test_a_matrix_its_spectrum_and_its_eigenvalues_agree(family) -> None:
    cov = family(8)
    spectrum = theory.decompose(cov)
    lam = 0.03 * np.trace(cov)
    value = theory.degrees_of_freedom(cov, lam)
    assert isinstance(value, float)
    assert theory.degrees_of_freedom(spectrum, lam) == pytest.approx(value, rel=1e-12, abs=0)
    assert theory.degrees_of_freedom(spectrum.eigenvalues, lam) == pytest.approx(
        value, rel=1e-12, abs=0
    )


def test_shapes_follow_the_ridge() -> None:
    mu = np.array([3.0, 2.0, 1.0])
    assert theory.degrees_of_freedom(mu, np.full((2, 3), 0.5)).shape == (2, 3)
    assert theory.degrees_of_freedom(mu, [0.5, 1.0]).shape == (2,)
    assert theory.degrees_of_freedom(mu[::-1], 1) == pytest.approx(
        float(Fraction(3, 4) + Fraction(2, 3) + Fraction(1, 2)), rel=4 * EPS, abs=0
    )


def test_at_ridge_zero_it_is_the_rank(family) -> None:
    cov = family(7)
    assert theory.degrees_of_freedom(cov, 0.0) == np.linalg.matrix_rank(cov, hermitian=True)


@given(
    mu=st.lists(positive, min_size=1, max_size=30),
    fraction=st.floats(0.001, 0.999),
)
def test_the_inverse_inverts(mu, fraction) -> None:
    dof = fraction * len(mu)
    lam = theory.ridge_for_degrees_of_freedom(np.array(mu), dof)
    # Newton stops where the step is lost in rounding: N is then exact to a few eps * m.
    assert theory.degrees_of_freedom(np.array(mu), lam) == pytest.approx(dof, rel=1e-11, abs=0)


def test_the_inverse_at_steep_decay_and_at_the_rank() -> None:
    mu = np.exp(-0.5 * np.arange(100))
    for dof in (0.01, 1.0, 50.0, 99.5):
        lam = theory.ridge_for_degrees_of_freedom(mu, dof)
        assert theory.degrees_of_freedom(mu, lam) == pytest.approx(dof, rel=1e-10, abs=0)
    assert theory.ridge_for_degrees_of_freedom(mu, 100) == 0.0
    assert theory.ridge_for_degrees_of_freedom(mu, np.array([[1.0, 2.0]])).shape == (1, 2)
    for wrong in (0.0, -1.0, 100.5):
        with pytest.raises(ValueError, match="rank"):
            theory.ridge_for_degrees_of_freedom(mu, wrong)


def test_leverage_scores_are_the_diagonal_of_the_smoother(family, to_backend) -> None:
    cov = family(9)
    lam = 0.05 * np.trace(cov)
    found = to_numpy(theory.leverage_scores(to_backend(cov), lam))
    expected = np.diag(by_solving(cov, lam))
    assert np.max(np.abs(found - expected)) <= 100 * EPS * 9 * (1 + np.linalg.norm(cov, 2) / lam)
    assert np.sum(found) == pytest.approx(theory.degrees_of_freedom(cov, lam), rel=1e-12, abs=0)


def test_small_leverages_keep_their_relative_accuracy() -> None:
    cov = np.diag([1.0, 1e-12])
    scores = theory.leverage_scores(cov, 1.0)
    assert scores[1] == pytest.approx(1e-12 / (1 + 1e-12), rel=4 * EPS, abs=0)


@given(mu=st.lists(positive, min_size=2, max_size=20), data=st.data())
def test_the_volume_ridge_is_the_root_of_the_clipped_count(mu, data) -> None:
    mu = np.array(mu)
    k = data.draw(st.integers(1, len(mu) - 1))
    lam = theory.volume_ridge(mu, k)
    assert np.sum(np.minimum(1.0, mu / lam)) == pytest.approx(k, rel=1e-12, abs=0)
    brute = min(np.sort(mu)[: len(mu) - r].sum() / (k - r) for r in range(k))
    assert lam == pytest.approx(brute, rel=1e-12, abs=0)


def test_the_volume_ridge_at_and_above_the_rank() -> None:
    mu = np.array([4.0, 2.0, 1.0, 0.0, 0.0])
    assert theory.volume_ridge(mu, 3) == 1.0
    assert theory.volume_ridge(mu, 4) == 0.0
    assert theory.volume_ridge(np.diag(mu), 9) == 0.0
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="width"):
            theory.volume_ridge(mu, wrong)


def test_output_degrees_of_freedom(family, to_backend) -> None:
    cov = family(8)
    z = np.random.default_rng(3).standard_normal((3, 8))
    lam = 0.1 * np.trace(cov)
    found = theory.output_degrees_of_freedom(to_backend(cov), lam, to_backend(z))
    expected = np.trace(z @ by_solving(cov, lam) @ z.T)
    assert found == pytest.approx(expected, rel=1e-10, abs=0)
    identity = theory.output_degrees_of_freedom(cov, lam, np.eye(8))
    assert identity == pytest.approx(theory.degrees_of_freedom(cov, lam), rel=1e-12, abs=0)


def test_decompose_gives_back_the_matrix(family, to_backend) -> None:
    cov = family(10)
    spectrum = theory.decompose(to_backend(cov))
    mu, u = to_numpy(spectrum.eigenvalues), to_numpy(spectrum.eigenvectors)
    assert np.all(np.diff(mu) <= 0)
    assert np.min(mu) >= 0
    norm = np.linalg.norm(cov, 2)
    assert np.linalg.norm((u * mu) @ u.T - cov, 2) <= 50 * EPS * 10 * norm
    assert theory.decompose(cov, vectors=False).eigenvectors is None
    assert spectrum.trace == pytest.approx(np.trace(cov), rel=1e-12, abs=0)
    with pytest.raises(ValueError, match="eigenvectors"):
        theory.leverage_scores(theory.decompose(cov, vectors=False), 1.0)


@pytest.mark.parametrize(
    ("cov", "words"),
    [
        (np.array([[1.0, 0.5], [0.4, 1.0]]), "symmetric"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "semidefinite.*-1"),
        (np.ones((2, 3)), "square"),
        (np.array([[np.nan, 0.0], [0.0, 1.0]]), "NaN"),
        (np.eye(2) * 1j, "complex"),
        (np.zeros((0, 0)), "empty"),
        (np.ones((2, 2, 2)), "axes"),
        ([[1, 2], [3]], "unequal"),
    ],
)
def test_what_is_no_second_moment_is_refused_with_its_figure(cov, words) -> None:
    for ask in (
        theory.as_covariance,
        theory.decompose,
        lambda c: theory.leverage_scores(c, 1.0),
        lambda c: theory.residual(c, [0]),
    ):
        with pytest.raises(ValueError, match=words):
            ask(cov)


def test_the_gate_forgives_rounding_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 40))
    cov = x.T @ x  # rank 5 of 40: its computed eigenvalues are negative at rounding
    assert np.min(np.linalg.eigvalsh(cov)) < 0
    theory.as_covariance(cov)
    tolerance = EPS * np.linalg.norm(cov) * 40
    v = rng.standard_normal(40)
    v -= x.T @ np.linalg.lstsq(x.T, v, rcond=None)[0]
    v /= np.linalg.norm(v)
    theory.as_covariance(cov - 0.1 * tolerance * np.outer(v, v))
    with pytest.raises(ValueError, match="semidefinite"):
        theory.as_covariance(cov - 3.0 * tolerance * np.outer(v, v))
    skew = np.zeros((40, 40))
    skew[3, 7] = 3.0 * tolerance
    with pytest.raises(ValueError, match="symmetric"):
        theory.as_covariance(cov + skew)
    rounded = theory.as_covariance(cov + skew / 10)
    assert np.array_equal(rounded, rounded.T)


def test_a_float32_matrix_is_judged_by_float32_rounding() -> None:
    x = np.random.default_rng(0).standard_normal((4, 30)).astype(np.float32)
    cov = x.T @ x
    assert theory.as_covariance(cov).dtype == np.float64
    with pytest.raises(ValueError, match="semidefinite"):
        theory.as_covariance(cov.astype(np.float64))


@pytest.mark.parametrize("ridge", [-0.1, np.nan, np.inf, "a", 1j])
def test_bad_ridges_are_refused(ridge) -> None:
    with pytest.raises(ValueError, match="ridge"):
        theory.degrees_of_freedom(np.eye(3), ridge)
    with pytest.raises(ValueError, match="ridge"):
        theory.leverage_scores(np.eye(3), ridge)


def test_negative_eigenvalues_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        theory.degrees_of_freedom([1.0, -0.5], 1.0)


def test_rounding_is_no_rank() -> None:
    """5 samples of 20 nodes: the other 15 computed eigenvalues are rounding, in any unit."""
    x = np.random.default_rng(1).standard_normal((5, 20))
    for kind, eps in ((np.float64, 2.0**-52), (np.float32, 2.0**-23)):
        cov = 1e6 * (x.T @ x).astype(kind)
        spectrum = theory.decompose(cov)
        assert spectrum.noise == eps * 20 * float(spectrum.eigenvalues[0])
        assert as_spectrum(cov).noise == pytest.approx(spectrum.noise, rel=1e-6, abs=0)
        assert spectrum.rank == 5
        assert theory.degrees_of_freedom(cov, 0.0) == 5
        assert theory.volume_ridge(cov, 5) > 0.0
        assert theory.volume_ridge(cov, 6) == 0.0
        with pytest.raises(ValueError, match=r"\(0, 5\], the rank; asked for 5.5 to 5.5"):
            theory.ridge_for_degrees_of_freedom(cov, 5.5)
    assert theory.Spectrum(np.array([2.0, 1.0]), noise=1.0).rank == 1


@pytest.mark.filterwarnings("error")
def test_a_spectrum_descends_to_zero_or_above() -> None:
    assert theory.degrees_of_freedom(theory.Spectrum([2, 1, 1, 0]), 0.0) == 3.0
    assert theory.degrees_of_freedom(theory.Spectrum([2, 1, 1, 0]), 1.0) == pytest.approx(5 / 3)
    for wrong in ([1.0, 2.0], [1.0, -0.5], np.linalg.eigvalsh(np.diag([1.0, 3.0]))):
        with pytest.raises(ValueError, match="must descend and be at least 0"):
            theory.Spectrum(np.array(wrong))
    for wrong, words in (([[1.0]], "1 axis"), ([np.nan, 1.0], "NaN"), ([], "empty")):
        with pytest.raises(ValueError, match=words):
            theory.Spectrum(wrong)


def test_results_are_frozen_and_equal_to_themselves_alone() -> None:
    """Fields that are arrays have no truth value, so equality is identity."""
    kept, ridge = np.array([4, 0]), np.zeros(2)
    for make, field in (
        (lambda: theory.Spectrum(np.ones(2)), "noise"),
        (lambda: theory.Selection(kept, ridge, "greedy", "none"), "kept"),
    ):
        one, other = make(), make()
        assert one == one
        assert one != other
        assert len({one, other}) == 2
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, field, 0)
    width = theory.Selection(kept, ridge, "greedy", "none").width
    assert (type(width), width) == (int, 2)


def test_the_tail_sums_what_k_nodes_must_lose(to_backend) -> None:
    mu = to_backend(np.array([1.0, 4.0, 0.5]))  # powers of two: exact
    found = [theory.tail_sum(mu, k) for k in range(5)]
    assert found == [5.5, 1.5, 0.5, 0.0, 0.0]
    for wrong in (-1, 0.5):
        with pytest.raises(ValueError, match="width"):
            theory.tail_sum(mu, wrong)


def test_ridges_of_any_shape_and_library_come_back_as_the_spectrums_kind(to_backend) -> None:
    mu = to_backend(np.array([3.0, 1.0]))
    given = np.array([[1.0, 3.0, 0.0]])
    expected = [[0.75 + 0.5, 0.5 + 0.25, 2.0]]
    for ridge in (given, given.tolist(), to_backend(given)):
        found = theory.degrees_of_freedom(mu, ridge)
        assert type(found) is type(mu)
        assert np.array_equal(to_numpy(found), expected)
    assert isinstance(theory.degrees_of_freedom(mu, 1), float)
    zero_dimensional = theory.degrees_of_freedom(mu, to_backend(np.array(1.0)))
    assert (zero_dimensional.shape, float(zero_dimensional)) == ((), 1.25)
    assert theory.degrees_of_freedom(mu, to_backend(np.zeros((0, 2)))).shape == (0, 2)
    for dof in (np.array([1.25, 0.75]), [1.25, 0.75], to_backend(np.array([1.25, 0.75]))):
        found = theory.ridge_for_degrees_of_freedom(mu, dof)
        assert type(found) is type(mu)
        assert to_numpy(found) == pytest.approx([1.0, 3.0], rel=8 * EPS, abs=0)
    assert isinstance(theory.ridge_for_degrees_of_freedom(mu, to_backend(np.array(1.0))), float)


def test_the_inverse_reaches_across_six_hundred_decades() -> None:
    """Newton's iteration takes a step for every few decades: more than 200 in all here."""
    for mu in (10.0 ** np.arange(300, -300, -1.0), 2.0 ** np.arange(990, -990, -1.0)):
        for dof in (1.0, 0.5 * len(mu), len(mu) - 0.5):
            lam = theory.ridge_for_degrees_of_freedom(mu, dof)
            assert theory.degrees_of_freedom(mu, lam) == pytest.approx(
                dof, rel=4 * len(mu) * EPS, abs=0
            )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e200, 1e300])
def test_units_only_scale_the_answers(scale: float) -> None:
    x = np.random.default_rng(0).standard_normal((5, 12))
    cov = x.T @ x
    # eigh errs by eps * m * mu_1, which all of these see relative to the mu_5 of 5 samples.
    mu = np.linalg.eigvalsh(cov)[::-1]
    rel = 100 * EPS * 12 * mu[0] / mu[4]
    ones = theory.degrees_of_freedom(cov, 1.0), theory.ridge_for_degrees_of_freedom(cov, 3)
    assert theory.degrees_of_freedom(scale * cov, scale) == pytest.approx(ones[0], rel=rel, abs=0)
    ridge = theory.ridge_for_degrees_of_freedom(scale * cov, 3) / scale
    assert ridge == pytest.approx(ones[1], rel=rel, abs=0)
    assert theory.volume_ridge(scale * cov, 3) / scale == pytest.approx(
        theory.volume_ridge(cov, 3), rel=rel, abs=0
    )
    assert theory.leverage_scores(scale * cov, scale) == pytest.approx(
        theory.leverage_scores(cov, 1.0), rel=rel, abs=0
    )
    assert theory.decompose(scale * cov).rank == 5


def test_one_ridge_is_asked_for_where_one_is_meant() -> None:
    for ask in (
        theory.leverage_scores,
        theory.smoother,
        lambda cov, ridge: theory.output_degrees_of_freedom(cov, ridge, np.eye(3)),
    ):
        with pytest.raises(ValueError, match="ridge must be a single number"):
            ask(np.eye(3), [0.1, 0.2, 0.3])
        with pytest.raises(ValueError, match="ridge must be at least 0"):
            ask(np.eye(3), -0.1)
        assert np.all(np.isfinite(ask(np.eye(3), np.array(0.1))))
    with pytest.raises(ValueError, match=r"smallest is -0\.2"):
        theory.degrees_of_freedom(np.eye(3), [0.1, -0.2])


def test_the_smoother_at_zero_is_the_projection_onto_the_range(family, to_backend) -> None:
    cov = family(8)
    found = to_numpy(theory.smoother(to_backend(cov), 0.0))
    assert np.max(np.abs(found @ found - found)) <= 8 * 8 * EPS
    assert np.trace(found) == pytest.approx(
        np.linalg.matrix_rank(cov, hermitian=True), abs=64 * EPS
    )
    assert np.max(np.abs(found @ cov - cov)) <= 50 * EPS * 8 * np.linalg.norm(cov, 2)


@pytest.mark.parametrize("dof", [1e-6, 1e-10, 1e-13, 1e-16, 1e-100])
def test_few_degrees_of_freedom_are_met_to_rounding(dof: float) -> None:
    """The step's slope k - sum p^2 lost k beside the number of nodes: 4e-3 off at 1e-13.

    N of six nodes is a sum of six positive quotients, and Newton ends within eps of its root.
    """
    mu = np.array([1.0, 0.3, 0.1, 0.01, 1e-5, 1e-9])
    ridge = theory.ridge_for_degrees_of_freedom(mu, dof)
    assert theory.degrees_of_freedom(mu, ridge) == pytest.approx(dof, rel=1e-14, abs=0)
