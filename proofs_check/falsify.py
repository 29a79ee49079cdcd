"""The falsifier: a long search for the instance on which a statement does worst.

In turn, until one refutes or the time is up:

    1.  Hypothesis over the claim's parameters, climbing log(lhs/rhs) with its ``target``;
    2.  differential evolution over numbers: of a layer its spectrum, rotation, ridge, mixture and
        output weights for several widths, of other instances the claim's own parameters.

A refutation is shrunk to simple numbers; :mod:`.exact.witness` decides it without rounding where
the statement has an exact form. What is found depends on the seed, and on the time only through
where the search is cut.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pruneproof.theory.arrays import as_count
from pruneproof.theory.errors import InapplicableError

from .checkers.search import Findings, claim_seed, climb, holds
from .claim import Claim, Parameters
from .generators import Choice, Layer, Whole
from .sides import Floats, Sides

#: Examples that Hypothesis draws; its ``target`` bites after about a thousand.
CLIMBED = 2000
#: Shapes of layers that evolution tries in turn: nodes, kept nodes, rows of output weights.
SHAPES = ((3, 2, 1), (4, 3, 1), (3, 1, 1), (4, 2, 2), (5, 3, 1), (5, 2, 2), (6, 3, 3))
#: Generations of each evolution, members per dimension, differential weights: small populations
#: that settle fast and many starts find more than one large population.
GENERATIONS, MEMBERS, WEIGHTS = 120, 10, (0.3, 0.9)

Told = Callable[[str, int, float], None]


@dataclass(frozen=True)
class Falsification:
    """What a search ended with.

    Attributes
    ----------
    claim : str
        Id; of a mutant ``claim~mutant``.
    refuted : bool
    parameters : dict or None
        The instance shown: a shrunk witness, or the worst instance seen.
    sides : Sides, Exception or None
        The statement there.
    worst_ratio : float or None
        Largest ratio seen before shrinking.
    evaluations : int
    stage : str
        Where the search ended: "Hypothesis", "evolution", "out of time", "interrupted".
    seed : int
    seconds : float
    """

    claim: str
    refuted: bool
    parameters: dict[str, Any] | None
    sides: Sides | Exception | None
    worst_ratio: float | None
    evaluations: int
    stage: str
    seed: int
    seconds: float


class _OutOfTime(BaseException):
    """Ends Hypothesis' search at once: it goes on after what derives from Exception."""


@dataclass
class _Watched(Findings):
    """Findings that stop at a time, and tell a watcher how the search goes."""

    end: float = math.inf
    told: Told | None = None
    stage: str = field(default="", repr=False)

    @property
    def expired(self) -> bool:
        """Whether the time is up; a witness found is still shrunk."""
        return time.monotonic() > self.end and self.witness is None

    def evaluate(self, claim: Claim, parameters: Parameters) -> Sides | Exception | None:
        if self.expired:
            raise _OutOfTime
        outcome = super().evaluate(claim, parameters)
        if self.told is not None:
            self.told(self.stage, self.instances, self.worst[1].ratio if self.worst else 0.0)
        return outcome


def falsify(
    claim: Claim, *, minutes: float = 2.0, seed: int = 0, told: Told | None = None
) -> Falsification:
    """Search for an instance that refutes `claim` (or a mutant of it), known cases left aside.

    Parameters
    ----------
    claim : Claim
        About every instance, not about chance.
    minutes : float
        Time after which the search is cut.
    seed : int
        Root of all draws.
    told : callable, optional
        Called as ``told(stage, evaluations, worst_ratio)`` after each evaluation. Ctrl-C ends the
        search with what there is.

    Raises
    ------
    ValueError
        The statement is about chance; the time is not above 0; the seed is below 0.
    """
    if claim.by_trials:
        raise ValueError(
            f"{claim.id} is about chance, so no single instance refutes it; run "
            f"`pruneproof verify {claim.id} --budget deep`"
        )
    if not (minutes > 0 and math.isfinite(minutes)):
        raise ValueError(f"minutes must be above 0 and finite, but is {minutes}")
    as_count("seed", seed, least=0)
    start = time.monotonic()
    findings = _Watched(end=start + 60 * minutes, told=told)
    try:
        findings.stage = "Hypothesis"
        climb(claim, CLIMBED, seed, findings)
        if findings.witness is None:
            findings.stage = "evolution"
            _evolve(claim, seed, findings)
    except _OutOfTime:
        findings.stage = "out of time"
    except KeyboardInterrupt:
        findings.stage = "interrupted"
    shown = findings.worst if findings.witness is None else _shrunk(claim, *findings.witness)
    return Falsification(
        claim=claim.id,
        refuted=findings.witness is not None,
        parameters=None if shown is None else dict(shown[0]),
        sides=None if shown is None else shown[1],
        worst_ratio=findings.worst[1].ratio if findings.worst else None,
        evaluations=findings.instances,
        stage=findings.stage,
        seed=seed,
        seconds=time.monotonic() - start,
    )


@dataclass(frozen=True)
class _Region:
    """Box that evolution searches, and the parameters of a point in it."""

    bounds: Sequence[tuple[float, float]]
    whole: Sequence[bool]
    parameters: Callable[[Floats], dict[str, Any]]


