"""The law of volume sampling against enumeration, twin by twin; robustness; bad input.

Every statistical test has a fixed seed and a false alarm probability of 1e-6, stated as ALARM.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pruneproof.theory import (
    InapplicableError,
    Spectrum,
    decompose,
    information_losses,
    select_volume,
    volume_loss,
)
from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.elementary import exclusion, ratios
from pruneproof.theory.kernels import kdpp_cupy
from pruneproof.theory.selection.volume import (
    draw_eigenvectors_plainly,
    draw_nodes_plainly,
)

ALARM = 1e-6


def by_rejection(rows, rng, last=2):
    """The compiled chain rule, fed five uniforms at a time so that it stops and resumes often."""
    from pruneproof.theory.kernels.kdpp_numba import (
        complete_basis,
        draw_last_nodes,
        draw_nodes,
        row_norms,
    )

    rows = np.ascontiguousarray(rows.T)
    k = rows.shape[0]
    norms = row_norms(rows)
    cumulative, basis = np.cumsum(norms), np.zeros((k + 3, k))
    kept, done, first = np.empty(k, dtype=np.int64), 0, k - k // last
    while done < first:
        done = draw_nodes(rows, norms, cumulative, basis, kept[:first], done, rng.random(5))
    complete_basis(basis, done)
    np.testing.assert_allclose(basis[:k] @ basis[:k].T, np.eye(k), atol=1e-13)
    while done < k:
        done = draw_last_nodes(rows, norms, cumulative, basis, kept, done, rng.random(5))
    return kept


def compiled_eigenvectors(mu, width, uniforms):
    from pruneproof.theory.kernels.kdpp_numba import draw_eigenvectors

    return draw_eigenvectors(mu, width, uniforms)


NODES = {
    "numba": by_rejection,
    "numba, by what is left": lambda rows, rng: by_rejection(rows, rng, last=1),
    "plain": lambda rows, rng: draw_nodes_plainly(rows, rng.random(rows.shape[1])),
    "gpu": lambda rows, rng: kdpp_cupy.draw_nodes(rows, rng.random(rows.shape[1]), np),
}


def spread_cov(m: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((3 * m, m)) * np.arange(1, m + 1) ** -0.7
    return x.T @ x / (3 * m)


def determinants(cov, k: int):
    sets = list(itertools.combinations(range(len(cov)), k))
    return sets, np.array([np.linalg.det(cov[np.ix_(s, s)]) for s in sets])


def check_counts(counts, probabilities) -> None:
    """Chi-square test of multinomial counts at false alarm ALARM (expected counts above 5)."""
    from scipy.stats import chi2

    expected = counts.sum() * probabilities / probabilities.sum()
    assert expected.min() > 5
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert statistic < chi2.isf(ALARM, len(counts) - 1)


@pytest.mark.parametrize(
    ("twin", "draws"),
    [("numba", 8000), ("numba, by what is left", 8000), ("plain", 3000), ("gpu", 3000)],
)
@pytest.mark.parametrize("k", [1, 3, 5])
def test_law_against_enumeration(twin: str, draws: int, k: int) -> None:
    cov = spread_cov(6, seed=0)
    sets, weights = determinants(cov, k)
    place = {s: i for i, s in enumerate(sets)}
    spectrum = decompose(cov)
    rng = np.random.default_rng([1, k])
    counts = np.zeros(len(sets))
    pick = compiled_eigenvectors if "numba" in twin else draw_eigenvectors_plainly
    for _ in range(draws):
        taken, _ratio = pick(spectrum.eigenvalues, k, rng.random(6))
        kept = NODES[twin](spectrum.eigenvectors[:, taken], rng)
        counts[place[tuple(sorted(int(j) for j in kept))]] += 1
    check_counts(counts, weights)


def test_law_of_the_public_function_on_every_library(to_backend) -> None:
    cov = spread_cov(4, seed=2)
    sets, weights = determinants(cov, 2)
    place = {s: i for i, s in enumerate(sets)}
    spectrum = decompose(to_backend(cov))
    rng = np.random.default_rng(3)
    counts = np.zeros(len(sets))
    for _ in range(600):
        kept = to_numpy(select_volume(spectrum, 2, rng=rng).kept)
        counts[place[tuple(sorted(int(j) for j in kept))]] += 1
    check_counts(counts, weights)


@pytest.mark.parametrize("twin", NODES)
def test_inclusion_at_larger_width(twin: str) -> None:
    """P(j in J) = sum_i v_ji^2 P(i taken): more rows than one block of four, coherent nodes too."""
    from scipy.stats import norm

    m, k, draws = 40, 17, 1500
    cov = spread_cov(m, seed=4) + np.diag(5.0 * (np.arange(m) < 6))
    spectrum = decompose(cov)
    mu, basis = spectrum.eigenvalues, spectrum.eigenvectors
    inclusion = (basis * basis) @ (1.0 - exclusion(mu, ratios(mu, m), k))
    rng = np.random.default_rng(5)
    counts = np.zeros(m)
    for _ in range(draws):
        taken, _ratio = compiled_eigenvectors(mu, k, rng.random(m))
        kept = NODES[twin](basis[:, taken], rng)
        assert len(set(kept.tolist())) == k
        counts[kept] += 1
    # Two-sided over m nodes, by the normal law; the 1 is its continuity correction and rounding.
    spread = np.sqrt(draws * inclusion * (1.0 - inclusion))
    assert (np.abs(counts - draws * inclusion) <= 1 + norm.isf(ALARM / (2 * m)) * spread).all()


def test_mean_loss_is_the_formula(family) -> None:
    """Monte Carlo mean within 5.5 standard errors (false alarm below 1e-6 for a mean of 600)."""
    m, k, draws = 20, 6, 600
    cov = family(m)
    spectrum = decompose(cov)
    if k > spectrum.rank:
        pytest.skip(f"rank {spectrum.rank} is below the width")
    rng = np.random.default_rng(6)
    sets = np.stack([select_volume(spectrum, k, rng=rng).kept for _ in range(draws)])
    losses = information_losses(cov, sets)
    error = losses.std(ddof=1) / np.sqrt(draws)
    rounding = m * m * np.finfo(float).eps * np.trace(cov)
    assert abs(losses.mean() - volume_loss(cov, k)) <= 5.5 * error + rounding


def test_nearly_dependent_nodes_are_orthogonalised_again() -> None:
    """One Gram-Schmidt pass would leave an angle of eps/1e-4 between the two lines."""
    from pruneproof.theory.kernels.kdpp_numba import draw_nodes, row_norms

    first = np.array([0.6, 0.8, 0.1])
    rows = np.stack([first, first + 1e-4 * np.array([-0.8, 0.6, 0.3])], axis=1)
    rows = np.concatenate([rows, np.array([[0.1], [0.2], [0.3]])], axis=1)
    norms = row_norms(rows)
    basis, kept = np.zeros((6, 3)), np.empty(3, dtype=np.int64)
    # Proposals 0 and 1, each with a bar of 0: accepted as long as anything is left.
    uniforms = np.array([0.1, 0.0, 0.6, 0.0])
    assert draw_nodes(rows, norms, np.cumsum(norms), basis, kept, 0, uniforms) == 2
    assert kept[:2].tolist() == [0, 1]
    assert norms[:2].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(basis[:2] @ basis[:2].T, np.eye(2), atol=8 * np.finfo(float).eps)


def test_twins_decide_alike_from_the_same_uniforms(family) -> None:
    m, k = 12, 4
    spectrum = decompose(family(m))
    rank = spectrum.rank
    if k > rank:
        k = rank
    mu = spectrum.eigenvalues[:rank]
    for seed in range(20):
        uniforms = np.random.default_rng(seed).random(rank + k)
        compiled, ratio = compiled_eigenvectors(mu, k, uniforms[:rank])
        plain, plain_ratio = draw_eigenvectors_plainly(mu, k, uniforms[:rank])
        np.testing.assert_array_equal(compiled, plain)
        assert plain_ratio == pytest.approx(ratio, rel=8 * m * np.finfo(float).eps, abs=0)
        assert (k + 1) * ratio == pytest.approx(volume_loss(spectrum, k), rel=1e-13, abs=0)
        rows = spectrum.eigenvectors[:, compiled]
        np.testing.assert_array_equal(
            draw_nodes_plainly(rows, uniforms[rank:]),
            kdpp_cupy.draw_nodes(rows, uniforms[rank:], np),
        )


def test_selection_on_every_library_and_family(family, to_backend) -> None:
    m = 9
    cov = to_backend(family(m))
    before = to_numpy(cov).copy()
    rank = decompose(cov).rank
    for k in {1, rank // 2 + 1, rank}:
        selection = select_volume(cov, k, rng=7)
        kept = to_numpy(selection.kept)
        assert type(selection.kept) is type(cov)
        assert type(selection.ridge) is type(cov)
        assert len(set(kept.tolist())) == k == selection.width
        assert to_numpy(selection.ridge).tolist() == [0.0] * k
        # Positive probability: the block has full rank.
        assert np.linalg.matrix_rank(before[np.ix_(kept, kept)], hermitian=True) == k
        assert f"{volume_loss(cov, k):.4g} (spectral.I7)" in selection.guarantee
    np.testing.assert_array_equal(to_numpy(cov), before)


def test_fast_decay_at_any_scale() -> None:
    m, k = 784, 100
    mu = np.exp(-0.2 * np.arange(m))
    basis = np.linalg.qr(np.random.default_rng(8).standard_normal((m, m)))[0]
    drawn = []
    for scale in (1.0, 1e-8, 1e8):
        selection = select_volume(Spectrum(scale * mu, basis), k, rng=9)
        assert len(set(selection.kept.tolist())) == k
        drawn.append(selection.kept.tolist())
        cov = (basis * (scale * mu)) @ basis.T
        from_matrix = select_volume((cov + cov.T) / 2, k, rng=9)
        assert len(set(from_matrix.kept.tolist())) == k
    assert drawn[0] == drawn[1] == drawn[2]


def test_seed_fixes_the_draw_and_the_generator_moves_on() -> None:
    cov = spread_cov(30, seed=10)
    assert select_volume(cov, 8, rng=1).kept.tolist() == select_volume(cov, 8, rng=1).kept.tolist()
    rng = np.random.default_rng(1)
    assert len({tuple(select_volume(cov, 8, rng=rng).kept.tolist()) for _ in range(5)}) == 5


def test_bad_input() -> None:
    flat = np.diag([1.0, 1.0, 0.0])
    with pytest.raises(
        InapplicableError, match="3 nodes needs rank 3, but the numerical rank is 2"
    ):
        select_volume(flat, 3, rng=0)
    with pytest.raises(InapplicableError, match="numerical rank is 0"):
        select_volume(np.zeros((2, 2)), 1, rng=0)
    with pytest.raises(ValueError, match="width must be at least 1 and at most 3, but is 4"):
        select_volume(flat, 4, rng=0)
    with pytest.raises(ValueError, match="eigenvectors are needed"):
        select_volume(np.ones(3), 1, rng=0)
    with pytest.raises(ValueError, match="not positive semidefinite"):
        select_volume(np.diag([1.0, -1.0]), 1, rng=0)


def test_the_figures_of_the_guarantee_by_hand() -> None:
    """mu = 3, 2, 1 at k = 2: E L^A = 3 e_3/e_2 = 18/11, lam_vol = min(6/2, 3/1)."""
    guarantee = select_volume(np.diag([3.0, 2.0, 1.0]), 2, rng=0).guarantee
    assert "(k+1) e_(k+1)/e_k = 1.636 (spectral.I7)" in guarantee
    assert "at lam = lam_vol(2) = 3 (spectral.D5)" in guarantee
