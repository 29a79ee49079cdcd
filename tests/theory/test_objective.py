"""Residual, losses and reconstruction against least squares on raw samples."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof import theory
from pruneproof.theory.arrays import namespace, to_numpy
from pruneproof.theory.objective import mixture, quadratic_form

EPS = np.finfo(float).eps


def root(cov: np.ndarray) -> np.ndarray:
    """Samples X (m rows) with X^T X / m = cov: what the least squares oracle is fed."""
    mu, u = np.linalg.eigh(cov)
    return np.sqrt(len(cov)) * np.sqrt(np.clip(mu, 0, None))[:, None] * u.T


def ridge_regression(x: np.ndarray, y: np.ndarray, kept, tau) -> tuple[np.ndarray, float]:
    """argmin and min of (1/n)||y - x_J b||^2 + sum tau_j b_j^2, as one augmented lstsq."""
    n = len(x)
    design = np.vstack([x[:, kept] / np.sqrt(n), np.diag(np.sqrt(tau))])
    target = np.vstack([y / np.sqrt(n), np.zeros((len(kept), y.shape[1]))])
    b = np.linalg.lstsq(design, target, rcond=None)[0]
    return b, float(np.sum((target - design @ b) ** 2))


@pytest.mark.parametrize("theta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("scale", [0.0, 0.2])
def test_losses_are_the_values_of_ridge_regressions(family, to_backend, theta, scale) -> None:
    m, kept = 8, [6, 1, 3]
    cov = family(m)
    z = np.random.default_rng(5).standard_normal((4, m))
    tau = scale * np.array([1.0, 0.5, 2.0]) * np.trace(cov) / m
    x = root(cov)
    inputs = ridge_regression(x, x, kept, tau)[1]
    outputs = ridge_regression(x, x @ z.T, kept, tau)[1]
    found = theory.information_loss(
        to_backend(cov),
        kept,
        ridge=to_backend(tau),
        theta=theta,
        output_weights=to_backend(z),
    )
    # Gram-based losses err by eps * m * Tr(Q cov); the factor covers the oracle's own rounding.
    trivial = theta * np.trace(cov) + (1 - theta) * np.trace(z @ cov @ z.T)
    assert found == pytest.approx(
        theta * inputs + (1 - theta) * outputs, abs=50 * EPS * m * trivial
    )


def test_the_reconstruction_is_the_minimiser(family, to_backend) -> None:
    m, kept = 8, [2, 7, 4]
    cov = family(m)
    tau = 0.1 * np.trace(cov) / m * np.array([1.0, 3.0, 0.2])
    b, _ = ridge_regression(root(cov), root(cov), kept, tau)
    found = theory.reconstruction(to_backend(cov), to_backend(np.array(kept)), to_backend(tau))
    assert type(found) is type(to_backend(cov))
    condition = 1 + np.linalg.norm(cov, 2) / tau.min()
    assert np.max(np.abs(to_numpy(found) - b.T)) <= 50 * EPS * m * condition


def test_the_residual_is_the_error_moment_plus_the_penalty(family, to_backend) -> None:
    m, kept = 8, [5, 0, 3, 6]
    cov = family(m)
    tau = 0.05 * np.trace(cov) / m * np.arange(1.0, 5.0)
    a = theory.reconstruction(cov, kept, tau)
    error = root(cov) - root(cov)[:, kept] @ a.T
    moment = error.T @ error / m + (a * tau) @ a.T
    found = to_numpy(theory.residual(to_backend(cov), kept, to_backend(tau)))
    assert np.max(np.abs(found - moment)) <= 100 * EPS * m * np.linalg.norm(cov, 2)
    assert np.array_equal(found, found.T)


def test_a_singular_block_has_the_residual_of_its_independent_nodes() -> None:
    x = np.random.default_rng(0).standard_normal((50, 4))
    cov = theory.second_moment(np.hstack([x, x[:, :2]]))  # nodes 4 and 5 repeat 0 and 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both = theory.residual(cov, [0, 4, 2])
        loss = theory.information_loss(cov, [0, 4, 2])
    single = theory.residual(cov, [0, 2])
    assert np.max(np.abs(both - single)) <= 50 * EPS * 6 * np.linalg.norm(cov, 2)
    assert loss == pytest.approx(np.trace(single), rel=1e-12, abs=0)
    with pytest.warns(theory.RankDeficientWarning, match="3 kept nodes has rank 2"):
        a = theory.reconstruction(cov, [0, 4, 2])
    explained = a @ cov[[0, 4, 2]]
    assert np.max(np.abs(cov - explained - single)) <= 50 * EPS * 6 * np.linalg.norm(cov, 2)


def test_rank_does_not_depend_on_the_units_of_a_node() -> None:
    scale = np.diag([1.0, 1e-9, 1e6])
    cov = scale @ (np.eye(3) + 0.5) @ scale
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a = theory.reconstruction(cov, [0, 1])
    plain = theory.reconstruction(np.eye(3) + 0.5, [0, 1])
    assert a[2] == pytest.approx(plain[2] * 1e6 / np.array([1.0, 1e-9]), rel=1e-12, abs=0)


def test_a_pivot_counts_down_to_rounding_and_no_further() -> None:
    """Two nodes of correlation 1 - gap have the pivot 2 gap; 2 eps of it is rounding."""
    for gap, rank in ((1e-12, 2), (2.0**-50, 2), (2.0**-53, 1)):
        cov = np.array([[1.0, 1.0 - gap, 0.5], [1.0 - gap, 1.0, 0.5], [0.5, 0.5, 1.0]])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            a = theory.reconstruction(cov, [0, 1])
        assert [str(w.message).split(":")[0] for w in caught] == (
            [] if rank == 2 else ["the block of 2 kept nodes has rank 1"]
        )
        assert np.sum(a[2]) == pytest.approx(
            0.5, rel=8 * EPS / gap if rank == 2 else 8 * EPS, abs=0
        )


def test_a_pseudo_inverse_keeps_the_directions_above_rounding() -> None:
    """Node 3 repeats node 0; nodes 0 and 1 differ by 1e-10, which is far above rounding."""
    x = np.array([[1.0, 1.0, 0.0, 1.0], [0.0, 1e-5, 1.0, 0.0]])
    cov = x.T @ x
    with pytest.warns(theory.RankDeficientWarning, match="3 kept nodes has rank 2"):
        theory.reconstruction(cov, [0, 1, 3])
    # Node 2 is (node 1 - node 0)/1e-5, so A has size 1e5 and rounding counts eps |A|^2.
    assert theory.information_loss(cov, [0, 1, 3]) <= 8 * EPS * 1e10


def test_a_dead_node_is_no_matter(to_backend) -> None:
    cov = np.diag([2.0, 0.0, 1.0])
    cov[0, 2] = cov[2, 0] = 1.0
    for kept in ([1, 0], [0]):
        loss = theory.information_loss(to_backend(cov), kept)
        assert loss == pytest.approx(0.5, rel=4 * EPS, abs=0)
    with pytest.warns(theory.RankDeficientWarning, match="2 kept nodes has rank 1"):
        a = to_numpy(theory.reconstruction(to_backend(cov), [1, 0]))
    assert a == pytest.approx(np.array([[0.0, 1.0], [0.0, 0.0], [0.0, 0.5]]), rel=4 * EPS, abs=0)


def test_keeping_every_node_loses_nothing(family) -> None:
    cov = family(7)
    z = np.random.default_rng(1).standard_normal((4, 7))
    outputs = np.trace(z @ cov @ z.T)
    for theta, trivial in ((1.0, np.trace(cov)), (0.0, outputs)):
        loss = theory.information_loss(cov, np.arange(7), theta=theta, output_weights=z)
        assert 0.0 <= loss <= 100 * EPS * 7 * trivial


@given(seed=st.integers(0, 500), k=st.integers(1, 5), log_ridge=st.floats(-6, 2))
def test_merging_repeats_leaves_the_residual(seed, k, log_ridge) -> None:
    """1/tau = sum of 1/tau_i (docs/statements.md 1): repeated columns by augmented features."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((30, 6))
    draws = rng.integers(0, 6, k + 2)
    tau_i = 10**log_ridge * rng.uniform(0.5, 2.0, k + 2)
    columns = x[:, draws]
    a = np.linalg.solve(columns.T @ columns / 30 + np.diag(tau_i), columns.T @ x / 30).T
    direct = x.T @ x / 30 - a @ (columns.T @ x / 30)
    nodes = np.unique(draws)
    merged = [1.0 / np.sum(1.0 / tau_i[draws == j]) for j in nodes]
    found = theory.residual(x.T @ x / 30, nodes, np.array(merged))
    tolerance = 1e3 * EPS * (1 + np.linalg.norm(x) ** 2 / 30 / tau_i.min())  # eps * condition
    assert np.max(np.abs(found - direct)) <= tolerance


