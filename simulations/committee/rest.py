"""Online descent until the error rests: spans of time that double, compared by their means.

Label noise keeps the overlaps moving for ever, so that rest is a matter of means: the mean
generalization error of a span is within a tolerance of that of the span before, half as long. A
plateau longer than the span looks like rest as well; start with a span longer than the plateau.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pruneproof.theory import generalization_error
from pruneproof.theory.arrays import as_generator

from ..teachers.committee import Committee
from .sgd import OnlineRun, train_online

POINTS = 64  # errors taken in a span
#: Errors below this share of the error of no student at all count as 0.
NOTHING = 1e-12


def train_to_rest(
    rows: Any,
    outputs: Any,
    teacher: Committee,
    *,
    learning_rate: float,
    output_learning_rate: float = 0.0,
    span: float = 100.0,
    tolerance: float = 0.05,
    longest: float = 20_000.0,
    rng: Any,
) -> OnlineRun:
    """:func:`train_online` until the mean error of a span is that of the one before.

    Parameters
    ----------
    rows, outputs, teacher, learning_rate, output_learning_rate, rng
        As in :func:`train_online`.
    span : float
        Length of the first span in steps/N; each is twice as long as the one before.
    tolerance : float
        Relative difference of the two means that is allowed.
    longest : float
        Time after which to give up.

    Returns
    -------
    OnlineRun
        Times and overlaps are those of the last span.

    Raises
    ------
    ValueError
        No rest by `longest`, with both means; and as :func:`train_online`.
    """
    activation = "linear" if teacher.activation == "identity" else teacher.activation
    generator, clock, before = as_generator(rng), 0.0, np.inf
    silent = teacher.order_of(rows, np.zeros(len(outputs)))
    nothing = NOTHING * generalization_error(silent, activation)
    while True:
        run = train_online(
            rows, outputs, teacher, list(span / POINTS * np.arange(1, POINTS + 1)),
            learning_rate=learning_rate, output_learning_rate=output_learning_rate, rng=generator,
        )  # fmt: skip
        mean = float(np.mean([generalization_error(order, activation) for order in run.orders]))
        if abs(mean - before) <= max(tolerance * mean, nothing):
            return OnlineRun(clock + run.times, run.orders, run.rows, run.outputs)
        clock += span
        if clock + 2.0 * span > longest:
            raise ValueError(
                f"online descent is not at rest by time {clock:g}: the mean error of the last span "
                f"is {mean:.4g}, of the one before {before:.4g}; allow a longer time than "
                f"{longest:g} or a larger tolerance than {tolerance:g}"
            )
        rows, outputs, before, span = run.rows, run.outputs, mean, 2.0 * span
