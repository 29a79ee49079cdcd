"""The sampling lemmas: each holds with its probability, its mutants die, and sabotage shows.

Trials have fixed seeds. ALARM is the error level of each direction on each frozen instance: a
test of a true statement that the seeds were not chosen for fails with at most that probability an
instance.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.proofs_check import Claim
from pruneproof.proofs_check.checkers.search import search
from pruneproof.proofs_check.checkers.statistical import statistical
from pruneproof.proofs_check.claims import bernstein, sampled_network, sampling
from pruneproof.proofs_check.frozen import MANY, FrozenLayer, above, below, frozen_layer
from pruneproof.proofs_check.oracles import ridge_fit
from pruneproof.proofs_check.registry import claims

ALARM = 1e-4
NAMES = ("P1", "P1b", "P2", "P3", "X3", "X4")


def _claim(name: str) -> Claim:
    (found,) = claims(f"spectral.{name}")
    return found


def _frozen(**parameters: Any) -> FrozenLayer:
    return frozen_layer(np.random.default_rng(0), **parameters)


@pytest.mark.parametrize("name", NAMES)
def test_each_statement_holds_with_its_probability(name: str) -> None:
    found = statistical(_claim(name), budget="quick", seed=1, alpha=ALARM)
    assert found.word == "STATISTICAL", found.sentence


@pytest.mark.parametrize("name", NAMES)
def test_mutants_that_must_die_do(name: str) -> None:
    claim = _claim(name)
    chosen = [mutant for mutant in claim.mutants if mutant.must_die]
    assert len(chosen) >= 4
    for mutant in chosen:
        mutated = claim.mutated(mutant)  # on its own instance, or on the claim's first ones
        alone = dataclasses.replace(mutated, examples=mutated.examples[:2])
        found = statistical(alone, budget="quick", seed=1, alpha=ALARM)
        assert (found.word, found.instances <= 80) == ("REFUTED", True), mutant.name


def test_levels_are_those_of_the_statements() -> None:
    for name, share in (("P1", 1 / 3), ("X4", 1 / 3), ("P2", 1.0), ("P3", 1.0), ("X3", 1.0)):
        claim = _claim(name)
        for parameters in claim.examples:
            delta = parameters.get("delta", 0.2)
            assert claim.instance(parameters).level == pytest.approx(share * delta, rel=1e-12)
    claim = _claim("P1b")
    levels = {c.get("event", "nodes"): claim.instance(c).level for c in claim.examples}
    assert levels["nodes"] == levels["weights"] == 3 / 5
    assert levels["nodes and directions"] == pytest.approx(1 - (2 / 5 - 1 / 15), rel=1e-12)


@pytest.mark.parametrize("name", ["P1", "P3", "X4"])
def test_residuals_are_those_of_ridge_regression(name: str) -> None:
    """S_J = lam Y W^{-1} Y^T, and its order against lam H, by least squares on the samples."""
    claim = _claim(name)
    for parameters in claim.examples:
        frozen = claim.instance(parameters)
        rng = np.random.default_rng(2)
        kept = rng.permutation(frozen.m)[: max(1, frozen.m // 2)]
        tau = frozen.ridge * rng.lognormal(size=len(kept))
        fit = ridge_fit(frozen.features, frozen.features, kept, tau)
        w = frozen.whitened(kept, tau)
        ours = frozen.ridge * frozen.rows @ np.linalg.solve(w, frozen.rows.T)
        # least squares errs by eps m in the moment, amplified by the size of its coefficients
        scale = fit.amplification * float(np.sum(frozen.features**2)) / len(frozen.features)
        np.testing.assert_allclose(ours, fit.moment, rtol=0, atol=1e-14 * frozen.m * scale)
        cov = frozen.features.T @ frozen.features / len(frozen.features)
        h = np.linalg.solve(cov + frozen.ridge * np.eye(frozen.m), cov)
        np.testing.assert_allclose(frozen.rows @ frozen.rows.T, h, rtol=0, atol=1e-9)
        q = (np.eye(frozen.m) + frozen.output_weights.T @ frozen.output_weights) / 2
        assert frozen.loss(w) == pytest.approx(float(np.sum(q * fit.moment)), rel=1e-9)
        top = float(np.max(_against(fit.moment, frozen)))
        assert below(frozen, w, 4.0, "").ratio == pytest.approx(top / 4, rel=1e-6)


def test_lower_order_is_that_of_ridge_regression() -> None:
    frozen = _frozen(family="power-law", m=8, top=0.95)
    kept, tau = np.array([3, 1, 6]), frozen.ridge * np.array([0.2, 0.5, 0.1])
    fit = ridge_fit(frozen.features, frozen.features, kept, tau)
    least = float(np.min(_against(fit.moment, frozen)))
    found = above(frozen, frozen.whitened(kept, tau), 0.5, "")
    assert found.lhs == pytest.approx(1 / least, rel=1e-9)
    assert found.rhs == 2.0


def _against(moment: np.ndarray, frozen: FrozenLayer) -> np.ndarray:
    """Eigenvalues of S_J relative to lam H on the range of Sigma."""
    x = frozen.features / np.sqrt(len(frozen.features))
    _, s, basis = np.linalg.svd(x, full_matrices=False)
    range_ = s > 1e-7 * s[0]
    whitening = basis[range_].T * np.sqrt((s[range_] ** 2 + frozen.ridge) / s[range_] ** 2)
    return np.asarray(np.linalg.eigvalsh(whitening.T @ moment @ whitening) / frozen.ridge)


def _exact_failure(m: int, leverage: float, k: int) -> float:
    """P(some node of m equal ones is drawn fewer than (l - 3/4) k/N times in k draws).

    Poisson counts given their sum are multinomial; those of at least k0 are convolved.
    """
    from scipy.stats import poisson

    k0 = math.ceil((leverage - 0.75) * k / (m * leverage))
    counts = np.arange(k + 1)
    one = np.where(counts >= k0, poisson.pmf(counts, k / m), 0.0)
    total = np.eye(1, k + 1)[0]
    for _ in range(m):
        total = np.convolve(total, one)[: k + 1]
    return 1.0 - float(total[k] / poisson.pmf(k, k))


def test_failures_come_as_often_as_their_exact_law_says() -> None:
    """Flat Sigma, leverage .99, a fifth of P1's draws: .473 at 80 nodes and .504 at 120."""
    from scipy.stats import binom

    claim = _claim("P1")
    (fifth,) = (mutant for mutant in claim.mutants if mutant.name == "5 -> 1")
    mutated, trials = claim.mutated(fifth), 150
    for parameters, figure in zip(fifth.examples, (0.473, 0.504)):
        frozen = mutated.instance(parameters)
        k = max(1, math.ceil(frozen.dof * math.log(80 * frozen.dof)))
        exact = _exact_failure(frozen.m, 0.99, k)
        assert exact == pytest.approx(figure, abs=5e-4)
        failed = sum(
            not mutated.check(frozen, np.random.default_rng([3, t])).hold for t in range(trials)
        )
        low, high = binom.isf([1 - ALARM, ALARM], trials, exact)
        assert low <= failed <= high


