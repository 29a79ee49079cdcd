"""Laws on frozen instances: is the mean of simulated over predicted value 1, within a tolerance?

A law is asymptotic: no trial of it can fail. What is tested is an equivalence (two one-sided tests,
TOST): from n replicates of r = value/law, n fixed before running, with mean r and standard
deviation d, the interval

    mean r -+ t_{n-1}(1 - alpha) d/sqrt(n)

lies inside 1 -+ tolerance only if both "mean <= 1 - tolerance" and "mean >= 1 + tolerance" are
rejected, each at level alpha: then the law is CONSISTENT with the simulation. An interval wholly
outside refutes. Caveat: Student's t is exact for normal replicates only, an approximation by the
central limit theorem for others, and the poorer the smaller alpha and the more skewed the
replicates; so at least 10 of them, and never the word STATISTICAL.

Seeds of the replicates are those of :mod:`.trials`, disjoint from those of the search.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory.arrays import as_probability, as_ridge
from pruneproof.theory.errors import InapplicableError

from ..claim import Claim
from ..evidence import Evidence
from ..sides import Sides
from .trials import Trials, most_trials, told

#: Replicates of one instance, fixed before running.
REPLICATES = {"quick": 20, "standard": 80, "deep": 400}

Floats = NDArray[np.float64]


def mean_interval(values: Floats, *, alpha: float) -> tuple[float, float]:
    """Student's interval of a mean, each limit at level alpha.

    Raises
    ------
    ValueError
        Fewer than 10 values, or alpha outside (0, 1/2).
    """
    from scipy.stats import t

    level, n = as_probability("alpha", alpha), len(values)
    if n < 10:
        raise ValueError(f"a t interval needs at least 10 replicates, but there are {n}")
    if level >= 0.5:
        raise ValueError(f"alpha must be below 1/2, but is {level:g}")
    mean = float(np.mean(values))
    half = float(t.isf(level, n - 1)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return mean - half, mean + half


@dataclass(frozen=True)
class _Test:
    """Outcome on one instance."""

    trials: Trials
    sides: Sequence[Sides]
    ratios: Floats
    tolerance: float
    limits: tuple[float, float]
    word: str

    @property
    def mean(self) -> float:
        return float(np.mean(self.ratios)) if len(self.ratios) else math.nan

    @property
    def warning(self) -> str | None:
        """What the instance itself warns of, e.g. that the law is outside its domain."""
        found = getattr(self.trials.instance, "warning", None)
        return None if found is None else str(found)

    @property
    def details(self) -> dict[str, Any]:
        """JSON-able figures."""
        return {
            "parameters": dict(self.trials.parameters),
            "word": self.word,
            "replicates": len(self.ratios),
            "mean_ratio": self.mean,
            "interval": list(self.limits),
            "tolerance": self.tolerance,
            "warning": self.warning,
        }


def consistent(
    claim: Claim, *, budget: str, seed: int, alpha: float, to_the_end: bool = True
) -> Evidence:
    """Test a law on each of its frozen instances.

    Parameters
    ----------
    claim : Claim
        Of functions (instance, rng) whose sides are a simulated value and the law's; the instance
        has a ``tolerance``, the relative deviation of the mean allowed.
    budget : {"quick", "standard", "deep"}
        20, 80, 400 replicates an instance.
    seed : int
        Root of the replicates' seeds.
    alpha : float
        Error level of each side of each instance, below 1/2.
    to_the_end : bool
        Test the other instances even where one has refuted the law.

    Returns
    -------
    Evidence
        CONSISTENT if every interval is inside, REFUTED if one is wholly outside (or a replicate
        raises an error or is not finite), NOT FALSIFIED otherwise; INAPPLICABLE outside the
        hypotheses. The worst ratio is the largest relative deviation of a mean.

    Raises
    ------
    ValueError
        An unknown budget, an alpha outside (0, 1/2), a tolerance that is not positive.
    """
    count, level = most_trials(budget, REPLICATES), as_probability("alpha", alpha)
    if not claim.examples:
        return Evidence("INAPPLICABLE", "the law names no frozen instance to simulate")
    tests: list[_Test] = []
    for number in range(len(claim.examples)):
        tests.append(_tested(Trials(claim, number, seed), count, level))
        if tests[-1].word == "REFUTED" and not to_the_end:
            break
    ordered = ("REFUTED", "INAPPLICABLE", "NOT FALSIFIED", "CONSISTENT")
    chief = min(tests, key=lambda test: (ordered.index(test.word), -_deviation(test)))
    return Evidence(
        word=chief.word,
        sentence=_sentence(tests, chief, level),
        instances=sum(len(test.ratios) for test in tests),
        worst_ratio=max((_deviation(test) for test in tests if len(test.ratios)), default=None),
        witness=_witness(chief),
        details={
            "alpha": level,
            "replicates": count,
            "instances": [test.details for test in tests],
        },
    )


def _tested(trials: Trials, count: int, alpha: float) -> _Test:
    nothing = (-math.inf, math.inf)
    sides = list(itertools.islice(trials, count))
    ratios = np.array([_ratio(one) for one in sides], dtype=np.float64)
    if trials.error is not None:
        word = "INAPPLICABLE" if isinstance(trials.error, InapplicableError) else "REFUTED"
        return _Test(trials, sides, ratios, math.nan, nothing, word)
    tolerance = as_ridge(trials.instance.tolerance, name="tolerance", positive=True)
    if not np.all(np.isfinite(ratios)):
        return _Test(trials, sides, ratios, tolerance, nothing, "REFUTED")
    lower, upper = mean_interval(ratios, alpha=alpha)
    word = "NOT FALSIFIED"
    if 1.0 - tolerance < lower and upper < 1.0 + tolerance:
        word = "CONSISTENT"
    elif upper < 1.0 - tolerance or lower > 1.0 + tolerance:
        word = "REFUTED"
    return _Test(trials, sides, ratios, tolerance, (lower, upper), word)


def _ratio(sides: Sides) -> float:
    return sides.lhs / sides.rhs if sides.rhs else math.nan


def _deviation(test: _Test) -> float:
    """|mean - 1|; NaN, which never agrees, counts as the largest."""
    found = abs(test.mean - 1.0)
    return math.inf if math.isnan(found) else found


def _witness(test: _Test) -> dict[str, Any] | None:
    """The replicate farthest from the law, of the instance that decides."""
    if test.trials.error is not None:
        return test.trials.witness()
    far = np.abs(test.ratios - 1.0)
    t = int(np.argmax(np.where(np.isfinite(far), far, np.inf)))
    return test.trials.witness(t, test.sides[t]) | {
        "mean_ratio": test.mean,
        "interval": list(test.limits),
    }


def _sentence(tests: Sequence[_Test], chief: _Test, alpha: float) -> str:
    trials = chief.trials
    where = f"instance {trials.number}"
    warned = "".join(
        f"; warning for instance {test.trials.number}: {test.warning}"
        for test in tests
        if test.warning
    )
    if chief.word == "INAPPLICABLE":
        return f"{where} is outside the hypotheses: {trials.error}"
    if trials.error is not None:
        return f"replicate {trials.run} of {where} raised {told(trials.error)}{warned}"
    if not np.all(np.isfinite(chief.ratios)):
        return f"value over law is not a finite number on {where}{warned}"
    lower, upper = chief.limits
    figures = f"[{lower:.4f}, {upper:.4f}] against 1 -+ {chief.tolerance:g}"
    how = (
        f"{len(chief.ratios)} replicates, t interval (normal approximation) at error level "
        f"{alpha:.2g} a side"
    )
    if chief.word == "CONSISTENT":
        count = "the instance" if len(tests) == 1 else f"all {len(tests)} instances"
        return f"mean of value/law within tolerance on {count}, worst {figures} ({how}){warned}"
    if chief.word == "REFUTED":
        return f"mean of value/law on {where} is outside the tolerance: {figures} ({how}){warned}"
    return f"mean of value/law undecided on {where}: {figures} ({how}){warned}"
