"""Balls contain the exact values: rational arithmetic on the same dyadic numbers."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

flint = pytest.importorskip("flint", reason="python-flint is not installed")

from pruneproof.proofs_check.certified import balls  # noqa: E402
from pruneproof.proofs_check.generators import FAMILIES, samples  # noqa: E402

Table = list[list[Fraction]]


@pytest.fixture(autouse=True, params=[128, 512])
def precision(request):
    with flint.ctx.workprec(request.param):
        yield request.param


def contains(ball, value: Fraction) -> bool:
    """Exactly; arb.contains would round the rational first."""
    return abs(flint.fmpq(value.numerator, value.denominator) - ball.mid().fmpq()) <= (
        ball.rad().fmpq()
    )


def tight(ball, precision: int) -> bool:
    """Whether the ball says more than its magnitude: 40 bits are left for cancellation."""
    return float(ball.rad()) <= 2.0 ** (40 - precision) * max(1.0, abs(float(ball.mid())))


def second_moment(x: np.ndarray) -> Table:
    rows = [[Fraction(float(v)) for v in row] for row in x]
    m = len(rows[0])
    return [[sum(r[i] * r[j] for r in rows) / len(rows) for j in range(m)] for i in range(m)]


def inverse(a: Table) -> Table:
    """Gauss and Jordan."""
    n = len(a)
    rows = [list(row) + [Fraction(i == j) for j in range(n)] for i, row in enumerate(a)]
    for i in range(n):
        pivot = next(r for r in range(i, n) if rows[r][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for r in range(n):
            if r != i:
                rows[r] = [v - rows[r][i] * w for v, w in zip(rows[r], rows[i])]
    return [row[n:] for row in rows]


def determinant(a: Table) -> Fraction:
    """Sum over permutations, for small matrices."""
    n, total = len(a), Fraction(0)
    for order in itertools.permutations(range(n)):
        swaps = sum(order[i] > order[j] for i in range(n) for j in range(i + 1, n))
        term = Fraction((-1) ** swaps)
        for i, j in enumerate(order):
            term *= a[i][j]
        total += term
    return total


def residual(sigma: Table, kept, tau) -> Table:
    block = [[sigma[i][j] + (tau[a] if i == j else 0) for j in kept] for a, i in enumerate(kept)]
    p, m = inverse(block), len(sigma)
    return [
        [
            sigma[i][j]
            - sum(
                sigma[i][u] * p[a][b] * sigma[v][j]
                for a, u in enumerate(kept)
                for b, v in enumerate(kept)
            )
            for j in range(m)
        ]
        for i in range(m)
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_degrees_of_freedom_and_residual_contain_the_exact_values(family, precision):
    x = samples(np.random.default_rng(3), family, 4)
    lam, tau, kept = Fraction(0.3), [Fraction(0.25), Fraction(1e-3)], [2, 0]
    sigma, ours = second_moment(x), balls.second_moment(balls.matrix(x))
    for i, j in itertools.product(range(4), repeat=2):
        assert contains(ours[i, j], sigma[i][j])
    shifted = [[v + lam * (i == j) for j, v in enumerate(row)] for i, row in enumerate(sigma)]
    exact = 4 - lam * sum(inverse(shifted)[i][i] for i in range(4))
    dof = balls.degrees_of_freedom(ours, flint.arb(0.3))
    assert contains(dof, exact)
    assert tight(dof, precision)
    s = balls.residual(ours, kept, [flint.arb(0.25), flint.arb(1e-3)])
    wanted = residual(sigma, kept, tau)
    for i, j in itertools.product(range(4), repeat=2):
        assert contains(s[i, j], wanted[i][j])
        assert tight(s[i, j], precision)


@pytest.mark.parametrize("family", ["flat", "power-law", "spiked", "relu"])
def test_mean_residual_of_volume_sampling_is_the_sum_over_all_subsets(family, precision):
    x, k = samples(np.random.default_rng(4), family, 4), 2
    sigma = second_moment(x)
    total, weighted = Fraction(0), [[Fraction(0)] * 4 for _ in range(4)]
    for kept in itertools.combinations(range(4), k):
        volume = determinant([[sigma[i][j] for j in kept] for i in kept])
        total += volume
        s = residual(sigma, kept, [Fraction(0)] * k)
        weighted = [[w + volume * v for w, v in zip(a, b)] for a, b in zip(weighted, s)]
    ours = balls.volume_residual(balls.second_moment(balls.matrix(x)), k)
    loss = balls.volume_loss(balls.second_moment(balls.matrix(x)), k)
    assert contains(loss, sum(weighted[i][i] for i in range(4)) / total)
    for i, j in itertools.product(range(4), repeat=2):
        assert contains(ours[i, j], weighted[i][j] / total)
        assert tight(ours[i, j], precision)


@pytest.mark.parametrize("family", FAMILIES)
def test_eigenvalues_are_roots_and_sum_to_the_exact_trace(family, precision):
    """Where two eigenvalues or more are equal as well: duplicated columns, exactly."""
    x = samples(np.random.default_rng(5), family, 5)
    sigma = second_moment(x)
    found = balls.eigenvalues(balls.second_moment(balls.matrix(x)))
    assert contains(sum(found, flint.arb(0)), sum(sigma[i][i] for i in range(5)))
    squares = sum(sigma[i][j] ** 2 for i in range(5) for j in range(5))
    assert contains(sum((mu * mu for mu in found), flint.arb(0)), squares)
    assert contains(balls.tail(found, 0), sum(sigma[i][i] for i in range(5)))
    floats = np.linalg.svd(x, compute_uv=False) ** 2 / len(x)
    np.testing.assert_allclose([float(mu) for mu in found], floats, atol=1e-13 * floats[0])
    assert all(float(mu.rad()) < 2.0 ** (8 - precision // 3) * floats[0] for mu in found)


def test_equal_eigenvalues_are_enclosed():
    found = balls.eigenvalues(balls.matrix(np.diag([0.0, 2.0, 1.0, 0.0, 1.0])))
    for ball, value in zip(found, (2, 1, 1, 0, 0)):
        assert ball.contains(value)
        assert float(ball.rad()) < 1e-11


def test_pivots_decide_definiteness_beyond_float64():
    """A 2 x 2 block that misses singularity by 2^-100 has the sign of the miss."""
    for exponent, sign in ((-100, 1), (-100, -1)):
        miss = sign * flint.arb(2) ** exponent
        a = flint.arb_mat([[1, 1, 0], [1, 1 + miss, 0], [0, 0, 5]])
        pivot = balls.least_pivot(a)
        assert pivot == miss
    singular = flint.arb_mat([[1, 1], [1, 1]])
    third = singular / 3
    pivot = balls.least_pivot(third)
    assert pivot.contains(0)
    assert not pivot > 0
    assert not pivot < 0


def test_a_negative_pivot_is_the_form_of_a_vector():
    a = np.array([[2.0, 1.0, 3.0], [1.0, 4.0, -1.0], [3.0, -1.0, 1.0]])
    v = np.append(-np.linalg.solve(a[:2, :2], a[:2, 2]), 1.0)
    assert float(balls.least_pivot(balls.matrix(a))) == pytest.approx(v @ a @ v)


def test_ridge_for_degrees_of_freedom_encloses_the_root(precision):
    """sigma = I, m = 5: N(lam) = 5/(1 + lam) = 2 at 3/2."""
    ridge = balls.ridge_for_degrees_of_freedom(balls.matrix(np.eye(5)), 2.0)
    assert ridge.contains(1.5)
    assert float(ridge.rad()) < 1e-12
    sigma = balls.second_moment(balls.matrix(samples(np.random.default_rng(1), "relu", 5)))
    enclosure = balls.ridge_for_degrees_of_freedom(sigma, 2.0)
    assert float(enclosure.rad()) < 1e-15 * float(enclosure)
    assert balls.degrees_of_freedom(sigma, enclosure.lower()) >= 2
    assert balls.degrees_of_freedom(sigma, enclosure.upper()) <= 2
    with pytest.raises(balls.Undecided):
        balls.ridge_for_degrees_of_freedom(balls.matrix(np.eye(2)), 2.0)


def test_volume_ridge_is_the_root_of_its_count(precision):
    mu = [flint.arb(v) for v in (4.0, 2.0, 1.0, 0.5)]
    ridge = balls.volume_ridge(mu, 2)
    assert ridge.contains(3.5)  # 1 + 3.5/3.5 = 2, which is below (4 + 3.5)/2
    assert balls.count_above(mu, flint.arb(3.5)).contains(2)


def test_nodes_that_others_explain_are_left_out():
    x = np.array([[1.0, 2.0, 2.0, 0.0, 0.1], [3.0, 1.0, 1.0, 0.0, 0.3], [0.5, 1.0, 1.0, 0.0, 0.7]])
    x[:, 4] = x[:, 0] + x[:, 1]
    assert balls.independent(x, [0, 1, 2, 3], [0.0] * 4) == [0, 1]
    assert balls.independent(x, [2, 1], [0.0, 1.0]) == [0, 1]
    assert balls.independent(x, [1, 0, 4], [0.0] * 3) == [0, 1]
    assert balls.independent(x, [], []) == []


def test_refused_numbers():
    with pytest.raises(ValueError, match="finite"):
        balls.matrix(np.array([[np.nan]]))


@pytest.mark.parametrize("m", [400])
def test_degrees_of_freedom_of_wide_layers(m, precision):
    """N of 400 nodes, enclosed to 28 digits."""
    if precision > 128:
        return
    x = np.random.default_rng(0).standard_normal((m + 40, m))
    dof = balls.degrees_of_freedom(balls.second_moment(balls.matrix(x)), flint.arb(0.01))
    mu = np.linalg.svd(x, compute_uv=False) ** 2 / len(x)
    assert float(dof) == pytest.approx(np.sum(mu / (mu + 0.01)), rel=1e-12)
    assert float(dof.rad()) < 1e-28
