"""Exact evaluation: identities hold to the last digit, in Fractions as in flint's numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.proofs_check.checkers.exact import exact
from pruneproof.proofs_check.exact import dpp, statements
from pruneproof.proofs_check.exact.layers import rotated_layer, whole_layers
from pruneproof.proofs_check.exact.rational import (
    characteristic,
    combined,
    determinant,
    fraction,
    has_flint,
    identity,
    inertia,
    inverse,
    is_semidefinite,
    matrix,
    product,
    rational,
    residual,
    scaled,
    solve,
    trace,
)
from pruneproof.proofs_check.exact.volume import Resolvent, listed_mean, subsets_of

needs_flint = pytest.mark.skipif(not has_flint(), reason="python-flint is not installed")
PLAIN = [pytest.param(True, id="Fraction"), pytest.param(False, id="fmpq", marks=needs_flint)]


def fractions(a: Any) -> Any:
    return tuple(tuple(fraction(x) for x in row) for row in a)


def floats(a: Any) -> Any:
    return np.array([[float(fraction(x)) for x in row] for row in a])


@needs_flint
@pytest.mark.parametrize("index", range(3))
def test_fractions_and_flint_agree(index: int) -> None:
    slow, fast = (whole_layers(5, 7, plain=plain)[index] for plain in (True, False))
    assert fractions(slow.sigma) == fractions(fast.sigma)
    assert fraction(determinant(slow.sigma)) == fraction(determinant(fast.sigma))
    shifted = [combined(a.sigma, identity(5, a.sigma)) for a in (slow, fast)]
    assert fractions(inverse(shifted[0])) == fractions(inverse(shifted[1]))
    assert fractions(solve(shifted[0], slow.sigma)) == fractions(solve(shifted[1], fast.sigma))
    (e, parts), (e_fast, parts_fast) = characteristic(slow.sigma), characteristic(fast.sigma)
    assert [fraction(x) for x in e] == [fraction(x) for x in e_fast]
    assert list(map(fractions, parts)) == list(map(fractions, parts_fast))
    for k in (1, 2, 3):
        (total, mean), (total_fast, mean_fast) = (
            listed_mean(subsets_of(a.sigma, k)) for a in (slow, fast)
        )
        assert fraction(total) == fraction(total_fast)
        assert fractions(mean) == fractions(mean_fast)
    lam = Fraction(2, 3)
    left, right = dpp.listed(slow.sigma, lam), dpp.listed(fast.sigma, rational(lam))
    assert fraction(left.width) == fraction(right.width)
    assert fractions(left.residual) == fractions(right.residual)


@pytest.mark.parametrize("plain", PLAIN)
def test_linear_algebra(plain: bool) -> None:
    a = matrix([[0, 2, 1], [2, 0, 3], [1, 3, 4]], plain)
    unit = identity(3, a)
    assert fraction(determinant(a)) == -4
    assert product(a, inverse(a)) == unit
    e, _ = characteristic(a)
    assert [fraction(x) for x in e] == [1, 4, -14, -4]
    assert inertia(a) == (1, 0, 2)  # eigenvalues -2.67.., .25.., 6.4..
    assert inertia(matrix([[0, 1], [1, 0]], plain)) == (1, 0, 1)
    assert inertia(matrix(np.ones((4, 4)), plain)) == (0, 3, 1)
    assert not is_semidefinite(a)
    singular = matrix([[1, 2], [2, 4]], plain)
    assert determinant(singular) == 0
    with pytest.raises(ZeroDivisionError):
        solve(singular, singular)
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError):
            rational(value, plain)


def test_inertia_counts_signs_of_eigenvalues() -> None:
    rng = np.random.default_rng(3)
    for _ in range(30):
        a = rng.integers(-2, 3, (5, 5))
        a = a + a.T - np.diag(np.diag(a)) * rng.integers(0, 3)
        found = np.linalg.eigvalsh(a)
        zeros = int(np.sum(np.abs(found) < 1e-9))
        signs = (int(np.sum(found < -1e-9)), zeros, int(np.sum(found > 1e-9)))
        assert inertia(matrix(a)) == signs


@pytest.mark.parametrize("plain", PLAIN)
def test_the_residual_agrees_with_its_definition_and_with_theory(plain: bool) -> None:
    layer = whole_layers(5, 11, plain=plain)[0]
    kept, taus = (3, 0, 4), (Fraction(1, 2), Fraction(3), Fraction(1, 7))
    ridges = [rational(tau, plain) for tau in taus]
    joined = residual(layer.sigma, kept, ridges)
    columns = tuple(tuple(row[j] for j in kept) for row in layer.sigma)
    inner_block = tuple(columns[j] for j in kept)
    ridge = tuple(
        tuple(tau if i == j else 0 * tau for j in range(3)) for i, tau in enumerate(ridges)
    )
    explained = product(
        columns, solve(combined(inner_block, ridge), tuple(zip(*columns, strict=True)))
    )
    assert joined == combined(layer.sigma, explained, -1)
    cov = floats(layer.sigma)
    found = theory.residual(cov, list(kept), np.array([float(tau) for tau in taus]))
    # a Schur complement of a well-conditioned block: a few eps of Tr Sigma
    np.testing.assert_allclose(found, floats(joined), rtol=0, atol=1e-13 * np.trace(cov))


def test_a_singular_block_loses_nothing() -> None:
    layer = whole_layers(6, 1)[2]
    assert layer.name.startswith("repeated")
    once, twice = residual(layer.sigma, (0, 1)), residual(layer.sigma, (0, 1, 3))
    assert once == twice  # node 3 repeats node 0
    everything = residual(layer.sigma, range(6))
    assert not any(any(row) for row in everything)


def test_theory_agrees_with_the_exact_mean_of_volume_sampling() -> None:
    layer = whole_layers(6, 2020)[0]
    formula, cov = Resolvent(layer.sigma), floats(layer.sigma)
    for k in range(1, 7):
        loss = float(fraction(formula.mean_loss(k)))
        # eigenvalues err by eps Tr Sigma, and the loss has derivative at most 1 in each
        assert theory.volume_loss(cov, k) == pytest.approx(loss, rel=0, abs=1e-13 * np.trace(cov))
        mean = floats(formula.mean_residual(k))
        np.testing.assert_allclose(
            theory.volume_residual(cov, k), mean, rtol=0, atol=1e-12 * np.trace(cov)
        )
    dof = float(fraction(formula.degrees(rational(Fraction(1, 2)))))
    assert theory.degrees_of_freedom(cov, 0.5) == pytest.approx(dof, rel=1e-13)


@pytest.mark.parametrize("plain", PLAIN)
def test_the_resolvent_is_that_of_a_solution(plain: bool) -> None:
    layer = whole_layers(5, 5, plain=plain)[1]
    formula, lam = Resolvent(layer.sigma), rational(Fraction(5, 3), plain)
    shifted = combined(layer.sigma, identity(5, layer.sigma), lam)
    smoother = solve(shifted, layer.sigma)
    assert formula.smoother(lam) == smoother
    assert formula.degrees(lam) == trace(smoother)
    assert formula.determinant(lam) == determinant(shifted)
    weighted = formula.degrees(lam, formula.form(layer.quadratic))
    assert weighted == trace(product(layer.quadratic, smoother))
    assert formula.rank == 3


def test_a_rotated_layer_has_its_spectrum() -> None:
    mu = (Fraction(9), Fraction(1, 2), Fraction(4), Fraction(4))
    layer = rotated_layer(mu, 1, plain=True)
    e, _ = characteristic(layer.sigma)
    assert -e[1] == np.poly([float(x) for x in mu])[1] == -17.5
    assert e[4] == 72
    assert layer.sigma[0][1] != 0
    assert scaled(layer.sigma, 1) == tuple(zip(*layer.sigma, strict=True))


def test_k_in_place_of_k_plus_one_is_refuted() -> None:
    layer = whole_layers(4, 2020)[0]
    assert all(part.hold for part in statements.volume_mean(layer, 2))
    failed = [part.part for part in statements.volume_mean(layer, 2, spare=0) if not part.hold]
    assert failed == ["loss"]


def test_a_wrong_factor_of_determinantal_sampling_is_refuted() -> None:
    layer = whole_layers(4, 2020)[0]
    parts = list(statements.determinantal(layer, rational(Fraction(1, 3)), factor=2))
    assert [part.part for part in parts if not part.hold] == ["residual", "loss"]


@pytest.mark.parametrize("claim_id", ["spectral.I7", "laws.L3"])
def test_exact_evidence(claim_id: str) -> None:
    evidence = exact(claim_id, budget="quick")
    assert evidence is not None
    assert evidence.word == "EXACT"
    assert evidence.instances >= 6
    assert "rational arithmetic" in evidence.sentence


def test_no_exact_evaluation() -> None:
    assert exact("spectral.B1", budget="quick") is None
    with pytest.raises(ValueError, match="budget must be one of"):
        exact("spectral.I7", budget="short")
