"""Gaussian integrals of two units, I2 = E g(X) g(Y)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import as_real


def gaussian_i2(cov: Any, activation: str = "erf") -> Any:
    """E g(x_i) g(x_j) of x ~ N(0, cov), entrywise; g erf(x/sqrt 2), linear, relu or sign."""
    c = as_real("cov", cov, ndim=2)
    var = np.diag(c)
    if activation == "linear":
        return c.copy()
    if activation == "erf":
        root = np.sqrt(1.0 + var)
        return 2.0 / np.pi * np.arcsin(np.clip(c / np.outer(root, root), -1.0, 1.0))
    root = np.sqrt(np.outer(var, var))
    rho = np.clip(c / np.where(root > 0, root, 1.0), -1.0, 1.0)
    if activation == "sign":
        return 2.0 / np.pi * np.arcsin(rho)
    if activation == "relu":
        gap = np.sqrt(np.maximum(root**2 - c**2, 0.0))
        return (gap + c * (np.pi / 2 + np.arcsin(rho))) / (2 * np.pi)
    raise ValueError(f"activation must be erf, linear, relu or sign, but is {activation!r}")