def test_exact_failure_of_the_full_width() -> None:
    frozen = _frozen(m=20)
    k = theory.paper_width(frozen.spectrum, frozen.ridge)
    assert k == 730
    assert _exact_failure(20, 0.99, k) == pytest.approx(1.5577765e-7, rel=1e-5)


def test_markov_event_is_nearly_attained() -> None:
    """One draw, (3/5)(m - 1)/m just missed: its exact probability from the law itself."""
    claim = _claim("P1b")
    frozen = claim.instance({"m": 60, "small": 0.599, "draws": 1})
    q = frozen.leverage / frozen.dof
    exceeding = float(np.sum(q[1 / q > 5 / 3 * frozen.m]))
    assert exceeding == pytest.approx(0.599 * 59 / 60, rel=1e-9)


def test_no_node_at_all_is_allowed() -> None:
    claim = _claim("P3")
    frozen = claim.instance({"family": "flat", "m": 2, "top": 1e-3, "delta": 0.9})
    p = np.asarray(theory.bernoulli_probabilities(frozen.spectrum, frozen.ridge, 0.9))
    empty = [
        t
        for t in range(40)
        if theory.select_bernoulli(frozen.spectrum, frozen.ridge, delta=0.9, rng=t).width == 0
    ]
    assert p.max() < 0.1
    assert empty
    sides = claim.check(frozen, np.random.default_rng(empty[0]))
    # S_J = Sigma = ((mu + lam)/lam) lam H
    assert sides.rhs == pytest.approx(1 - 1e-3, rel=1e-12)
    assert sides.surely_hold


