r"""Order parameters of a committee machine: overlaps of its first-layer rows, and output weights.

Q = w w^T/N (K, K), R = w B^T/N (K, M), T = B B^T/N (M, M) are the covariances of the fields
w_k . x/sqrt N of the student and B_m . x/sqrt N of the teacher, at x ~ N(0, I_N):

    C = [[Q, R], [R^T, T]]    (K + M, K + M),    student - teacher = v . g(.) - A . g(.)

Source: Saad and Solla, Phys. Rev. E 52, 1995 [R]. This module may import NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_real, to_numpy

Floats = NDArray[np.float64]

#: Asymmetry and negative eigenvalues of C allowed, in units of its largest variance: what the
#: solver of the equations of motion and averages over masks leave behind.
SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class OrderParameters:
    """Overlaps and output weights of a student and its teacher; copies that cannot be written to.

    Attributes
    ----------
    Q : (K, K) array
        Student with student; a pruned unit is a zero row.
    R : (K, M) array
        Student with teacher.
    T : (M, M) array
        Teacher with teacher.
    v : (K,) array
        Output weights of the student.
    A : (M,) array
        Output weights of the teacher.

    Raises
    ------
    ValueError
        Shapes that do not fit, entries that are not finite, Q or T asymmetric, or a joint
        covariance with an eigenvalue below -1e-6 of its largest variance.
    """

    Q: Floats
    R: Floats
    T: Floats
    v: Floats
    A: Floats

    def __post_init__(self) -> None:
        for name, axes in (("Q", 2), ("R", 2), ("T", 2), ("v", 1), ("A", 1)):
            value = np.array(to_numpy(as_real(name, getattr(self, name), ndim=axes)))
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        k, m = len(self.v), len(self.A)
        for name, shape in (("Q", (k, k)), ("R", (k, m)), ("T", (m, m))):
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{name} must have shape {shape} for {k} student and {m} teacher units (the "
                    f"lengths of v and A), but has {getattr(self, name).shape}"
                )
        self._check_covariance()

    def _check_covariance(self) -> None:
        """Refuse an asymmetric or indefinite C, with the figure found."""
        c = self.covariance
        allowed = SLACK * float(np.max(np.diag(c), initial=0.0))
        asymmetry = float(np.max(np.abs(c - c.T)))
        if asymmetry > allowed:
            raise ValueError(
                f"Q and T must be symmetric, but two mirrored entries differ by {asymmetry:.3g}"
            )
        smallest = float(np.linalg.eigvalsh(c)[0])
        if smallest < -allowed:
            raise ValueError(
                f"Q, R and T are overlaps of no weights: their joint covariance has the eigenvalue "
                f"{smallest:.3g}; at fixed Q and T make R smaller"
            )

    @classmethod
    def from_rows(cls, student: Any, teacher: Any, v: Any, A: Any) -> OrderParameters:
        """Overlaps of rows w (K, N) and B (M, N) of entries of size one: products over N.

        Raises
        ------
        ValueError
            Rows of different lengths, or output weights that do not fit.
        """
        w = to_numpy(as_real("student", student, ndim=2))
        b = to_numpy(as_real("teacher", teacher, ndim=2))
        n = w.shape[1]
        if b.shape[1] != n:
            raise ValueError(f"student rows have {n} inputs, but teacher rows have {b.shape[1]}")
        return cls(w @ w.T / n, w @ b.T / n, b @ b.T / n, v, A)

    @property
    def covariance(self) -> Floats:
        """C = [[Q, R], [R^T, T]], (K + M, K + M)."""
        return np.block([[self.Q, self.R], [self.R.T, self.T]])

    @property
    def amplitudes(self) -> Floats:
        """u = (-v, A), (K + M,): teacher - student = sum_a u_a g(field_a)."""
        return np.concatenate([-self.v, self.A])
