"""Lemmas of small sizes for an SMT solver: the negated statement, to be found unsatisfiable.

Each lemma is one function that returns its hypotheses and the negation of its conclusion over the
reals, a finite list of polynomial constraints. z3 decides them: `unsat` proves the statement for
every real number within the hypotheses, and of exactly that size; `sat` comes with numbers that
refute it. The keyword arguments are the constants of the claim of the same id, so that an altered
statement is put to the same solver.

To z3 division by 0 has some value and contradictory hypotheses imply anything, so two more answers
are asked for: within the hypotheses no divisor is 0, and some numbers meet them all. A lemma that
fails either is void, whatever z3 says of its negation.

The effort is bounded by z3's own count of resources, not by time, so the answer does not depend on
the machine. Solving needs z3-solver, imported when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

#: Bound on z3's count of resources, twenty times what the hardest lemma takes (1e5).
EFFORT = 2_000_000
#: Milliseconds after which z3 is stopped in any case; the effort ends long before.
PATIENCE = 60_000


@dataclass(frozen=True)
class Answer:
    """What the solver said of one negated statement.

    Attributes
    ----------
    word : {"unsat", "sat", "unknown", "void"}
        "unsat" proves the statement; "void" says that there is no statement to decide.
    version : str
        Of z3.
    model : mapping of str to str
        Of "sat": the numbers that refute the statement, rational ones written as fractions.
    reason : str
        Of "unknown": why the solver gave up. Of "void": what is wrong with the statement.
    """

    word: str
    version: str
    model: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


def degrees_antitone(*, factor: float = 1.0, swapped: bool = False) -> list[Any]:
    """N(lam') <= factor N(lam) for mu_1, mu_2 >= 0, 0 < lam <= lam'."""
    mu, lam, larger, hypotheses = _two_eigenvalues()
    low, high = _degrees(mu, larger), _degrees(mu, lam)
    if swapped:
        low, high = high, low
    return [*hypotheses, low > _real(factor) * high]


def degrees_of_invariants(*, factor: float = 1.0, swapped: bool = False) -> list[Any]:
    """N(lam') <= factor N(lam) for 0 < lam <= lam', N a function of e_1, e_2, e_3 >= 0 and lam."""
    import z3

    e, (lam, larger) = z3.Reals("e_1 e_2 e_3"), z3.Reals("lam lam_larger")

    def degrees(at: Any) -> Any:
        above = e[0] * at * at + 2 * e[1] * at + 3 * e[2]
        return above / (at * at * at + e[0] * at * at + e[1] * at + e[2])

    low, high = degrees(larger), degrees(lam)
    if swapped:
        low, high = high, low
    hypotheses = [*(value >= 0 for value in e), lam > 0, larger >= lam]
    return [*hypotheses, low > _real(factor) * high]


def degrees_scaled(*, factor: float = 1.0, scaled: bool = True) -> list[Any]:
    """Lam N(lam) <= factor lam' N(lam') for mu_1, mu_2 >= 0, 0 < lam <= lam'."""
    mu, lam, larger, hypotheses = _two_eigenvalues()
    low, high = _degrees(mu, lam), _degrees(mu, larger)
    if scaled:
        low, high = lam * low, larger * high
    return [*hypotheses, low > _real(factor) * high]


def degrees_rank(*, factor: float = 1.0) -> list[Any]:
    """N(lam) <= factor r for mu_1, mu_2, mu_3 >= 0 of which r are positive, lam > 0."""
    import z3

    mu, lam, hypotheses = _three_eigenvalues()
    rank = z3.Sum([z3.If(value > 0, z3.RealVal(1), z3.RealVal(0)) for value in mu])
    return [*hypotheses, _degrees(mu, lam) > _real(factor) * rank]


def degrees_trace(*, factor: float = 1.0) -> list[Any]:
    """Factor t/(t + lam) <= N(lam), t = mu_1 + mu_2 + mu_3, for mu_i >= 0, lam > 0."""
    import z3

    mu, lam, hypotheses = _three_eigenvalues()
    trace = z3.Sum(mu)
    return [*hypotheses, _real(factor) * trace / (trace + lam) > _degrees(mu, lam)]


def residual_of_two(*, factor: float = 1.0) -> list[Any]:
    """0 <= d - factor b^2/(a + tau) for [[a, b], [b, d]] psd, tau >= 0, a + tau > 0."""
    import z3

    a, b, d, tau = z3.Reals("a b d tau")
    pivot = a + tau
    return [*_psd_of_two(a, b, d), tau >= 0, pivot > 0, d - _real(factor) * b * b / pivot < 0]


def residual_of_three(*, factor: float = 1.0) -> list[Any]:
    """Sigma - factor s s^T/a is psd, s the first column, for Sigma psd of size 3, s_1 = a > 0.

    Positive semidefinite means that every principal minor is at least 0.
    """
    import z3

    a, b, c, d, e, f = z3.Reals("a b c d e f")
    determinant = a * (d * f - e * e) - b * (b * f - e * c) + c * (b * e - d * c)
    hypotheses = [*_psd_of_two(a, b, d), *_psd_of_two(a, c, f), *_psd_of_two(d, e, f)]
    share = _real(factor)
    left = (d - share * b * b / a, e - share * b * c / a, f - share * c * c / a)
    return [*hypotheses, determinant >= 0, a > 0, z3.Not(z3.And(_psd_of_two(*left)))]


def residual_grows_with_ridge(*, factor: float = 1.0, swapped: bool = False) -> list[Any]:
    """S_tau <= factor S_tau' for two nodes, one kept at 0 <= tau <= tau', a + tau > 0."""
    import z3

    a, b, d, tau, larger = z3.Reals("a b d tau tau_larger")

    def residual(ridge: Any) -> tuple[Any, Any, Any]:
        pivot = a + ridge
        return a - a * a / pivot, b - a * b / pivot, d - b * b / pivot

    low, high = residual(tau), residual(larger)
    if swapped:
        low, high = high, low
    gap = [_real(factor) * upper - lower for lower, upper in zip(low, high, strict=True)]
    ordered = [tau >= 0, larger >= tau, a + tau > 0]
    return [*_psd_of_two(a, b, d), *ordered, z3.Not(z3.And(_psd_of_two(*gap)))]


def inverse_antitone(*, factor: float = 1.0, swapped: bool = False) -> list[Any]:
    """B^{-1} <= factor A^{-1} for A of size 2 positive definite and B - A psd.

    Both sides are multiplied by det A det B, and no division is left; det A > 0 is assumed, and
    det B > 0 is part of the conclusion.
    """
    import z3

    a, b, d, p, q, r = z3.Reals("a b d p q r")
    before, after = a * d - b * b, (a + p) * (d + r) - (b + q) * (b + q)
    of_a, of_b = (d, -b, a), (d + r, -(b + q), a + p)  # adjugates
    low = [before * entry for entry in of_b]
    high = [after * entry for entry in of_a]
    if swapped:
        low, high = high, low
    gap = [_real(factor) * upper - lower for lower, upper in zip(low, high, strict=True)]
    hypotheses = [a > 0, before > 0, *_psd_of_two(p, q, r)]
    return [*hypotheses, z3.Not(z3.And(after > 0, *_psd_of_two(*gap)))]


#: Hypotheses, and last the negated conclusion, by the id of their claim.
LEMMAS: dict[str, Callable[..., list[Any]]] = {
    "lemma.degrees-antitone-2": degrees_antitone,
    "lemma.degrees-antitone-3": degrees_of_invariants,
    "lemma.degrees-scaled-2": degrees_scaled,
    "lemma.degrees-rank-3": degrees_rank,
    "lemma.degrees-trace-3": degrees_trace,
    "lemma.residual-psd-2": residual_of_two,
    "lemma.residual-psd-3": residual_of_three,
    "lemma.residual-ridge-2": residual_grows_with_ridge,
    "lemma.inverse-antitone-2": inverse_antitone,
}


def decide(claim_id: str, **changes: Any) -> Answer:
    """Put the negation of a lemma, or of an altered one, to z3.

    Raises
    ------
    ImportError
        z3-solver is not installed.
    """
    import z3

    *hypotheses, negation = LEMMAS[claim_id](**changes)
    version = z3.get_version_string()
    solver, word = _asked([*hypotheses, negation])
    divisors = [divisor == 0 for divisor in _divisors([*hypotheses, negation])]
    for wanted, constraints, flaw in (
        ("unsat", [*hypotheses, z3.Or(divisors)], "a divisor may be 0 within its hypotheses"),
        ("sat", hypotheses, "no numbers meet its hypotheses"),
    ):
        if word == "unknown":
            break
        checker, found = _asked(constraints)
        if found == "unknown":
            solver, word = checker, found
        elif found != wanted:
            return Answer("void", version, reason=flaw)
    if word == "sat":
        return Answer(word, version, _numbers(solver.model()))
    return Answer(word, version, reason=solver.reason_unknown() if word == "unknown" else "")


def _asked(constraints: list[Any]) -> tuple[Any, str]:
    """Solver that was given the constraints, and its answer."""
    import z3

    solver = z3.Solver()
    solver.set("rlimit", EFFORT)
    solver.set("timeout", PATIENCE)
    solver.add(*constraints)
    return solver, str(solver.check())


def _divisors(constraints: list[Any]) -> list[Any]:
    """Every term that something is divided by, once."""
    import z3

    seen: dict[int, Any] = {}
    found: dict[int, Any] = {}
    waiting = list(constraints)
    while waiting:
        term = waiting.pop()
        if term.get_id() in seen:
            continue
        seen[term.get_id()] = term
        parts = term.children()
        if z3.is_div(term):
            found[parts[1].get_id()] = parts[1]
        waiting += parts
    return list(found.values())


def _numbers(model: Any) -> dict[str, str]:
    """Value of every variable, by name; what z3 says of division by 0 is left out."""
    return {
        str(name): str(model[name]) for name in sorted(model.decls(), key=str) if not name.arity()
    }


def _real(value: float) -> Any:
    """The decimal number that is written, exactly: .95 is 19/20."""
    import z3

    return z3.RealVal(str(Fraction(str(value))))


def _two_eigenvalues() -> tuple[list[Any], Any, Any, list[Any]]:
    import z3

    mu, (lam, larger) = z3.Reals("mu_1 mu_2"), z3.Reals("lam lam_larger")
    return mu, lam, larger, [*(value >= 0 for value in mu), lam > 0, larger >= lam]


def _three_eigenvalues() -> tuple[list[Any], Any, list[Any]]:
    import z3

    mu, lam = z3.Reals("mu_1 mu_2 mu_3"), z3.Real("lam")
    return mu, lam, [*(value >= 0 for value in mu), lam > 0]


def _degrees(mu: list[Any], lam: Any) -> Any:
    import z3

    return z3.Sum([value / (value + lam) for value in mu])


def _psd_of_two(a: Any, b: Any, d: Any) -> list[Any]:
    """[[a, b], [b, d]] is positive semidefinite: both entries and the determinant are."""
    return [a >= 0, d >= 0, a * d - b * b >= 0]