def test_random_instances_never_disagree_on_formulas() -> None:
    """Over the whole space only the event itself may fail, not a width, a ridge or a bound."""
    rng = np.random.default_rng(4)
    for name in NAMES:
        claim = _claim(name)
        for seed in range(40):
            parameters = {key: range_.draw(rng) for key, range_ in claim.space.items()}
            sides = claim.check(claim.instance(parameters), np.random.default_rng(seed))
            assert sides.surely_hold or sides.part in ("all directions", "inverse probabilities")


Original = Any


def _replaced(**scales: float) -> Callable[[Original], Any]:
    """Fields of what is returned times a number."""

    def sabotage(original: Original) -> Any:
        def wrong(*args: Any, **options: Any) -> Any:
            found = original(*args, **options)
            return dataclasses.replace(
                found, **{name: getattr(found, name) * by for name, by in scales.items()}
            )

        return wrong

    return sabotage


def _times(factor: float) -> Callable[[Original], Any]:
    return lambda original: lambda *a, **o: type(x := original(*a, **o))(math.ceil(factor * x))


def _scaled(factor: float) -> Callable[[Original], Any]:
    return lambda original: lambda *args, **options: factor * original(*args, **options)


def _ignored_multiplicity(original: Original) -> Any:
    def wrong(*args: Any, **options: Any) -> Any:
        found = original(*args, **options)
        return dataclasses.replace(found, ridge=found.ridge * found.multiplicity)

    return wrong


def _uniform_draws(original: Original) -> Any:
    """Draws that ignore the leverage, with the ridges of draws that follow it."""

    def wrong(spectrum: Any, width: int, ridge: float, *, rng: Any) -> theory.Selection:
        leverage = np.asarray(theory.leverage_scores(spectrum, ridge))
        drawn = rng.integers(len(leverage), size=width)
        kept, counts = np.unique(drawn, return_counts=True)
        tau = width * ridge * leverage[kept] / np.sum(leverage) / counts
        return theory.Selection(kept, tau, "leverage", "", multiplicity=counts)

    return wrong


