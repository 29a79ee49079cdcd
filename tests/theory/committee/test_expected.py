"""Expected pruned errors against the list of all kept sets, and against drawn masks.

Enumeration sums at most 2^6 errors of size below 10, each a form in at most 10 numbers: rounding
stays below 1e-13. Monte Carlo checks allow 4.5 standard errors: a false alarm of 7e-6 a comparison,
if normal, so 1e-4 for the file.
"""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.theory.committee.edges import dpp_edge_moments, dpp_odds
from pruneproof.theory.committee.expected import RULES
from pruneproof.theory.committee.pruned import check_rank

ACTIVATIONS = ("erf", "linear", "relu", "sign")


def rows(seed: int, size: int, teachers: int, inputs: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((size, inputs)), rng.standard_normal((teachers, inputs))


def overlaps(w: Any, b: Any, v: Any, a: Any) -> theory.OrderParameters:
    n = w.shape[1]
    return theory.OrderParameters(w @ w.T / n, w @ b.T / n, b @ b.T / n, v, a)


def student(seed: int, size: int = 5, teachers: int = 2, inputs: int = 9) -> theory.OrderParameters:
    w, b = rows(seed, size, teachers, inputs)
    rng = np.random.default_rng(seed + 1)
    return overlaps(w, b, rng.standard_normal(size), rng.standard_normal(teachers))


def sets(size: int, kept: int) -> list[list[int]]:
    return [list(j) for j in itertools.combinations(range(size), kept)]


def direct(order: theory.OrderParameters, kept: list[int], activation: str) -> float:
    """eps_J of a student of the kept units alone."""
    smaller = theory.OrderParameters(
        order.Q[np.ix_(kept, kept)], order.R[kept], order.T, order.v[kept], order.A
    )
    return float(theory.generalization_error(smaller, activation))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kept", [1, 2, 4, 5])
def test_node_rules_are_the_mean_over_all_sets(activation: str, kept: int) -> None:
    order = student(kept)
    listed = sets(5, kept)
    errors = np.array([direct(order, j, activation) for j in listed])
    volumes = np.array([np.linalg.det(order.Q[np.ix_(j, j)]) for j in listed])
    for rule, weight in (("random-node", np.ones(len(listed))), ("dpp-node", volumes)):
        found = theory.expected_pruned_error(order, rule, kept, activation=activation)
        assert found == pytest.approx(weight @ errors / weight.sum(), rel=0, abs=1e-13)
        again = theory.expected_pruned_error(
            order, rule, kept, activation=activation, reweighted=True
        )
        best = [least_squares(order, j, activation) for j in listed]
        # normal equations: G is conditioned below 1e3 here
        assert again == pytest.approx(weight @ best / weight.sum(), rel=0, abs=1e-11)


def least_squares(order: theory.OrderParameters, kept: list[int], activation: str) -> float:
    """eps*_J as a least-squares problem with the root of the joint moment of all units."""
    moment = theory.gaussian_i2(order.covariance, activation)
    root = np.linalg.cholesky(moment + 1e-15 * np.eye(len(moment))).T
    target = root[:, len(order.v) :] @ order.A
    fit = root[:, kept] @ np.linalg.lstsq(root[:, kept], target, rcond=None)[0]
    return 0.5 * float(np.sum((target - fit) ** 2))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_two_point_law_holds_for_any_rule(activation: str) -> None:
    order, rng = student(3), np.random.default_rng(0)
    every = [list(j) for k in range(1, 6) for j in itertools.combinations(range(5), k)]
    chance = rng.dirichlet(np.ones(len(every)))
    inside = np.array([[float(i in j) for i in range(5)] for j in every])
    pairs = inside.T @ (chance[:, None] * inside)
    mean = sum(p * direct(order, j, activation) for p, j in zip(chance, every, strict=True))
    found = theory.mean_pruned_error(order, np.diag(pairs), pairs, activation)
    assert found == pytest.approx(mean, rel=0, abs=1e-13)


def test_nothing_kept_and_all_kept() -> None:
    order = student(4)
    whole = theory.generalization_error(order)
    empty = 0.5 * theory.output_moments(order).teacher
    for rule in RULES:
        assert theory.expected_pruned_error(order, rule, 0) == pytest.approx(empty, abs=1e-14)
        every = 5 if "node" in rule else 1.0
        assert theory.expected_pruned_error(order, rule, every) == pytest.approx(whole, abs=1e-13)


def test_linear_edges_are_exact_at_every_size() -> None:
    """All 2^(K N) masks of a linear student of 2 units on 3 inputs."""
    w, b = rows(5, 2, 1, 3)
    v, a, c = np.array([1.0, -0.4]), np.array([0.7]), 0.3
    mean = 0.0
    for bits in itertools.product((0, 1), repeat=6):
        mask = np.array(bits, dtype=float).reshape(2, 3)
        chance = c ** sum(bits) * (1 - c) ** (6 - sum(bits))
        mean += chance * theory.generalization_error(overlaps(w * mask, b, v, a), "linear")
    order = overlaps(w, b, v, a)
    found = theory.expected_pruned_error(order, "random-edge", c, activation="linear")
    assert found == pytest.approx(mean, rel=0, abs=1e-13)
    nodes = theory.mean_pruned_error(order, *theory.bernoulli_inclusion(2, c), "linear")
    assert found == pytest.approx(nodes, rel=0, abs=1e-14)  # E2


def test_edges_of_one_large_input_stay_biased() -> None:
    """w = B = sqrt(N) e_1: one mask bit decides, so the error is (1 - c)/6 at every N."""
    one = np.ones((1, 1))
    order = theory.OrderParameters(one, one, one, [1.0], [1.0])
    c = 0.5
    mean = (1 - c) * theory.generalization_error(
        theory.OrderParameters(0 * one, 0 * one, one, [1], [1])
    )
    assert mean == pytest.approx(0.0833, abs=5e-5)
    assert theory.expected_pruned_error(order, "random-edge", c) == pytest.approx(0.0884, abs=5e-5)


def conditional_bernoulli(odds: Any, count: int, rng: np.random.Generator) -> Any:
    """Mask of `count` ones with P proportional to the product of odds, by its chain rule."""
    n = len(odds)
    log_sums = np.full((n + 1, count + 1), -np.inf)
    log_sums[:, 0] = 0.0
    for i in range(n - 1, -1, -1):
        log_sums[i, 1:] = np.logaddexp(log_sums[i + 1, 1:], np.log(odds[i]) + log_sums[i + 1, :-1])
    mask, left = np.zeros(n), count
    for i in range(n):
        if left == 0:
            break
        taken = np.log(odds[i]) + log_sums[i + 1, left - 1] - log_sums[i, left]
        if math.log(rng.random()) < taken:
            mask[i], left = 1.0, left - 1
    return mask


def masked(w: Any, rule: str, count: int, rng: np.random.Generator) -> Any:
    if rule == "random-edge":
        return w * (rng.random(w.shape) < count / w.shape[1])
    if rule == "dpp-edge":
        return w * np.array([conditional_bernoulli(row**2, count, rng) for row in w])
    least = np.sort(np.abs(w), axis=1)[:, -count, None]
    return w * (np.abs(w) >= least)


@pytest.mark.parametrize("rule", ["random-edge", "dpp-edge", "magnitude-edge"])
@pytest.mark.parametrize("fraction", [0.2, 0.6])
def test_edge_rules_are_the_mean_of_drawn_masks(rule: str, fraction: float) -> None:
    """Normal rows are drawn anew with each mask; their own error is taken off as a control.

    The bias is O(1/N): at N = 400 at most .5/400 = .0013 is allowed besides the noise.
    """
    rng, n, draws = np.random.default_rng(7), 400, 60
    mixing = np.array([[1.0, 0.8, -0.3, 0.6, 0.0], [0, 0.6, 0.5, 0.3, 0], [0, 0, 0.81, 0.4, 1.0]])
    v, a = np.array([1.0, 0.7, -0.5]), np.array([1.0, 0.8])
    cov = mixing.T @ mixing
    limit = theory.OrderParameters(cov[:3, :3], cov[:3, 3:], cov[3:, 3:], v, a)
    seen = []
    for _ in range(draws):
        fields = (rng.standard_normal((n, 3)) @ mixing).T
        pruned = overlaps(masked(fields[:3], rule, int(fraction * n), rng), fields[3:], v, a)
        seen.append(theory.generalization_error(pruned))
    error = float(np.std(seen, ddof=1)) / math.sqrt(draws)
    stated = theory.expected_pruned_error(limit, rule, fraction)
    assert abs(float(np.mean(seen)) - stated) < 4.5 * error + 0.5 / n


def test_refused_in_a_sentence() -> None:
    order, copied = student(6), theory.replicated_order(2, 3)
    with pytest.raises(theory.InapplicableError, match="rank 2 of 6: the student's units are not"):
        theory.expected_pruned_error(copied, "dpp-node", 3)
    with pytest.raises(theory.InapplicableError, match="rank 2 of 6"):
        theory.fusion_excess(copied, kept=3)
    with pytest.raises(theory.InapplicableError, match=r"\|G v - b\| is .*refit v first"):
        theory.fusion_excess(order, kept=2)
    with pytest.raises(theory.InapplicableError, match="average reweighted_error over drawn sets"):
        theory.expected_pruned_error(student(0, 24), "random-node", 12, reweighted=True)
    with pytest.raises(ValueError, match=r"rule must be one of random-node, .* but is 'node'"):
        theory.expected_pruned_error(order, "node", 2)
    with pytest.raises(ValueError, match=r"whole number, but is 0.5; dpp-node keeps a number"):
        theory.expected_pruned_error(order, "dpp-node", 0.5)
    with pytest.raises(ValueError, match=r"in \[0, 1\], but is 3; random-edge keeps a fraction"):
        theory.expected_pruned_error(order, "random-edge", 3)
    with pytest.raises(ValueError, match=r"needs marginals \(5,\) and pairs \(5, 5\)"):
        theory.mean_pruned_error(order, np.ones(4), np.ones((4, 4)))
    with pytest.raises(ValueError, match=r"diagonal of pairs must be the marginals, but is 0.5"):
        theory.mean_pruned_error(order, 0.5 * np.ones(5), np.ones((5, 5)))
    with pytest.raises(ValueError, match="either kept"):
        theory.fusion_excess(order)
    check_rank(copied.Q, 2)


def optimal(seed: int, activation: str = "erf") -> theory.OrderParameters:
    order = student(seed)
    best = theory.reweighted_weights(order, range(5), activation)
    return theory.OrderParameters(order.Q, order.R, order.T, best, order.A)


@pytest.mark.parametrize("kept", [1, 2, 4, 5])
def test_fusion_is_the_mean_over_activation_volumes(kept: int) -> None:
    order = optimal(8)
    gram = theory.output_moments(order).student
    whole = theory.generalization_error(order)
    mean = theory.mean_reweighted_error(order, kept, kernel=gram) - whole
    found = theory.fusion_excess(order, kept=kept)
    assert found == pytest.approx(mean, rel=0, abs=1e-13)
    low, high = theory.fusion_ridges(gram, kept)
    v = order.v
    if kept < 5:
        assert theory.degrees_of_freedom(gram, high) <= kept <= theory.degrees_of_freedom(gram, low)
        ends = [0.5 * r * v @ theory.smoother(gram, r) @ v for r in (low, high)]
        assert ends[0] <= found <= ends[1]
    assert found <= theory.fusion_bound(order, kept) + 1e-13


def test_fusion_of_a_dpp_is_the_bias_of_ridge_regression() -> None:
    order, ridge = optimal(9), 0.07
    gram, whole = theory.output_moments(order).student, theory.generalization_error(order)
    mean = total = 0.0
    for k in range(6):
        for j in sets(5, k):
            weight = float(np.linalg.det(gram[np.ix_(j, j)] / ridge))
            error = (
                theory.reweighted_error(order, j) if j else theory.output_moments(order).teacher / 2
            )
            mean, total = mean + weight * (error - whole), total + weight
    assert theory.fusion_excess(order, ridge=ridge) == pytest.approx(mean / total, rel=0, abs=1e-13)
    half = theory.fusion_excess(order, ridge=ridge, target="student")
    assert half == theory.fusion_excess(order, ridge=ridge)


def test_numbers_of_edges_of_the_published_budgets() -> None:
    assert [theory.edge_count(6, 500, k) for k in range(1, 6)] == [83, 166, 250, 333, 417]
    with pytest.raises(ValueError, match="edges a unit of 1 inputs; choose another budget"):
        theory.edge_count(6, 1, 1)


@pytest.mark.parametrize("rule", ["dpp-edge", "magnitude-edge"])
@pytest.mark.parametrize("c", [1e-200, 1e-17, 1e-12, 1e-6, 1 - 1e-12, 1 - 1e-15])
def test_almost_no_edges_and_almost_all(rule: str, c: float) -> None:
    """DPP edges keep 3c of the squares as c -> 0 (E w^4 = 3), and 1 as c -> 1; all finite."""
    order = theory.replicated_order(2, 2, 1.0)
    found = theory.expected_pruned_error(order, rule, c)
    assert found == pytest.approx(0.0 if c > 0.5 else 1 / 3, rel=0, abs=1e-3)
    own, alike = dpp_edge_moments(c)
    assert own == pytest.approx(min(3 * c, 1.0), rel=1e-4, abs=0)
    assert 0 <= alike <= own <= 1 + 1e-12


@pytest.mark.parametrize("c", [1e-12, 1e-6, 1e-3, 0.3, 0.9])
def test_odds_of_dpp_edges_keep_the_fraction(c: float) -> None:
    """E a w^2/(1 + a w^2) = c by quadrature; below x = 300 the digits of 1 - c cost up to 2e-11."""
    from scipy import integrate

    a = dpp_odds(c)
    kept, _ = integrate.quad(
        lambda w: 2 * a * w * w / (1 + a * w * w) * math.exp(-w * w / 2) / math.sqrt(2 * math.pi),
        0,
        40,
        points=[0.1, 1, 5],
        epsabs=0,
        epsrel=1e-12,
    )
    assert kept == pytest.approx(c, rel=3e-11, abs=0)


@pytest.mark.parametrize("given", [(0, 500, 1), (6, 0, 1), (6, 500, 1.5), (6, 500, -1)])
def test_edge_counts_are_of_whole_numbers(given: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match=r"(size|inputs|kept) must be"):
        theory.edge_count(*given)


def test_the_bound_of_fusion_is_the_least_of_its_tails() -> None:
    rng = np.random.default_rng(8)
    w, b = rng.standard_normal((5, 9)), rng.standard_normal((2, 9))
    order = theory.OrderParameters.from_rows(w, b, rng.standard_normal(5), [1.0, 1.0])
    lam = np.linalg.eigvalsh(theory.gaussian_i2(order.Q))[::-1]
    for k in range(1, 6):
        least = min(np.sum(lam[s:]) / (k - s) for s in range(k))
        bound = theory.fusion_bound(order, k)
        assert bound == pytest.approx(least * np.sum(order.v**2) / 2, rel=1e-12, abs=0)


def test_inclusions_may_be_arrays_of_any_library() -> None:
    import array_api_strict as xp

    order = theory.replicated_order(2, 2)
    pi, pairs = theory.uniform_inclusion(4, 2)
    found = theory.mean_pruned_error(order, xp.asarray(pi), xp.asarray(pairs))
    assert found == theory.mean_pruned_error(order, pi, pairs)
