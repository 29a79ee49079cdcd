"""The sharp law of the sampled loss: its fixed point, its figure, its coherence score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof import theory

EPS = np.finfo(float).eps


@given(
    decay=st.floats(0.1, 3.0),
    log_ridge=st.floats(-8, 2),
    width=st.integers(1, 60),
    scale=st.sampled_from([1e-9, 1.0, 1e9]),
)
def test_the_effective_ridge_solves_its_equation(decay, log_ridge, width, scale) -> None:
    mu = scale * np.arange(1.0, 41.0) ** -decay
    lam = scale * 10**log_ridge
    kappa = theory.sampled_ridge(mu, lam, width)
    dof = theory.degrees_of_freedom(mu, kappa)
    assert dof < width
    assert lam <= kappa <= lam + mu.sum() / width
    # kappa (1 - N/k) is computed with a relative error of eps * m over 1 - N/k
    assert kappa * (1 - dof / width) == pytest.approx(lam, rel=1e-11 / (1 - dof / width), abs=0)


def test_without_ridge_it_is_the_ridge_of_as_many_degrees_of_freedom() -> None:
    mu = np.arange(1.0, 41.0) ** -1.5
    assert theory.sampled_ridge(mu, 0.0, 7) == pytest.approx(
        theory.ridge_for_degrees_of_freedom(mu, 7), rel=1e-12, abs=0
    )
    assert theory.sampled_ridge(mu, 0.0, 40) == 0.0
    assert theory.sampled_ridge(np.array([1.0, 0.0]), 0.0, 1) == 0.0


@pytest.mark.parametrize("lam", [1e-320, 1e-300, 1e-40, 1e-20, 1e-9, 0.1, 1e9, 1e300])
def test_the_effective_ridge_of_a_flat_spectrum_at_every_ridge(lam) -> None:
    """k = m: kappa^2/(1 + kappa) = lam, where 1 - N(kappa)/k is lost in rounding below 1e-16."""
    expected = (lam + np.sqrt(lam) * np.sqrt(lam + 4.0)) / 2
    found = theory.sampled_ridge(np.ones(5), lam, 5)
    # 1e-320 itself is a subnormal of 11 bits.
    assert found == pytest.approx(expected, rel=2.0**-10 if lam == 1e-320 else 32 * EPS, abs=0)
    assert theory.sampled_ridge([1.0] * 5 + [0.0] * 3, lam, 5) == found
    law = theory.sampled_loss_law(np.ones(5), lam, 5)
    assert law == pytest.approx(5 * found / (1 + found), rel=8 * EPS, abs=0)


def sampled_losses(cov: np.ndarray, lam: float, k: int, draws: int, seed: int) -> np.ndarray:
    """L^A of leverage-sampled multisets, by the closed form on repeated columns."""
    rng = np.random.default_rng(seed)
    m = len(cov)
    q = np.diag(np.linalg.solve(cov + lam * np.eye(m), cov)).copy()
    q /= q.sum()
    losses = []
    for _ in range(draws):
        v = rng.choice(m, k, p=q)
        block = cov[np.ix_(v, v)] + np.diag(k * lam * q[v])
        losses.append(np.trace(cov) - np.trace(np.linalg.solve(block, cov[v] @ cov[:, v])))
    return np.array(losses)


def test_the_law_predicts_the_sampled_loss_of_incoherent_nodes() -> None:
    """A rotated power law; stated error of the law 1 %, Monte Carlo error a tenth of that."""
    rng = np.random.default_rng(7)
    rotation = np.linalg.qr(rng.standard_normal((300, 300)))[0]
    cov = (rotation * np.arange(1.0, 301.0) ** -1.0) @ rotation.T
    lam, k = theory.ridge_for_degrees_of_freedom(cov, 40), 100
    losses = sampled_losses(cov, lam, k, 60, seed=11)
    law = theory.sampled_loss_law(cov, lam, k)
    error = losses.std(ddof=1) / np.sqrt(60)
    assert theory.coherence_score(cov, lam, k) <= theory.COHERENCE_WARNING
    assert abs(losses.mean() - law) <= 0.01 * law + 5 * error  # 5 sd: false alarms below 1e-6


def test_the_score_warns_where_the_law_fails() -> None:
    """Diagonal Sigma, mu = j^-2, k = 70: the law errs several-fold."""
    cov = np.diag(np.arange(1.0, 401.0) ** -2.0)
    lam = theory.ridge_for_degrees_of_freedom(cov, 50)
    assert theory.coherence_score(cov, lam, 70) > 3 * theory.COHERENCE_WARNING
    losses = sampled_losses(cov, lam, 70, 20, seed=3)
    assert np.median(losses) > 2 * theory.sampled_loss_law(cov, lam, 70)


def test_the_score_is_its_double_sum(family) -> None:
    cov = family(6)
    lam, k = 0.1 * np.trace(cov), 4
    kappa = theory.sampled_ridge(cov, lam, k)
    h = np.linalg.solve(cov + kappa * np.eye(6), cov)
    q = np.diag(np.linalg.solve(cov + lam * np.eye(6), cov))
    q = q / q.sum()
    total = sum(h[i, j] ** 4 / (q[i] * q[j]) for i in range(6) for j in range(6))
    expected = total / (k * np.trace(h) ** 2)
    assert theory.coherence_score(cov, lam, k) == pytest.approx(expected, rel=1e-9, abs=0)


def test_array_libraries_agree(family, to_backend) -> None:
    cov = family(8)
    lam = 0.05 * np.trace(cov)
    for ask in (theory.sampled_ridge, theory.sampled_loss_law, theory.coherence_score):
        assert ask(to_backend(cov), lam, 5) == pytest.approx(ask(cov, lam, 5), rel=1e-10, abs=0)


@pytest.mark.parametrize(("ridge", "width"), [(-1.0, 3), (0.1, 0), (np.nan, 3), (0.1, 2.5)])
def test_bad_arguments(ridge, width) -> None:
    with pytest.raises(ValueError, match=r"ridge|width"):
        theory.sampled_ridge(np.ones(3), ridge, width)


@pytest.mark.parametrize("kind", ["array", "list", "float32"])
def test_the_score_of_any_drawing_law(family, to_backend, kind) -> None:
    cov = family(6)
    lam, k = 0.1 * np.trace(cov), 4
    kappa = theory.sampled_ridge(cov, lam, k)
    h = np.linalg.solve(cov + kappa * np.eye(6), cov)
    q = np.arange(1.0, 7.0) / 21.0
    if kind == "float32":  # its sum is 1 within the rounding of that type only
        q = q.astype(np.float32)
        assert 0.0 < abs(np.sum(q, dtype=np.float64) - 1.0) < 6 * 2.0**-23
    expected = np.sum(h**4 / np.outer(*[q.astype(np.float64)] * 2)) / (k * np.trace(h) ** 2)
    given = q.tolist() if kind == "list" else to_backend(q)
    found = theory.coherence_score(to_backend(cov), lam, k, given)
    assert found == pytest.approx(expected, rel=1e-9, abs=0)


def test_the_score_where_nodes_are_never_drawn_or_carry_nothing() -> None:
    cov = np.diag([1.0, 1.0, 0.0])
    half = [0.5, 0.5, 0.0]
    by_hand = 2 * 4 / (3 * 2.0**2)  # H_ii = N/2 for two nodes: chi = 2 (N/2)^4 4/(k N^2), N = 2
    assert theory.coherence_score(cov, 0.0, 3, half) == pytest.approx(by_hand, rel=1e-14, abs=0)
    assert theory.coherence_score(cov, 0.0, 3) == pytest.approx(by_hand, rel=1e-14, abs=0)
    assert theory.coherence_score(cov, 0.0, 3, [1.0, 0.0, 0.0]) == np.inf
    assert theory.coherence_score(np.zeros((3, 3)), 0.1, 2) == 0.0
    assert theory.sampled_loss_law(np.zeros((3, 3)), 0.1, 2) == 0.0


@pytest.mark.filterwarnings("error")
def test_the_score_of_a_node_too_rare_for_its_reciprocal() -> None:
    """q_2 is about 1e-310, whose reciprocal overflows; the node's term is about 0."""
    cov = np.diag([1.0, 1e-310])
    kappa = (1 + np.sqrt(5.0)) / 2  # kappa (1 - 1/(1 + kappa)) = 1
    expected = (1 / (1 + kappa)) ** 4 / (1 / (1 + kappa)) ** 2
    assert theory.coherence_score(cov, 1.0, 1) == pytest.approx(expected, rel=1e-14, abs=0)


