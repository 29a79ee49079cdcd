r"""How a spectrum is learned: gradient descent mode by mode (S13).

Full batch, step eta, on E ||W x - y||^2/2 with Sigma = E x x^T and W* Sigma = E y x^T:

    W_t - W* = (W_0 - W*)(I - eta Sigma)^t

so the mode of eigenvalue lam shrinks by 1 - eta lam a step. A two-layer linear network with
whitened inputs, from a balanced aligned start of product u_0 > 0, learns a target mode s > 0 along
the flow as s/(1 + (s/u_0 - 1) exp(-2 s t)). One sample's step of stochastic gradient descent is of
rank one and interlaces the singular values (:func:`rank_one_interlacing`).

Source: statement S13 [derived]; the two-layer mode Saxe, McClelland, Ganguli 2014 [recalled].
NumPy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_real, as_ridge, to_numpy
from ..spectrum import as_spectrum

Floats = NDArray[np.float64]


def gradient_descent_weight(
    start: Any, target: Any, second_moment: Any, *, learning_rate: float, steps: int
) -> Floats:
    """W_t = W* + (W_0 - W*)(I - eta Sigma)^t, exactly, in one eigenvalue decomposition.

    Parameters
    ----------
    start, target : (out, in) arrays
        W_0 and W*, any solution of W* Sigma = E y x^T.
    second_moment : (in, in) array, or Spectrum with eigenvectors
        Sigma. Modes of eigenvalue 0 stay where they started.
    learning_rate : float
        eta; a mode with eta lam > 2 diverges.
    steps : int
        t.

    Raises
    ------
    ValueError
        Shapes that do not fit, not a second moment, a negative rate or number of steps.

    Notes
    -----
    Statement S13 [derived].
    """
    w0 = to_numpy(as_real("start", start, ndim=2))
    goal = to_numpy(as_real("target", target, ndim=2))
    spectrum = as_spectrum(second_moment, vectors=True)
    if w0.shape != goal.shape or w0.shape[1] != spectrum.size:
        raise ValueError(
            f"start {w0.shape}, target {goal.shape} and a second moment of order {spectrum.size} "
            "do not fit together"
        )
    rate = as_ridge(learning_rate, name="learning_rate")
    basis = to_numpy(spectrum.eigenvectors)
    shrink = (1.0 - rate * to_numpy(spectrum.eigenvalues)) ** as_count("steps", steps, least=0)
    return np.asarray(goal + (((w0 - goal) @ basis) * shrink) @ basis.T)


def linear_mode_strength(times: Any, *, target: float, start: float) -> Floats:
    """Product s/(1 + (s/u_0 - 1) exp(-2 s t)) of a two-layer linear network's mode.

    Parameters
    ----------
    times : array
        t of the gradient flow of E ||W_2 W_1 x - y||^2/2.
    target, start : float
        s and u_0, above 0.

    Raises
    ------
    ValueError
        A target or start not above 0.

    Notes
    -----
    Statement S13; Saxe, McClelland and Ganguli 2014 [recalled].
    """
    t = to_numpy(as_real("times", times))
    s = as_ridge(target, name="target", positive=True)
    u0 = as_ridge(start, name="start", positive=True)
    decay = -2.0 * s * t
    # 1 - exp(-2 s t) by expm1: where s t is small the plain form loses s beside 1.
    return np.asarray(s / (s / u0 * np.exp(decay) - np.expm1(decay)))
