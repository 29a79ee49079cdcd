"""The law of every sampler against enumeration; larger sets against exact inclusions; robustness.

Every statistical test has a fixed seed and a false alarm probability of at most 1e-6 (ALARM); the
suite has about twenty of them, so 2e-5 altogether.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from pruneproof.theory import (
    InapplicableError,
    Spectrum,
    condition_dpp,
    decompose,
    inclusion_probabilities,
    low_rank_spectrum,
    marginal_kernel,
    sample_dpp,
    sample_dpp_marginal,
)
from pruneproof.theory.determinantal.sampling import draw_by_pivots, draw_by_pivots_plainly

ALARM = 1e-6
M = 8
DRAWS = 20000
Floats = NDArray[np.float64]


def factor(m: int, d: int, seed: int) -> Floats:
    """B (m, d) with uneven rows and columns."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, d)) * np.arange(1, d + 1) ** -0.7 * (0.5 + rng.random((m, 1)))


B = factor(M, M, 0)
THIN = factor(M, 4, 1)

#: Kernel, size, and the sampler of its law.
LAWS: dict[str, tuple[Floats, int | None, Callable[[Any], list[Any]]]] = {
    "DPP, spectral": (B @ B.T, None, lambda g: sample_dpp(B @ B.T, rng=g, draws=DRAWS)),
    "DPP, row-major basis": (
        B @ B.T,
        None,
        lambda g: sample_dpp(row_major(B @ B.T), rng=g, draws=DRAWS),
    ),
    "DPP, dual": (
        THIN @ THIN.T,
        None,
        lambda g: sample_dpp(low_rank_spectrum(THIN), rng=g, draws=DRAWS),
    ),
    "DPP, marginal": (
        B @ B.T,
        None,
        lambda g: sample_dpp_marginal(marginal_kernel(B @ B.T), rng=g, draws=DRAWS),
    ),
    "DPP, marginal, plain twin": (
        B @ B.T,
        None,
        lambda g: [
            draw_by_pivots_plainly(marginal_kernel(B @ B.T), g.random(M)) for _ in range(4000)
        ],
    ),
    "1-DPP": (B @ B.T, 1, lambda g: sample_dpp(B @ B.T, 1, rng=g, draws=DRAWS)),
    "3-DPP": (B @ B.T, 3, lambda g: sample_dpp(B @ B.T, 3, rng=g, draws=DRAWS)),
    "7-DPP": (B @ B.T, 7, lambda g: sample_dpp(B @ B.T, 7, rng=g, draws=DRAWS)),
    "3-DPP, dual": (
        THIN @ THIN.T,
        3,
        lambda g: sample_dpp(low_rank_spectrum(THIN), 3, rng=g, draws=DRAWS),
    ),
    "4-DPP at the rank, dual": (
        THIN @ THIN.T,
        4,
        lambda g: sample_dpp(low_rank_spectrum(THIN), 4, rng=g, draws=DRAWS),
    ),
}


def row_major(kernel: Floats) -> Spectrum:
    found = decompose(kernel)
    return Spectrum(found.eigenvalues, np.ascontiguousarray(found.eigenvectors), found.noise)


def law(kernel: Floats, size: int | None) -> dict[tuple[int, ...], float]:
    """P(J) of every subset, by determinants."""
    sizes = range(len(kernel) + 1) if size is None else (size,)
    sets = [s for k in sizes for s in itertools.combinations(range(len(kernel)), k)]
    weights = np.array([np.linalg.det(kernel[np.ix_(s, s)]) if s else 1.0 for s in sets])
    weights = np.maximum(weights, 0.0)
    return dict(zip(sets, weights / weights.sum()))


