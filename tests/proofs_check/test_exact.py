"""Exact evaluation: identities hold to the last digit, in Fractions as in flint's numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.proofs_check import claims
from pruneproof.proofs_check.checkers.exact import evidence_of, exact
from pruneproof.proofs_check.exact import dpp, statements
from pruneproof.proofs_check.exact.cases import CASES, Case
from pruneproof.proofs_check.exact.layers import rotated_layer, whole_layers
from pruneproof.proofs_check.exact.rational import (
    along,
    characteristic,
    combined,
    determinant,
    fraction,
    has_flint,
    identity,
    inertia,
    inverse,
    matrix,
    negative_direction,
    product,
    rational,
    residual,
    scaled,
    solve,
    trace,
)
from pruneproof.proofs_check.exact.readings import READINGS
from pruneproof.proofs_check.exact.spectra import (
    degrees_ridge_bracket,
    known,
    spectrum,
    volume_ridge_bracket,
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
    assert negative_direction(a) is not None
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
        direction = negative_direction(matrix(a))
        assert (direction is None) == (signs[0] == 0)
        assert direction is None or along(matrix(a), direction) < 0


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


def test_the_ladder_of_determinantal_sampling_is_climbed() -> None:
    """Tail, best S, mean and (k + 1) tails, for every width up to the rank."""
    layer = whole_layers(5, 0)[0]
    found = {part.part: part for part in statements.determinantal(layer, rational(2))}
    for k in range(1, 6):
        tail, best, mean = (found[f"{name} {k}"] for name in ("tail after", "best of", "mean of"))
        assert best.lhs == tail.rhs
        assert best.rhs == mean.lhs == mean.rhs
        assert all(part.hold for part in (tail, best, mean, found[f"{k + 1} tails"]))


def test_a_wrong_factor_of_determinantal_sampling_is_refuted() -> None:
    layer = whole_layers(4, 2020)[0]
    parts = list(statements.determinantal(layer, rational(Fraction(1, 3)), factor=2))
    assert [part.part for part in parts if not part.hold] == ["residual", "loss"]


def _holds(parts: Any) -> list[bool | None]:
    return [part.hold for part in parts]


def test_equality_cases_are_met_exactly() -> None:
    """Flat Sigma: X1's loss is met, D6 up to 1 - 1/m^2; both lose what is 1/1000 smaller."""
    mu, k, one = (Fraction(2, 3),) * 5, 2, known(rational(1))  # N(1) = 5 (2/3)/(5/3) = 2
    layer = rotated_layer(mu, 3)
    mean, residual_part, best = statements.degrees_suffice(layer, k, at=one)
    assert mean.lhs == mean.rhs
    assert residual_part.hold
    assert best.hold
    short = statements.degrees_suffice(layer, k, at=one, constant=Fraction(999, 1000))
    assert _holds(short) == [False, True, True]
    flat = replace(layer, theta=rational(1))
    (part,) = statements.logfree_loss(flat, 1)
    assert part.lhs / part.rhs == rational(Fraction(24, 25))
    (part,) = statements.logfree_loss(flat, 1, constant=0.95)
    assert part.hold is False


def test_altered_statements_are_refuted() -> None:
    k, one = 5, known(rational(1))
    extreme = rotated_layer((Fraction(1), *(Fraction(2 * k - 1),) * k), 3)
    assert all(_holds(statements.degrees_suffice(extreme, k, at=one)))
    dropped = statements.degrees_suffice(extreme, k, at=one, residual_constant=1)
    assert _holds(dropped) == [True, False, True]
    twins = rotated_layer((Fraction(1), Fraction(1, 10**4)), 1, half_turn=Fraction(41, 99))
    assert _holds(statements.tail_loss(twins, 1)) == [True]
    assert _holds(statements.tail_loss(twins, 1, constant=0.95)) == [False]
    assert _holds(statements.tail_loss(twins, 1, power=0.5)) == [False]
    flat = rotated_layer((Fraction(1),) * 5, 2)
    halved = statements.logfree_residual(flat, 1, ridge_scale=0.5)  # 4/5 against 5/7
    assert _holds(halved) == [False]


