r"""Kernels L whose determinants say how diverse a set of hidden units is.

With inputs X (P, N), one sample a row, weights w (K, N), one unit a row, and activation g:

    pre-activation   L = (1/P) (X w^T)^T (X w^T), which tends to w E[xx^T] w^T; no nonlinearity
    activation       L = (1/P) g(X w^T)^T g(X w^T), the second moment of the hidden layer
    Gaussian         L_ij = exp(-beta |z_i - z_j|^2) + jitter I, z_i what unit i does on the data
    edge             L_ij = (1/P) sum_p x_pi w_i x_pj w_j between the N inputs of one unit

The first, the third (jitter .01) and the fourth are those of DPP node and edge pruning (Mariet and
Sra 2016; arXiv 2006.16617). For white inputs the edge kernel tends to diag(w^2): no repulsion.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import as_real, as_ridge, to_numpy
from ..moments import second_moment
from ..network.activations import activate
from .spectra import Floats


def preactivation_kernel(inputs: Any, weights: Any) -> Floats:
    r"""Gram matrix of the fields, (1/P) (X w^T)^T (X w^T), (K, K).

    Parameters
    ----------
    inputs : (P, N) array
    weights : (K, N) array

    Raises
    ------
    ValueError
        Inputs and weights of different lengths N.

    Notes
    -----
    Its rank is at most min(P, N), and the number of distinct directions of the units: a k-DPP of
    more nodes is undefined. arXiv 2006.16617 [C].
    """
    return np.asarray(second_moment(_fields(inputs, weights)))


def activation_kernel(inputs: Any, weights: Any, activation: str = "erf") -> Floats:
    r"""Second moment of the hidden units, (1/P) g(X w^T)^T g(X w^T), (K, K).

    Parameters
    ----------
    inputs : (P, N) array
    weights : (K, N) array
    activation : str
        g by name, as of the network's layers (its erf is erf(x), with no square root of 2).

    Raises
    ------
    ValueError
        Inputs and weights of different lengths N; an unknown activation.
    """
    return np.asarray(second_moment(activate(activation, _fields(inputs, weights))))


def gaussian_kernel(points: Any, beta: float, *, jitter: float = 0.0) -> Floats:
    r"""Gaussian kernel exp(-beta |z_i - z_j|^2) + jitter I, (m, m).

    Parameters
    ----------
    points : (m, P) array
        z_i: what item i does on the samples, one item a row.
    beta : float
        Above 0, in units of 1/|z|^2.
    jitter : float
        Added to the diagonal; Divnet takes .01.

    Raises
    ------
    ValueError
        beta not above 0, a negative jitter, points that are not finite.

    Notes
    -----
    Mariet and Sra 2016 (Divnet), beta = 10/P [R].
    """
    z = to_numpy(as_real("points", points, ndim=2))
    beta = as_ridge(beta, name="beta", positive=True)
    jitter = as_ridge(jitter, name="jitter")
    z = z - z.mean(axis=0)  # distances are kept, and large common parts do not cancel in them
    square = np.sum(z * z, axis=1)
    distance = np.maximum(square[:, None] + square - 2.0 * (z @ z.T), 0.0)
    np.fill_diagonal(distance, 0.0)
    kernel = np.exp(-beta * distance)
    return np.asarray((kernel + kernel.T) / 2.0 + jitter * np.eye(len(z)))


def edge_kernel(inputs: Any, weight: Any) -> Floats:
    r"""Kernel between the inputs of one unit, (1/P) sum_p x_pi w_i x_pj w_j, (N, N).

    Parameters
    ----------
    inputs : (P, N) array
    weight : (N,) array
        The unit's row of weights.

    Raises
    ------
    ValueError
        Inputs and weights of different lengths N.
    """
    x = to_numpy(as_real("inputs", inputs, ndim=2))
    w = to_numpy(as_real("weight", weight, ndim=1))
    _check_lengths("weight", x.shape[1], w.shape[0])
    return np.asarray(second_moment(x * w))


def _fields(inputs: Any, weights: Any) -> Floats:
    x = to_numpy(as_real("inputs", inputs, ndim=2))
    w = to_numpy(as_real("weights", weights, ndim=2))
    _check_lengths("weights", x.shape[1], w.shape[1])
    return np.asarray(x @ w.T)


def _check_lengths(name: str, inputs: int, weights: int) -> None:
    if inputs != weights:
        raise ValueError(
            f"inputs have {inputs} coordinates, but {name} {weights}; give one weight a coordinate"
        )