@pytest.mark.parametrize("name", LAWS)
def test_law_over_all_subsets(name: str) -> None:
    """Chi-square of the counts of all subsets; those expected below 10 times are one cell."""
    kernel, size, sampler = LAWS[name]
    probability = law(kernel, size)
    counts = dict.fromkeys(probability, 0)
    drawn = sampler(np.random.default_rng(11))
    for kept in drawn:
        counts[tuple(int(j) for j in kept)] += 1  # ascending, or there is no such key
    expected = len(drawn) * np.array(list(probability.values()))
    seen = np.array(list(counts.values()), dtype=float)
    assert (seen[expected < 1e-9 * len(drawn)] == 0).all()
    rare = expected < 10
    cells = [(seen[~rare], expected[~rare])]
    if rare.any() and expected[rare].sum() > 5:
        cells.append((seen[rare].sum(keepdims=True), expected[rare].sum(keepdims=True)))
    statistic = sum(((s - e) ** 2 / e).sum() for s, e in cells)
    freedom = sum(len(e) for _, e in cells) - 1
    assert freedom >= 5
    assert statistic < chi2.isf(ALARM, freedom)


@pytest.mark.parametrize("case", ["DPP", "k-DPP", "dual", "marginal"])
def test_inclusions_and_pairs_at_200_nodes(case: str) -> None:
    """All P(i) and P(i, j) within simultaneous intervals (Bonferroni over 20100 counts).

    Bernstein: P(|count - n p| > x) <= 2 exp(-x^2/(2 (n p (1 - p) + x/3))), exact for any n p.
    """
    m, k, draws = 200, 20, 3000
    features = factor(m, 200 if case != "dual" else 30, 3)
    kernel = features @ features.T / 20.0
    size = None if case in ("DPP", "marginal") else k
    rng = np.random.default_rng(12)
    if case == "marginal":
        drawn = sample_dpp_marginal(marginal_kernel(kernel), rng=rng, draws=draws)
    elif case == "dual":
        drawn = sample_dpp(low_rank_spectrum(features), size, rng=rng, draws=draws)
    else:
        drawn = sample_dpp(kernel, size, rng=rng, draws=draws)
    members = np.zeros((draws, m))
    for row, kept in zip(members, drawn):
        row[kept] = 1.0
    _, pairs = inclusion_probabilities(kernel, size)
    counts = members.T @ members
    log = np.log(2 * (m * (m + 1) / 2) / ALARM)
    variance = draws * pairs * (1 - pairs)
    width = log / 3 + np.sqrt((log / 3) ** 2 + 2 * variance * log)
    assert (np.abs(counts - draws * pairs) <= width).all()
    # Node counts: their sum is exact for a k-DPP, and normal to 3000 draws for a DPP.
    number = members.sum(axis=1)
    if size is not None:
        assert (number == k).all()
    else:
        values = np.linalg.eigvalsh(kernel)
        mean, spread = (values / (1 + values)).sum(), (values / (1 + values) ** 2).sum()
        assert abs(number.mean() - mean) < 1.1 * norm.isf(ALARM / 2) * np.sqrt(spread / draws)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_ill_conditioned_kernel_at_any_scale(scale: float) -> None:
    """Eigenvalues scale * exp(-.2 i), 784 of them: draws of distinct nodes, up to the rank."""
    m = 784
    basis = np.linalg.qr(np.random.default_rng(2).standard_normal((m, m)))[0]
    values = np.exp(-0.2 * np.arange(m))
    kernel = (basis * (scale * values)) @ basis.T
    spectrum = decompose((kernel + kernel.T) / 2)
    for k in (100, spectrum.rank):
        for kept in sample_dpp(spectrum, k, rng=0, draws=3):
            assert len(set(kept.tolist())) == k
    with pytest.raises(
        InapplicableError, match=f"size 300 needs .* numerical rank is {spectrum.rank}"
    ):
        sample_dpp(spectrum, 300, rng=0)
    exact = Spectrum(scale * values, basis)
    other = Spectrum(values, basis)
    assert [s.tolist() for s in sample_dpp(exact, 300, rng=1, draws=2)] == [
        s.tolist() for s in sample_dpp(other, 300, rng=1, draws=2)
    ]


