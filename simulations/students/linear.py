r"""Linear students: the least-squares fit of smallest norm, and ridge regression.

With X (n, d), Y (n, p) and the singular value decomposition X = U diag(s) V^T,

    least squares   B = V diag(1/s) U^T Y over the s that are not rounding,
    ridge           B = V diag(s / (s^2 + n ridge)) U^T Y
                      = argmin |Y - X B|^2 / n + ridge |B|^2 = (Sigma + ridge)^{-1} X^T Y / n,

Sigma = X^T X / n: the ridge is in the units of the eigenvalues of Sigma. There is no intercept.
Textbook formulas [D]; the singular values serve n < d and n > d alike and square no condition
number.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pruneproof.theory import Dense, Network

from .student import Floats, Student, as_sample, squared_loss


def least_squares(inputs: Any, targets: Any) -> Student:
    """Least-squares fit; among several the one of smallest norm.

    Singular values below eps max(n, d) times the largest one count as zero.

    Parameters
    ----------
    inputs : (n, d) array
    targets : (n,) or (n, p) array

    Returns
    -------
    Student
        A network of one linear layer, weight (p, d).

    Raises
    ------
    ValueError
        As :func:`~.student.as_sample`.
    """
    x, y = as_sample(inputs, targets)
    return _linear_student(x, y, _coefficients(x, y, 0.0))


def ridge(inputs: Any, targets: Any, ridge: float) -> Student:
    """Minimiser of |Y - X B|^2 / n + ridge |B|^2; a ridge of 0 is :func:`least_squares`.

    Parameters
    ----------
    inputs : (n, d) array
    targets : (n,) or (n, p) array
    ridge : float
        At least 0, in the units of the second moment of the inputs.

    Raises
    ------
    ValueError
        As :func:`~.student.as_sample`; a ridge that is negative or not finite.
    """
    x, y = as_sample(inputs, targets)
    return _linear_student(x, y, _coefficients(x, y, as_ridge(ridge)))


def as_ridge(ridge: float) -> float:
    """Checked ridge."""
    if not (math.isfinite(ridge) and ridge >= 0):
        raise ValueError(f"ridge must be finite and at least 0, but is {ridge}")
    return float(ridge)


def _coefficients(x: Floats, y: Floats, ridge: float) -> Floats:
    """B (d, p) of the module's formulas."""
    left, s, right = np.linalg.svd(x, full_matrices=False)
    sure = s > np.finfo(np.float64).eps * max(x.shape) * s[0]
    held = np.where(sure, s, 1.0)  # squares of them would leave float64 before they do
    filtered = np.where(sure, 1.0 / (held + len(x) * (ridge / held)), 0.0)
    coefficients: Floats = right.T @ (filtered[:, None] * (left.T @ y))
    return coefficients


def _linear_student(x: Floats, y: Floats, coefficients: Floats) -> Student:
    network = Network([Dense(coefficients.T)])
    return Student(network, np.array([squared_loss(x @ coefficients, y)]))