def test_the_projection_variant() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((3, 6))
    v = theory.projected_output_weights(z)
    expected = z.T @ np.linalg.solve(z @ z.T, z)
    assert np.max(np.abs(v.T @ v - expected)) <= 1e3 * EPS
    assert theory.projected_output_weights(np.vstack([z, z])).shape == (3, 6)
    square = theory.projected_output_weights(rng.standard_normal((6, 6)))
    assert np.max(np.abs(square.T @ square - np.eye(6))) <= 1e3 * EPS  # theta has no effect


def test_the_affine_reconstruction_is_least_squares_with_an_intercept() -> None:
    x = np.random.default_rng(0).standard_normal((40, 5)) + np.arange(5)
    kept = [3, 1]
    a = theory.reconstruction(theory.second_moment(x, centered=True), kept)
    offset = theory.affine_offset(x.mean(axis=0), kept, a)
    design = np.column_stack([x[:, kept], np.ones(40)])
    b = np.linalg.lstsq(design, x, rcond=None)[0]
    assert np.max(np.abs(np.column_stack([a, offset]) - b.T)) <= 1e4 * EPS


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ([], "at least one"),
        ([0, 0], "2 times"),
        ([4], "nodes 0 to 3"),
        ([-1], "nodes 0 to 3"),
        ([0.5], "whole"),
        ([[0, 1]], "list"),
    ],
)
def test_bad_index_sets(kept, words) -> None:
    for ask in (theory.reconstruction, theory.residual, theory.information_loss):
        with pytest.raises(ValueError, match=words):
            ask(np.eye(4), kept)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"theta": 1.2}, r"\[0, 1\]"),
        ({"theta": np.nan}, "theta must be finite, but is nan"),
        ({"theta": 0.5}, "output_weights"),
        ({"theta": 0.5, "output_weights": np.ones((2, 3))}, "4 columns"),
        ({"ridge": -1.0}, "at least 0"),
        ({"ridge": [0.1, -0.2]}, "at least 0"),
        ({"ridge": [0.1, 0.2, 0.3]}, r"shape \(2,\) \(one a kept node\), not \(3,\)"),
        ({"ridge": np.inf}, "must be finite, but is inf"),
    ],
)
def test_bad_arguments_of_the_loss(keywords, words) -> None:
    with pytest.raises(ValueError, match=words):
        theory.information_loss(np.eye(4), [0, 1], **keywords)


