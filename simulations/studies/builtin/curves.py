"""From records to curves: means over the replicates with their errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from pruneproof.simulations.figures import BLUE, Curve

Records = Sequence[Mapping[str, Any]]
#: Said under each figure.
BARS = "points: mean over replicates; bars: 2 standard errors"


def values(records: Records, name: str) -> list[Any]:
    """Distinct values of a parameter, in ascending order."""
    return sorted({record[name] for record in records})


def where(records: Records, **parameters: Any) -> Records:
    """Records of the conditions that have all these parameters."""
    wanted = parameters.items()
    return [record for record in records if all(record[name] == x for name, x in wanted)]


def means(
    records: Records, x: str, entry: str
) -> tuple[list[float], list[float], list[float | None]]:
    """Values of `x`, mean of `entry` at each, and two standard errors (None of one record)."""
    across = values(records, x)
    centres: list[float] = []
    errors: list[float | None] = []
    for value in across:
        y = np.array([record[entry] for record in where(records, **{x: value})], dtype=np.float64)
        centres.append(float(y.mean()))
        errors.append(2.0 * float(y.std(ddof=1)) / math.sqrt(y.size) if y.size > 1 else None)
    return across, centres, errors


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