@pytest.mark.parametrize(
    ("distribution", "words"),
    [
        ([0.5, 0.5], "must have 3 entries, one a node, but has 2"),
        ([1.0, 1.0, 1.0], "sum 3; divide it by its sum"),
        ([0.4, 0.4, 0.4], r"sum 1\.2; divide"),
        ([0.75, 0.5, -0.25], r"smallest entry is -0\.25"),
        (np.full((3, 1), 1 / 3), "1 axis"),
    ],
)
def test_what_is_no_drawing_law_is_refused(distribution, words) -> None:
    with pytest.raises(ValueError, match=words):
        theory.coherence_score(np.eye(3), 0.1, 2, distribution)


def test_the_prediction_carries_its_warning_and_is_no_bound() -> None:
    rng = np.random.default_rng(7)
    rotation = np.linalg.qr(rng.standard_normal((200, 200)))[0]
    mu = np.arange(1.0, 201.0) ** -1.0
    lam = theory.ridge_for_degrees_of_freedom(mu, 20)
    trusted = theory.sampled_law((rotation * mu) @ rotation.T, lam, 80)
    assert trusted.warning is None
    doubted = theory.sampled_law(np.diag(mu**2), lam**2, 30)
    assert doubted.coherence > theory.COHERENCE_WARNING
    assert f"coherence score {doubted.coherence:.3g} is above 0.12" in str(doubted.warning)
    for found, cov, ridge, k in ((trusted, mu, lam, 80), (doubted, mu**2, lam**2, 30)):
        assert not isinstance(found, theory.Bound)
        assert found.value == pytest.approx(theory.sampled_loss_law(cov, ridge, k), rel=1e-9)
        assert found.ridge == pytest.approx(theory.sampled_ridge(cov, ridge, k), rel=1e-9)
    np.testing.assert_equal(doubted.coherence, theory.coherence_score(np.diag(mu**2), lam**2, 30))