def _an_eighth_of_the_draws(original: Original) -> Any:
    return lambda spectrum, width, ridge, **o: original(spectrum, max(1, width // 8), ridge, **o)


def _other_ridge(original: Original) -> Any:
    return lambda spectrum, width, ridge, **o: original(spectrum, width, 3.0 * ridge, **o)


def _fair_coins(original: Original) -> Any:
    """All nodes by one coin of the right mean, with the ridges of their own coins."""

    def wrong(spectrum: Any, ridge: float, *, delta: float, rng: Any) -> theory.Selection:
        p = np.asarray(theory.bernoulli_probabilities(spectrum, ridge, delta))
        kept = np.flatnonzero(rng.random(len(p)) < np.mean(p))
        return theory.Selection(kept, ridge * p[kept], "bernoulli", "")

    return wrong


def _kept_reversed(original: Original) -> Any:
    def wrong(*args: Any, **options: Any) -> Any:
        found = original(*args, **options)
        return dataclasses.replace(found, kept=found.kept[::-1])

    return wrong


SABOTAGES: list[tuple[str, str, Callable[[Original], Any], str]] = [
    ("select_leverage", "P1", _ignored_multiplicity, "all directions"),
    ("select_leverage", "P1", _uniform_draws, "all directions"),
    ("select_leverage", "P2", _uniform_draws, "all directions"),
    ("select_leverage", "P1", _an_eighth_of_the_draws, "all directions"),
    ("select_leverage", "X3", _an_eighth_of_the_draws, "all directions"),
    ("select_leverage", "P2", _replaced(ridge=4.0), "all directions"),
    ("select_leverage", "X3", _replaced(ridge=0.5), "all directions"),
    ("select_leverage", "P1b", _other_ridge, "ridges"),
    ("select_leverage", "P2", _kept_reversed, "ridges"),
    ("select_bernoulli", "P3", _replaced(ridge=4.0), "all directions"),
    ("select_bernoulli", "P3", _fair_coins, "all directions"),
    ("bernoulli_probabilities", "P3", _scaled(0.9), "probabilities"),
    ("paper_width", "P1", _times(0.1), "all directions"),
    ("paper_width", "P1", _times(1.02), "width"),
    ("sampling_width", "P2", _times(0.25), "all directions"),
    ("sampling_width", "P2", _times(0.98), "width"),
    ("sampling_level", "P2", _scaled(0.98), "level"),
    ("sampling_bound", "P1", _replaced(value=0.98), "bound's value"),
    ("leverage_bound", "P2", _replaced(value=1.02), "bound's value"),
    ("sampling_floor", "X3", _replaced(value=1.02), "bound's value"),
    ("inverse_probability_bound", "P1b", _replaced(value=0.5), "inverse probabilities"),
    ("inverse_probability_bound", "P1b", _replaced(value=1.02), "bound's value"),
    ("drawing_constant", "X4", _scaled(1.02), "constant"),
    ("drawing_width", "X4", _times(0.1), "width"),
]


@pytest.mark.parametrize(
    ("name", "claim", "sabotage", "part"),
    SABOTAGES,
    ids=[f"{i}-{name}-{claim}" for i, (name, claim, _, _) in enumerate(SABOTAGES)],
)
def test_sabotage_is_refuted_by_trials(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    claim: str,
    sabotage: Callable[[Original], Any],
    part: str,
) -> None:
    monkeypatch.setattr(theory, name, sabotage(getattr(theory, name)))
    found = statistical(_claim(claim), budget="quick", seed=1, alpha=ALARM)
    assert found.word == "REFUTED", found.sentence
    assert found.witness is not None
    assert found.witness["part"] == part


def test_sampled_network_holds_given_its_events() -> None:
    claim = _claim("B3")
    found = search(claim, "quick", 1)
    assert found.witness is None
    assert found.instances > 25


def test_draws_at_which_an_event_fails_are_outside_the_hypotheses() -> None:
    claim = _claim("B3")
    refused = claim.instance({"share": 0.05, "log10_ridge": -2.0, "depth": 2, "seed": 1})
    with pytest.raises(theory.InapplicableError, match="event fails, its figure is"):
        claim.check(refused)


@pytest.mark.parametrize("mutant", _claim("B3").mutants, ids=lambda mutant: mutant.name)
def test_mutants_of_the_sampled_network(mutant: Any) -> None:
    if mutant.must_die:
        assert search(_claim("B3").mutated(mutant), "quick", 1).witness is not None


def _forgiving(original: Original) -> Any:
    """An event that fails is not refused."""
    good = theory.SamplingEvents(0.5, 0.5)
    return lambda weights, ridges, events, **o: original(weights, ridges, [good] * len(events), **o)


def _larger_events(original: Original) -> Any:
    return lambda *args: theory.SamplingEvents(*(1.02 * x for x in original(*args)))


@pytest.mark.parametrize(
    ("name", "sabotage", "part"),
    [
        ("sampled_network_bound", _replaced(value=0.98), "bound's value"),
        ("sampled_network_bound", _replaced(value=1e-3), "output"),
        ("sampled_network_bound", _forgiving, "an event fails, and is not refused"),
        ("sampling_events", _larger_events, "events"),
    ],
)
def test_sabotage_of_the_sampled_network(
    monkeypatch: pytest.MonkeyPatch, name: str, sabotage: Callable[[Original], Any], part: str
) -> None:
    monkeypatch.setattr(theory, name, sabotage(getattr(theory, name)))
    claim = _claim("B3")
    few = [{"share": 0.05, "log10_ridge": -2.0, "depth": 2, "seed": s} for s in range(20)]
    found = search(dataclasses.replace(claim, examples=(*claim.examples, *few)), "quick", 1)
    assert found.witness is not None
    assert getattr(found.witness[1], "part", None) == part


def test_modules_are_registered() -> None:
    ids = {claim.id for claim in claims("spectral.*")}
    for module, names in (
        (sampling, "P1 P1b X4"),
        (bernstein, "P2 P3 X3"),
        (sampled_network, "B3"),
    ):
        assert module.__doc__
        assert {f"spectral.{name}" for name in names.split()} <= ids


def test_frozen_instances_do_not_depend_on_what_ran() -> None:
    claim = _claim("P1")
    first, second = claim.instance(MANY), claim.instance(MANY)
    runs = [
        [claim.check(frozen, np.random.default_rng(t)).rhs for t in order]
        for frozen, order in ((first, range(3)), (second, reversed(range(3))))
    ]
    assert list(itertools.chain(runs[0])) == runs[1][::-1]
