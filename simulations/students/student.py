"""Student: a trained network and the loss curve of its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory import Network
from pruneproof.theory.arrays import as_real

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Student:
    """What a training gives back.

    Attributes
    ----------
    network : theory.Network
        Outputs (n, p); p = 1 for one target.
    losses : (epochs,) array
        The loss that was minimised, one entry an epoch (one in all for a closed form), without
        the penalty. The squared loss is half the mean squared error, |f(x) - y|^2 / 2.
    """

    network: Network
    losses: Floats

    def forward(self, inputs: Any) -> Any:
        """Outputs (n, p) of inputs (n, d)."""
        return self.network.forward(inputs)


def as_sample(inputs: Any, targets: Any) -> tuple[Floats, Floats]:
    """Inputs (n, d) and targets (n, p) in float64; targets (n,) are one column.

    Raises
    ------
    ValueError
        Entries that are not finite real numbers, empty arrays, or unequal numbers of rows.
    """
    x = np.asarray(as_real("inputs", inputs, ndim=2))
    y = np.asarray(as_real("targets", targets))
    if y.ndim not in (1, 2):
        raise ValueError(f"targets must have shape (n,) or (n, p), but have shape {y.shape}")
    if len(x) != len(y):
        raise ValueError(
            f"inputs have {len(x)} rows and targets {len(y)}; give one target row a sample"
        )
    return x, y.reshape(len(y), -1)


def squared_loss(outputs: Floats, targets: Floats) -> float:
    """Mean over samples of |f(x) - y|^2 / 2; both arrays (n, p)."""
    return 0.5 * float(np.mean(np.sum((outputs - targets) ** 2, axis=1)))