def _evolve(claim: Claim, seed: int, findings: _Watched) -> None:
    """Differential evolution over each region in turn, minus log(lhs/rhs) its cost.

    Once through all, it starts again from other members, until the time is up.
    """
    from scipy.optimize import differential_evolution

    for number, region in enumerate(itertools.cycle(list(_regions(claim)))):

        def cost(point: Floats, region: _Region = region) -> float:
            outcome = findings.evaluate(claim, region.parameters(point))
            if not isinstance(outcome, Sides) or not outcome.ratio > 0:
                return 0.0 if outcome is None or isinstance(outcome, Sides) else -math.inf
            return -math.log(min(outcome.ratio, 1e300)) - 700 * (not outcome.hold)

        def stopped(*_: Any, **__: Any) -> bool:
            return findings.witness is not None

        differential_evolution(
            cost,
            region.bounds,
            integrality=region.whole,
            maxiter=GENERATIONS,
            popsize=MEMBERS,
            mutation=WEIGHTS,
            polish=False,
            tol=0.0,
            callback=stopped,
            rng=np.random.default_rng([claim_seed(claim.id, seed), number]),
        )
        if stopped():
            return


def _regions(claim: Claim) -> Iterator[_Region]:
    """Shapes of layers where the claim's generator takes them, else the claim's own parameters."""
    if _takes_shapes(claim):
        for m, k, outputs in SHAPES:
            yield _layers(claim, m, k, outputs)
    else:
        yield _own(claim)


def _takes_shapes(claim: Claim) -> bool:
    """Whether the claim's instances are layers built by :func:`.generators.layer`."""
    try:
        made = claim.instance({"shape": {"log10_spectrum": [0.0, 0.0, 0.0]}, "k": 1})
    except (TypeError, ValueError, InapplicableError):
        return False
    return isinstance(made, Layer) and made.m == 3


def _layers(claim: Claim, m: int, k: int, outputs: int) -> _Region:
    """mu_1 = 1, other log10 mu in [-4, 0], angles in [0, pi], log10 lam in [-4, 2], Z in [-2, 2].

    A layer's ridge is in units of its mean eigenvalue, so the scale of mu is no loss. What lies
    beyond [0, 1] is cut to theta = 0 or 1, where many statements are at their worst.
    """
    angles = m * (m - 1) // 2
    sizes = (m - 1, angles, 1, 1, outputs * m)
    spans = ((-4.0, 0.0), (0.0, math.pi), (-4.0, 2.0), (-1.0, 1.5), (-2.0, 2.0))
    bounds = [span for span, size in zip(spans, sizes, strict=True) for _ in range(size)]
    nodes = claim.space["nodes"].values if "nodes" in claim.space else ("even",)

    def parameters(point: Floats) -> dict[str, Any]:
        mu, turns, ridge, theta, weights = np.split(point, np.cumsum(sizes)[:-1])
        return {
            "shape": {
                "log10_spectrum": [0.0, *mu.tolist()],
                "angles": turns.tolist(),
                "output_weights": weights.reshape(outputs, m).tolist(),
            },
            "k": k,
            "log10_ridge": float(ridge[0]),
            "theta": min(max(float(theta[0]), 0.0), 1.0),
            "nodes": nodes[-1],
        }

    return _Region(bounds, [False] * len(bounds), parameters)


def _own(claim: Claim) -> _Region:
    """The ranges of the claim's search, as numbers; a choice is its place in the list."""
    bounds, whole = [], []
    for range_ in claim.space.values():
        if isinstance(range_, Choice):
            bounds.append((0, len(range_.values) - 1))
        else:
            bounds.append((range_.least, range_.most))
        whole.append(isinstance(range_, (Choice, Whole)))

    def parameters(point: Floats) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for (name, range_), value, integer in zip(claim.space.items(), point, whole, strict=True):
            found[name] = round(value) if integer else float(value)
            if isinstance(range_, Choice):
                found[name] = range_.values[found[name]]
        return found

    return _Region(bounds, whole, parameters)


def _shrunk(
    claim: Claim, parameters: Parameters, outcome: Sides | Exception
) -> tuple[Parameters, Sides | Exception]:
    """The witness with each number as simple as it stays a witness: 0, then fewer decimals.

    What Hypothesis found is shrunk already, and has no shape.
    """
    if "shape" not in parameters:
        return parameters, outcome
    found = Findings()
    for digits in (0, 1, 2, 3):
        for path in list(_numbers(parameters)):
            for simple in (0.0, round(_at(parameters, path), digits)):
                trial = _with(parameters, path, simple)
                if _at(parameters, path) in (simple, 0.0):
                    break
                answer = found.evaluate(claim, trial)
                if answer is not None and not holds(answer):
                    parameters, outcome = trial, answer
                    break
    return parameters, outcome


def _numbers(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to the floats of nested dictionaries and lists."""
    if isinstance(tree, float):
        yield path
    elif isinstance(tree, (Mapping, list)):
        for key, entry in tree.items() if isinstance(tree, Mapping) else enumerate(tree):
            yield from _numbers(entry, (*path, key))


def _at(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _with(tree: Any, path: tuple[Any, ...], value: float) -> Any:
    """Copy of the tree with another number at `path`."""
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, Mapping) else list(tree)
    copy[path[0]] = _with(tree[path[0]], path[1:], value)
    return copy
