"""From records to curves: means over the replicates with their errors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Curve,
)

Records = Sequence[Mapping[str, Any]]
#: Colours and markers of a family of curves, in turn.
STYLES = tuple(zip((BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK), "os^vDPX"))
#: Said under each figure.
BARS = "points: mean over replicates; bars: 2 standard errors"


def values(records: Records, name: str) -> list[Any]:
    """Distinct values of a parameter, in ascending order."""
    return sorted({record[name] for record in records})


def styled(records: Records, name: str) -> list[tuple[Any, str, str]]:
    """Each value of a parameter with a colour and a marker of its own, as long as they last."""
    found = zip(values(records, name), itertools.cycle(STYLES))
    return [(value, colour, marker) for value, (colour, marker) in found]


def where(records: Records, **parameters: Any) -> Records:
    """Records of the conditions that have all these parameters."""
    wanted = parameters.items()
    return [record for record in records if all(record[name] == x for name, x in wanted)]


Bar = float | tuple[float, float] | None


def means(records: Records, x: str, entry: str) -> tuple[list[float], list[float], list[Bar]]:
    """Values of `x`, mean of `entry` at each, and its bar.

    The bar of numbers is two standard errors, None for one record; that of truth values reaches to
    the ends of Clopper and Pearson's 95 % interval.
    """
    across = values(records, x)
    found = [[record[entry] for record in where(records, **{x: value})] for value in across]
    return across, [float(np.mean(y)) for y in found], [_bar(y) for y in found]


def _bar(entries: list[Any]) -> Bar:
    y = np.array(entries, dtype=np.float64)
    if all(isinstance(entry, bool | np.bool_) for entry in entries):
        from scipy.stats import binomtest

        interval = binomtest(int(y.sum()), y.size).proportion_ci(0.95, "exact")
        return float(y.mean() - interval.low), float(interval.high - y.mean())
    return 2.0 * float(y.std(ddof=1)) / math.sqrt(y.size) if y.size > 1 else None


def measured(
    records: Records,
    x: str,
    entry: str,
    label: str,
    colour: str = BLUE,
    marker: str = "o",
    kind: Literal["measured", "joined"] = "measured",
) -> Curve:
    """Curve of the means of `entry` over `x`."""
    across, centres, errors = means(records, x, entry)
    return Curve(label, across, centres, kind, colour, marker, errors)


def medians(
    records: Records, x: str, entry: str, label: str, colour: str = BLUE, marker: str = "o"
) -> Curve:
    """Curve of the medians of `entry` over `x`, its bars from the lower to the upper quartile."""
    across = values(records, x)
    found = [[record[entry] for record in where(records, **{x: value})] for value in across]
    low, middle, high = np.array([np.quantile(y, (0.25, 0.5, 0.75)) for y in found]).T
    bars = list(zip((middle - low).tolist(), (high - middle).tolist()))
    return Curve(label, across, middle.tolist(), "joined", colour, marker, bars)
