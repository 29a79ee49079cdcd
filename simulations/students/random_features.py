r"""Random features under a ridge head: a network of two layers of which only the second is fitted.

psi(x) = eta(W x), the rows of W (k, d) drawn from N(0, I), and f(x) = v^T psi(x) with v the ridge
regression on psi: |Y - Psi v|^2 / n + ridge |v|^2 is smallest. As k grows, psi(x).psi(y)/k tends to
E eta(w.x) eta(w.y): x.y for the identity ("Gaussian features"), the arc-cosine kernel for relu,
the arc-sine kernel for erf. Written with the kernel Psi Psi^T / k and a ridge delta on it (laws
L7, Simon et al., arXiv 2311.14646), delta = n ridge / k.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from pruneproof.theory import Dense, Network

from .linear import ridge as ridge_regression
from .student import Student, as_sample


def random_features(
    inputs: Any,
    targets: Any,
    width: int,
    ridge: float,
    *,
    activation: str = "relu",
    rng: Any,
) -> Student:
    """Ridge regression on `width` random features.

    Parameters
    ----------
    inputs : (n, d) array
    targets : (n,) or (n, p) array
    width : int
        Number k of features, at least 1.
    ridge : float
        At least 0, in the units of the second moment of the features; 0 gives the interpolation
        of smallest norm where k > n.
    activation : str
        identity (Gaussian features), relu, erf, tanh or logistic.
    rng : seed or numpy.random.Generator

    Returns
    -------
    Student
        Layers (d -> k, activation) and (k -> p, linear).

    Raises
    ------
    ValueError
        As :func:`~.linear.ridge`; a width below 1; an unknown activation.
    """
    x, y = as_sample(inputs, targets)
    k = operator.index(width)
    if k < 1:
        raise ValueError(f"width must be at least 1, but is {width}")
    weight = np.random.default_rng(rng).standard_normal((k, x.shape[1]))
    layer = Dense(weight, activation=activation)
    head = ridge_regression(layer.forward(x), y, ridge)
    return Student(Network([layer, *head.network.layers]), head.losses)
