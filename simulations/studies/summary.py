"""What the replicates of each condition say: means, Monte Carlo errors, intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof.theory.arrays import as_probability

#: Level of the interval whose half stands for the standard error of a share: one of a normal.
ONE_SIGMA = math.erf(math.sqrt(0.5))


@dataclass(frozen=True)
class Estimate:
    """One entry of one condition over its replicates.

    Attributes
    ----------
    parameters : mapping
    entry : str
    replicates : int
    mean, standard_error : float
        The standard error is sd / sqrt(n), NaN for one replicate.
    lower, upper : float
        Interval for the mean: Student's t for numbers, Clopper and Pearson's exact one for truth
        values. It is for each estimate alone, not for all of them together.
    """

    parameters: Mapping[str, Any]
    entry: str
    replicates: int
    mean: float
    standard_error: float
    lower: float
    upper: float


def summarise(
    records: Sequence[Mapping[str, Any]], parameters: Sequence[str], *, confidence: float = 0.95
) -> list[Estimate]:
    """Estimates of all entries that are numbers or truth values, by condition, then by entry.

    Texts and sequences are left out. A NaN in an entry makes its estimate NaN.

    Parameters
    ----------
    records : sequence of flat mappings
    parameters : sequence of str
        Names of the parameters, which tell conditions apart.
    confidence : float
    """
    confidence = as_probability("confidence", confidence)
    conditions: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        key = repr([record[name] for name in parameters])
        conditions.setdefault(key, []).append(record)
    return [
        _estimate({name: group[0][name] for name in parameters}, entry, values, confidence)
        for group in conditions.values()
        for entry in dict.fromkeys(name for record in group for name in record)
        if entry not in parameters and entry != "replicate"
        if (values := _numbers(group, entry))
    ]


def _numbers(group: Sequence[Mapping[str, Any]], entry: str) -> list[float | bool]:
    """Values of an entry where they are numbers; nothing where they are not."""
    values = [record[entry] for record in group if entry in record]
    return values if all(isinstance(value, bool | int | float) for value in values) else []


def _estimate(
    parameters: Mapping[str, Any], entry: str, values: Sequence[float | bool], confidence: float
) -> Estimate:
    mean, error = float(np.mean(values)), standard_error(values)
    if are_shares(values):
        lower, upper = exact_interval(values, confidence)
    else:
        lower, upper = t_interval(values, confidence)
    return Estimate(parameters, entry, len(values), mean, error, lower, upper)


def are_shares(values: Sequence[Any]) -> bool:
    """Whether all are truth values, so that the mean is a share."""
    return all(isinstance(value, bool) for value in values)


def standard_error(values: Sequence[float | bool]) -> float:
    """Monte Carlo standard error of the mean: sd / sqrt(n), sd with n - 1; NaN for n < 2.

    For truth values it is sqrt(p (1 - p) / n), which is 0 where all agree.
    """
    n = len(values)
    if n < 2:
        return math.nan
    ddof = 0 if are_shares(values) else 1
    with np.errstate(invalid="ignore"):  # infinite entries give NaN
        return float(np.std(np.asarray(values, dtype=float), ddof=ddof)) / math.sqrt(n)


def stopping_error(values: Sequence[float | bool]) -> float:
    """Standard error by which to stop: for truth values half the exact 68.27 % interval.

    Sixteen trials that all succeeded have standard error 0, and yet the share is not known.
    """
    if len(values) > 1 and are_shares(values):
        lower, upper = exact_interval(values, ONE_SIGMA)
        return (upper - lower) / 2
    return standard_error(values)


def t_interval(values: Sequence[float | bool], confidence: float) -> tuple[float, float]:
    """mean -+ t s / sqrt(n), with the quantile t of Student's law of n - 1 degrees of freedom.

    Exact for normal entries. One replicate says nothing: the whole line.
    """
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return -math.inf, math.inf
    reach = float(t.ppf((1 + confidence) / 2, n - 1)) * standard_error(values)
    mean = float(np.mean(values))
    return mean - reach, mean + reach


def exact_interval(values: Sequence[Any], confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's interval for a share; it holds at every n, never below its level."""
    from scipy.stats import binomtest

    found = binomtest(sum(map(bool, values)), len(values)).proportion_ci(confidence, "exact")
    return float(found.low), float(found.high)