def test_fewer_nodes_than_degrees_of_freedom_are_warned_of() -> None:
    """Rotated j^-2.1 with k = N/6: chi is small, but the loss lies well above the law."""
    rng = np.random.default_rng(3)
    rotation = np.linalg.qr(rng.standard_normal((300, 300)))[0]
    cov = (rotation * np.arange(1.0, 301.0) ** -2.1) @ rotation.T
    lam = theory.ridge_for_degrees_of_freedom(cov, 114)
    found = theory.sampled_law(cov, lam, 19)
    losses = sampled_losses(cov, lam, 19, 200, seed=5)
    error = losses.std(ddof=1) / np.sqrt(200)
    assert losses.mean() > 1.02 * found.value + 3 * error
    assert found.coherence <= theory.COHERENCE_WARNING
    assert "19 nodes are fewer than the 114 degrees of freedom" in str(found.warning)
    assert (
        theory.sampled_law(cov, theory.ridge_for_degrees_of_freedom(cov, 19.0), 20).warning is None
    )


def test_coherence_falls_as_the_square_of_a_large_ridge() -> None:
    """H -> Sigma/kappa, so chi kappa^2 k -> sum S_ij^4/(S_ii S_jj); N^2 must not underflow."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((30, 4))
    cov = x.T @ x / 30
    diagonal = np.diag(cov)
    limit = np.sum(cov**4 / np.outer(diagonal, diagonal)) / 5
    assert theory.coherence_score(cov, 1e100, 5) == pytest.approx(limit * 1e-200, rel=1e-9, abs=0)
    assert theory.sampled_law(cov, 1e200, 5).coherence == 0.0  # 1e-400 is no float


@pytest.mark.parametrize(
    ("coherence", "width", "words"),
    [(0.12, 20, None), (0.1201, 20, "above 0.12"), (np.nan, 20, "above 0.12"), (0.1, 19, "fewer")],
)
def test_a_warning_begins_where_the_law_was_not_tried(coherence, width, words) -> None:
    warning = theory.SampledLaw(1.0, 1.0, coherence, width, 20.0).warning
    assert warning is None if words is None else words in warning