def test_the_mixture_and_its_quadratic_form(to_backend) -> None:
    z = np.arange(6.0).reshape(2, 3)
    xp = namespace(to_backend(z))
    theta, checked = mixture(0.25, to_backend(z), to_backend(np.eye(3)))
    q = to_numpy(quadratic_form(3, theta, checked, xp))
    assert np.array_equal(q, 0.25 * np.eye(3) + 0.75 * z.T @ z)  # small integers: exact
    assert mixture(1.0, z, np.eye(3)) == (1.0, None)  # Z is idle
    assert np.array_equal(to_numpy(quadratic_form(3, 1.0, None, xp)), np.eye(3))


def test_a_projection_has_the_rank_of_the_numbers_handed_in() -> None:
    z = np.random.default_rng(0).standard_normal((3, 6))
    z = np.vstack([z, z.sum(axis=0)])
    for scale in (1e-12, 1.0, 1e12):
        for kind in (np.float64, np.float32):
            assert theory.projected_output_weights((scale * z).astype(kind)).shape == (3, 6)


def test_an_offset_joins_the_library_of_the_mean(to_backend) -> None:
    mean, a = np.array([1.0, 2.0, 4.0]), np.array([[1.0, 0.0], [0.5, 1.0], [0.0, 1.0]])
    for coefficients in (a, a.tolist(), to_backend(a)):
        found = theory.affine_offset(to_backend(mean), [2, 0], coefficients)
        assert type(found) is type(to_backend(mean))
        assert to_numpy(found).tolist() == [-3.0, -1.0, 3.0]
    for wrong in (a[:, :1], a[:2], a.T):
        with pytest.raises(ValueError, match=r"coefficients must have shape \(3, 2\)"):
            theory.affine_offset(mean, [2, 0], wrong)


@pytest.mark.filterwarnings("ignore::pruneproof.theory.errors.RankDeficientWarning")
@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e200, 1e300])
def test_units_only_scale_the_losses(family, scale: float) -> None:
    cov, kept = family(7), [5, 0, 3]
    trivial = np.trace(cov)
    for ridge in (0.0, 0.1 * trivial):
        loss = theory.information_loss(cov, kept, ridge=ridge)
        scaled = theory.information_loss(scale * cov, kept, ridge=scale * ridge) / scale
        assert scaled == pytest.approx(loss, rel=0, abs=50 * EPS * 7 * trivial)
        moved = theory.residual(scale * cov, kept, scale * ridge) / scale
        assert np.max(np.abs(moved - theory.residual(cov, kept, ridge))) <= 50 * EPS * 7 * trivial


def test_a_zero_matrix_has_nothing_to_lose() -> None:
    cov = np.zeros((3, 3))
    assert theory.information_loss(cov, [1, 0]) == 0.0
    with pytest.warns(theory.RankDeficientWarning, match="2 kept nodes has rank 0"):
        assert np.array_equal(theory.reconstruction(cov, [1, 0]), np.zeros((3, 2)))
    assert np.array_equal(theory.reconstruction(cov, [1, 0], 0.5), np.zeros((3, 2)))
