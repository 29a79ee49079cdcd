"""Order parameters of a teacher and a student: overlaps of their rows, and their output weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import as_covariance, as_real


@dataclass(frozen=True, eq=False)
class OrderParameters:
    """Q = w w'/N (K, K), R = w B'/N (K, M), T = B B'/N (M, M), outputs v (K,) and A (M,).

    Raises
    ------
    ValueError
        Shapes that do not match; [[Q, R], [R', T]] is no covariance.
    """

    Q: Any
    R: Any
    T: Any
    v: Any
    A: Any

    def __post_init__(self) -> None:
        for name, ndim in (("Q", 2), ("R", 2), ("T", 2), ("v", 1), ("A", 1)):
            object.__setattr__(self, name, as_real(name, getattr(self, name), ndim=ndim))
        k, m = len(self.v), len(self.A)
        shapes = (self.Q.shape, self.R.shape, self.T.shape)
        if shapes != ((k, k), (k, m), (m, m)):
            raise ValueError(
                f"{k} student and {m} teacher units need Q, R, T of shapes ({k}, {k}), ({k}, {m}), "
                f"({m}, {m}), but they are {shapes[0]}, {shapes[1]}, {shapes[2]}"
            )
        as_covariance(self.joint, name="[[Q, R], [R', T]]")

    @property
    def joint(self) -> Any:
        """Covariance of all fields, [[Q, R], [R', T]]."""
        return np.block([[self.Q, self.R], [self.R.T, self.T]])