def test_blocks_of_the_factorisation_agree_with_its_plain_twin() -> None:
    """The same uniforms give the same nodes, whatever the block (ties have probability 1e-12)."""
    features = factor(70, 70, 5)
    k = marginal_kernel(features @ features.T)
    rng = np.random.default_rng(6)
    for block in (1, 16, 64, 100):
        uniforms = rng.random(70)
        kept = draw_by_pivots(k, uniforms, block=block)
        assert kept.tolist() == draw_by_pivots_plainly(k, uniforms).tolist()


def test_projection_kernels_draw_exactly_their_rank() -> None:
    basis = np.linalg.qr(np.random.default_rng(7).standard_normal((30, 11)))[0]
    drawn = sample_dpp_marginal(basis @ basis.T, rng=8, draws=50)
    assert {len(kept) for kept in drawn} == {11}
    assert all(sample_dpp_marginal(np.eye(4), rng=0)[0] == np.arange(4))
    for seed in range(200):  # products of eigenvectors exceed 1 by a few roundings
        basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((6, 4)))[0]
        assert len(sample_dpp_marginal(basis @ basis.T, rng=seed)[0]) == 4
    assert sample_dpp_marginal(np.zeros((4, 4)), rng=0)[0].size == 0


def test_degenerate_kernels() -> None:
    assert sample_dpp(np.zeros((3, 3)), rng=0)[0].tolist() == []
    assert sample_dpp([[2.0]], 1, rng=0)[0].tolist() == [0]
    huge = sample_dpp(np.diag([1e300, 1e300, 1e-300]), rng=0, draws=20)
    assert {tuple(kept.tolist()) for kept in huge} == {(0, 1)}


def test_dual_resolves_what_the_kernel_matrix_cannot() -> None:
    """Singular values 1e-10 apart: eigenvalues of 1e-20 are noise in B B^T, but not in B."""
    left = np.linalg.qr(np.random.default_rng(9).standard_normal((40, 3)))[0]
    b = left * np.array([1.0, 1e-5, 1e-10])
    assert low_rank_spectrum(b).rank == 3
    assert decompose(b @ b.T).rank == 2
    assert len(sample_dpp(low_rank_spectrum(b), 3, rng=0)[0]) == 3


def test_conditioned_kernels_have_the_conditional_law() -> None:
    """P(J | A in J, B outside) of all subsets against the law of L', DPP and k-DPP, exactly."""
    kernel = B @ B.T
    inside, outside = (5, 2), (0,)
    given, rest = condition_dpp(kernel, inside, outside)
    assert rest.tolist() == [1, 3, 4, 6, 7]
    for size in (None, 4):
        whole = law(kernel, size)
        kept = {
            s: p for s, p in whole.items() if set(inside) <= set(s) and not set(outside) & set(s)
        }
        total = sum(kept.values())
        conditional = law(given, None if size is None else size - 2)
        assert len(conditional) == len(kept)
        for s, p in conditional.items():
            full = tuple(sorted([*inside, *(int(rest[i]) for i in s)]))
            # Determinants of at most 8 nodes, and division by det L_AA: 1e-12 is 100 roundings.
            assert p == pytest.approx(kept[full] / total, rel=1e-9, abs=1e-13)
    same, every = condition_dpp(kernel)
    np.testing.assert_array_equal(same, kernel)
    assert every.tolist() == list(range(M))


def test_seed_fixes_the_draws() -> None:
    kernel = B @ B.T
    first = sample_dpp(kernel, 3, rng=1, draws=5)
    again = sample_dpp(kernel, 3, rng=np.random.default_rng(1), draws=5)
    assert [a.tolist() for a in first] == [a.tolist() for a in again]


def test_every_library_and_read_only_arrays(to_backend: Callable[[Any], Any]) -> None:
    assert len(sample_dpp(to_backend(B @ B.T), 3, rng=0)[0]) == 3
    assert len(sample_dpp(low_rank_spectrum(to_backend(THIN)), 3, rng=0)[0]) == 3
    sample_dpp_marginal(to_backend(marginal_kernel(B @ B.T)), rng=0)
    marginals, _ = inclusion_probabilities(to_backend(B @ B.T), 3)
    assert marginals.sum() == pytest.approx(3.0, rel=1e-12, abs=0)


