"""Independent routes to the quantities of the theory, from raw samples and by listing subsets.

Nothing here calls :mod:`pruneproof.theory`: least squares on the samples (orthogonal
factorisations) in place of Schur complements of the second moment, sums over all subsets in place
of formulas, plain loops in place of the networks' forward pass.

This module may import NumPy only.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from .generators import Layer
from .sides import Floats

Index = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, eq=False)
class Fit:
    """Ridge least squares of targets on the kept features, from the samples.

    Attributes
    ----------
    coefficients : (p, k) array
        Minimiser of P_n||target - A phi_J||^2 + Tr A I_tau A^T, of least norm in scaled columns.
    fitted : (n + k, p) array
        Its values A phi_J on the samples over sqrt(n), then A I_tau^{1/2}: unique even where A
        is not.
    moment : (p, p) array
        Residual moment plus A I_tau A^T; its trace is the minimum.
    amplification : float
        (1 + ||A||_F)^2: the derivative of `moment` in the second moment is bounded by it.
    slope : float
        Inverse of the least singular value of the design: the derivative of `fitted`.
    """

    coefficients: Floats
    fitted: Floats
    moment: Floats
    amplification: float
    slope: float


def ridge_fit(features: Floats, targets: Floats, kept: Index, tau: Floats) -> Fit:
    """Ridge regression as plain least squares on rows augmented by sqrt(tau)."""
    n, k = len(features), len(kept)
    design = np.concatenate([features[:, kept] / np.sqrt(n), np.diag(np.sqrt(tau))])
    wanted = np.concatenate([targets / np.sqrt(n), np.zeros((k, targets.shape[1]))])
    lengths = np.linalg.norm(design, axis=0)
    lengths = np.where(lengths > 0, lengths, 1.0)
    scaled, _, rank, singular = np.linalg.lstsq(design / lengths, wanted, rcond=None)
    coefficients = (scaled / lengths[:, None]).T
    fitted = design @ coefficients.T
    error = wanted - fitted
    least = singular[rank - 1] * float(np.min(lengths)) if rank else 1.0
    return Fit(
        coefficients,
        fitted,
        error.T @ error,
        (1.0 + float(np.linalg.norm(coefficients))) ** 2,
        1.0 / least,
    )


def layer_fit(sampled: Layer, nodes: Index) -> Fit:
    """Reconstruction of all features from some nodes of a layer, with their ridges."""
    return ridge_fit(sampled.features, sampled.features, nodes, sampled.node_ridge[nodes])


def form(theta: float, output_weights: Floats) -> Floats:
    """Q = theta I + (1 - theta) Z^T Z."""
    m = output_weights.shape[1]
    return theta * np.eye(m) + (1.0 - theta) * output_weights.T @ output_weights


def eigenvalues(features: Floats) -> Floats:
    """Eigenvalues of the second moment, descending, by singular values of the samples."""
    found = np.zeros(features.shape[1])
    singular = np.linalg.svd(features, compute_uv=False)
    found[: len(singular)] = singular**2 / len(features)
    return found


def degrees(mu: Floats, ridge: float) -> float:
    """N(lam) of eigenvalues, as a plain sum."""
    return float(sum(value / (value + ridge) for value in mu))


@dataclass(frozen=True, eq=False)
class Subsets:
    """All subsets of k nodes, with no ridge.

    Attributes
    ----------
    nodes : (b, k) integer array
    probability : (b,) array
        Volume sampling, proportional to det Sigma_JJ; zeros where no k nodes are independent.
    residuals : (b, m, m) array
        S_J.
    """

    nodes: Index
    probability: Floats
    residuals: Floats

    @property
    def mean(self) -> Floats:
        """Expectation of S_J under volume sampling."""
        return np.asarray(np.einsum("b,bij->ij", self.probability, self.residuals))

    def losses(self, quadratic: Floats) -> Floats:
        """Tr(Q S_J) of every subset, (b,)."""
        return np.asarray(np.einsum("ij,bji->b", quadratic, self.residuals))


def all_subsets(features: Floats, k: int) -> Subsets:
    """Every subset of k columns: its volume and residual by singular values of the samples."""
    n, m = features.shape
    x = features / np.sqrt(n)
    nodes = np.array(list(itertools.combinations(range(m), k)), dtype=np.int64)
    chosen = np.moveaxis(x[:, nodes], 1, 0)  # (b, n, k)
    lengths = np.linalg.norm(chosen, axis=1, keepdims=True)
    lengths = np.where(lengths > 0, lengths, 1.0)
    basis, singular, _ = np.linalg.svd(chosen / lengths, full_matrices=False)
    genuine = singular > 1e-13 * singular[:, :1]
    explained = np.swapaxes(basis * genuine[:, None, :], 1, 2) @ x  # (b, k, m)
    residuals = x.T @ x - np.swapaxes(explained, 1, 2) @ explained
    volume = np.prod(np.where(genuine, singular, 0.0) ** 2, axis=1)
    volume *= np.prod(lengths[:, 0, :] ** 2, axis=1)
    total = float(np.sum(volume))
    return Subsets(nodes, volume / total if total > 0 else volume, residuals)


def mean_scale(sampled: Layer, k: int) -> float:
    """Size of the terms of a volume-weighted mean of residuals S_J, |J| = k.

    The mean loss (k + 1) e_{k+1}/e_k has derivative at most 1 in each eigenvalue, so an error E in
    Sigma moves it by at most m ||E||; and the mean of (1 + ||A_J||)^2, which amplifies errors of
    the single residuals, is at most 2 + 2 k (m - k + 1) (claim spectral.X6).
    """
    return sampled.scale * (sampled.m + 2 + 2 * k * (sampled.m - k + 1))