def test_eigenvalues_and_ridges_are_enclosed() -> None:
    mu = (Fraction(9), Fraction(4), Fraction(4), Fraction(1, 1000), Fraction(0))
    given = rotated_layer(mu, 5)
    unknown = replace(given, mu=None)
    for bits in (10, 60, 200):
        for bracket, value in zip(spectrum(unknown, bits), mu, strict=True):
            low, high = fraction(bracket.low), fraction(bracket.high)
            assert low <= value <= high
            assert high - low <= high / 2**bits
        for k in range(1, 5):
            ridge = volume_ridge_bracket(unknown, k, bits)
            exact_ridge = volume_ridge_bracket(given, k, bits)
            assert exact_ridge.low == exact_ridge.high
            assert ridge.low <= exact_ridge.low <= ridge.high
    assert theory.volume_ridge(floats(given.sigma), 3) == pytest.approx(
        float(fraction(volume_ridge_bracket(given, 3, 40).low)), rel=1e-12
    )
    found = degrees_ridge_bracket(Resolvent(given.sigma), 2, 60)
    near = theory.ridge_for_degrees_of_freedom(floats(given.sigma), 2.0)
    assert float(fraction(found.low)) == pytest.approx(near, rel=1e-12)
    with pytest.raises(ValueError, match="lies between 0 and 4"):
        degrees_ridge_bracket(Resolvent(given.sigma), 4, 60)


CLAIMS = (*CASES, "spectral.P1", pytest.param("laws.L4", marks=needs_flint))


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_exact_evidence(claim_id: str) -> None:
    evidence = exact(claim_id, budget="quick")
    assert evidence is not None
    assert evidence.word == "EXACT"
    assert evidence.instances >= 3
    assert "rational" in evidence.sentence
    json.dumps(dict(evidence.details))


@pytest.mark.parametrize(
    ("claim_id", "lhs", "rhs"),
    [
        ("spectral.F1", "11/511", "4/1001"),
        ("spectral.F2", "614000/617", "796"),
        ("spectral.F4", "1/8", "0"),
        ("spectral.A2", "36/5", "95/18"),
    ],
)
def test_false_readings_fail_exactly(claim_id: str, lhs: str, rhs: str) -> None:
    evidence = exact(claim_id, budget="quick")
    assert evidence is not None
    assert evidence.word == "REFUTED"
    assert evidence.witness is not None
    assert (evidence.witness["lhs"], evidence.witness["rhs"]) == (lhs, rhs)
    assert lhs in evidence.sentence


def test_readings_agree_with_the_claims_own_instances() -> None:
    """F1, F3, F4 and A2 are at the frozen instances of the claims, F2 at another."""
    for claim_id in ("spectral.F1", "spectral.F3", "spectral.F4", "spectral.A2"):
        (claim,) = claims(claim_id)
        sides = claim.check(claim.instance(claim.examples[0]))
        part = READINGS[claim_id]()
        for value, side in ((sides.lhs, part.lhs), (sides.rhs, part.rhs)):
            assert abs(value - float(fraction(side))) <= 10 * sides.tolerance, claim_id


def test_a_reading_that_held_would_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    held = replace(READINGS["spectral.F1"](), lhs=Fraction(0), hold=True)
    monkeypatch.setitem(READINGS, "spectral.F1", lambda: held)
    evidence = exact("spectral.F1", budget="quick")
    assert evidence is not None
    assert evidence.word == "NOT FALSIFIED"


def test_altered_reconstructions_are_refuted() -> None:
    flat = rotated_layer((Fraction(1),) * 3, 3)
    assert _holds(statements.reconstruction_size(flat, 3)) == [True, True]
    assert _holds(statements.reconstruction_size(flat, 3, spare=0)) == [False, True]
    twins = rotated_layer((Fraction(1), Fraction(1, 10**4)), 1, half_turn=Fraction(41, 99))
    assert _holds(statements.reconstruction_size(twins, 1)) == [True] * 3
    lowered = statements.reconstruction_size(twins, 1, entry=0.95, uniform_constant=0.95)
    assert _holds(lowered) == [True, False, False]


def test_sabotage_is_refuted_with_its_instance() -> None:
    layer = whole_layers(4, 2020)[0]
    case = Case("a layer", list(statements.volume_mean(layer, 2, spare=0)))
    evidence = evidence_of([case], "never mind")
    assert evidence.word == "REFUTED"
    assert evidence.witness is not None
    assert evidence.witness["instance"] == "a layer"
    lhs, rhs = (Fraction(str(evidence.witness[side])) for side in ("lhs", "rhs"))
    assert lhs * 2 == rhs * 3  # k for k + 1, k = 2


def test_no_exact_evaluation() -> None:
    assert exact("spectral.B1", budget="quick") is None
    with pytest.raises(ValueError, match="budget must be one of"):
        exact("spectral.I7", budget="short")