def test_bad_input() -> None:
    kernel = THIN @ THIN.T
    with pytest.raises(
        InapplicableError, match="size 5 needs a kernel of rank 5, but the numerical rank is 4"
    ):
        sample_dpp(kernel, 5, rng=0)
    with pytest.raises(InapplicableError, match="numerical rank is 4"):
        sample_dpp(low_rank_spectrum(THIN), 5, rng=0)
    with pytest.raises(ValueError, match="size must be at least 1 and at most 8, but is 9"):
        sample_dpp(kernel, 9, rng=0)
    with pytest.raises(ValueError, match=r"kernel is not positive semidefinite: .* is -1"):
        sample_dpp(np.diag([1.0, -1.0]), rng=0)
    with pytest.raises(ValueError, match="kernel is not symmetric"):
        sample_dpp([[1.0, 0.5], [0.0, 1.0]], rng=0)
    with pytest.raises(ValueError, match="eigenvectors are needed here; give the kernel"):
        sample_dpp(Spectrum(np.ones(2)), rng=0)
    with pytest.raises(ValueError, match="2 eigenvalues, but eigenvectors of shape"):
        sample_dpp(Spectrum(np.ones(2), np.eye(3)), rng=0)
    with pytest.raises(ValueError, match="draws must be at least 1, but is 0"):
        sample_dpp(kernel, rng=0, draws=0)
    for k in (np.diag([1.2, 0.5]), np.diag([0.5, -0.2])):
        with pytest.raises(ValueError, match=r"eigenvalues in \[0, 1\], but they go from"):
            sample_dpp_marginal(k, rng=0)
    with pytest.raises(ValueError, match=r"largest singular value .*divide it"):
        low_rank_spectrum(np.full((3, 2), 1e200))
    with pytest.raises(ValueError, match="node 1 is both included and excluded"):
        condition_dpp(kernel, [1], [1])
    with pytest.raises(InapplicableError, match=r"5 nodes included have .* numerical rank 4"):
        condition_dpp(kernel, [0, 1, 2, 3, 4])
    with pytest.raises(ValueError, match="all 8 nodes are included or excluded"):
        condition_dpp(kernel, [0, 1, 2], [3, 4, 5, 6, 7])
    with pytest.raises(ValueError, match="kept names node 8"):
        condition_dpp(kernel, [8])


@pytest.mark.parametrize("size", [None, 6])
def test_dppy_draws_by_the_same_law(size: int | None) -> None:
    """DPPy's and our draws on one kernel: nodes and pairs of each within 5 deviations of the exact.

    30 nodes and 435 pairs twice over: two-sided normal limits at 5 fail with probability 5e-4.
    """
    dppy = pytest.importorskip("dppy.finite_dpps")
    rng, m, draws = np.random.default_rng(6), 30, 600
    x = rng.standard_normal((m, 12))
    kernel = x @ x.T / 12
    peer = dppy.FiniteDPP("likelihood", L=kernel)
    state = np.random.RandomState(7)
    theirs = []
    for _ in range(draws):
        one = peer.sample_exact if size is None else peer.sample_exact_k_dpp
        given = {} if size is None else {"size": size}
        theirs.append(np.asarray(one(random_state=state, **given), dtype=int))
    ours = sample_dpp(kernel, size, rng=8, draws=draws)
    _, pairs = inclusion_probabilities(kernel, size)
    spread = np.sqrt(pairs * (1 - pairs) / draws) + 1 / draws
    for found in (theirs, ours):
        member = np.zeros((draws, m))
        for row, nodes in zip(member, found, strict=True):
            row[nodes] = 1.0
        assert np.max(np.abs(member.T @ member / draws - pairs) / spread) < 5.0
