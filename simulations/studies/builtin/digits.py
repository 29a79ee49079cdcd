"""A small perceptron trained on scikit-learn's digits: 64 - 64 - 64 - 10, ReLU, softmax loss."""

from __future__ import annotations

import functools

import numpy as np

from pruneproof.simulations.students import initial, train
from pruneproof.theory import Network

from .layers import Floats

WIDTHS = (64, 64, 64, 10)
_EPOCHS, _STEP, _DECAY = 30, 0.05, 1e-3


@functools.cache
def images() -> tuple[Floats, Floats]:
    """Pixels in [0, 1], (1797, 64), and labels.

    Raises
    ------
    ValueError
        scikit-learn, which brings them, is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ValueError(
            "the digits come with scikit-learn, which is not installed; install it with: "
            "pip install 'pruneproof[sklearn]'"
        ) from None
    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels / 16.0), np.asarray(labels, dtype=np.float64)


@functools.cache
def digits_network(seed: int = 0) -> Network:
    """The trained perceptron; the same one for the same seed, once a process."""
    pixels, labels = images()
    start = initial(WIDTHS, "relu", rng=seed)
    return train(
        start, pixels, labels, epochs=_EPOCHS, learning_rate=_STEP, weight_decay=_DECAY,
        loss="softmax", rng=seed,
    ).network  # fmt: skip
