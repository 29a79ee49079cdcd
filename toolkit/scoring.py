"""Tasks: what targets ask of a network, and how well its outputs answer.

Class labels are scored by accuracy, the share of rows whose largest output stands at the label;
numbers by the mean over rows of the squared norm of the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory.arrays import as_real


@dataclass(frozen=True, eq=False)
class Task:
    """Targets of the training and the held-out rows, checked against the outputs.

    Attributes
    ----------
    classify : bool
    targets, test_targets : (n,) labels or (n, p) numbers
    """

    classify: bool
    targets: NDArray[Any]
    test_targets: NDArray[Any]

    @property
    def score(self) -> str:
        """Name of the score."""
        return "accuracy" if self.classify else "mean squared error"

    def scored(self, outputs: NDArray[Any], targets: NDArray[Any]) -> float:
        """Score of the outputs."""
        if self.classify:
            return float(np.mean(np.argmax(outputs, axis=1) == targets))
        return float(np.mean(np.sum((outputs - targets) ** 2, axis=1)))


def checked_targets(name: str, targets: Any, outputs: NDArray[Any]) -> NDArray[Any]:
    """Targets that fit the outputs (n, p): labels from 0 to p - 1, or numbers (n, p).

    Raises
    ------
    ValueError
        Another number of rows, labels out of range, another number of columns, outputs that are
        images.
    """
    if outputs.ndim != 2:
        raise ValueError(
            f"the network gives outputs of shape {outputs.shape[1:]} a row, which {name} cannot be "
            "compared with; end it with Flatten and Dense, or leave the targets out"
        )
    n, p = outputs.shape
    numbers = as_real(name, targets)
    if numbers.shape[0] != n:
        raise ValueError(f"{name} have {numbers.shape[0]} rows, but the inputs have {n}")
    if are_labels(targets, p):
        return _labels(name, np.asarray(targets), p)
    if numbers.ndim == 1:
        numbers = numbers[:, None]
    if numbers.shape != (n, p):
        whole = " (class labels must be stored as integers)" if p > 1 else ""
        raise ValueError(
            f"{name} have shape {np.shape(targets)}, but the network has {p} outputs a row{whole}"
        )
    return np.asarray(numbers)


def are_labels(targets: Any, outputs: int) -> bool:
    """Whether targets are class labels: one whole number a row, and two outputs or more."""
    asked = np.asarray(targets)
    return asked.dtype.kind in "biu" and asked.ndim == 1 and outputs > 1


def _labels(name: str, labels: NDArray[Any], classes: int) -> NDArray[Any]:
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise ValueError(
            f"{name} hold {int(wrong.sum())} labels out of range (the first is "
            f"{int(labels[wrong][0])} in row {int(np.argmax(wrong))}), but the network has "
            f"{classes} outputs; number the classes from 0 to {classes - 1}"
        )
    return labels.astype(np.int64)
