"""scikit-learn's 1797 images of digits, and small networks trained on three quarters of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof.simulations.students import initial, train
from pruneproof.theory import Network

from .layers import Floats

PIXELS, CLASSES = 64, 10
#: The perceptron whose layers are looked at, and how it is trained.
WIDTHS = (64, 64, 64, 10)
_EPOCHS, _STEP, _DECAY = 30, 0.05, 1e-3


@functools.cache
def images() -> tuple[Floats, Floats]:
    """Pixels in [0, 1], (1797, 64), and labels.

    Raises
    ------
    ValueError
        scikit-learn, which holds the images, is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ValueError(
            "the digits come with scikit-learn, which is not installed; install it with: pip "
            "install 'pruneproof[sklearn]'"
        ) from None
    pixels, labels = load_digits(return_X_y=True)
    return pixels / 16.0, labels.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Digits:
    """One random split of the images: pixels (n, 64) and labels (n,), a quarter held out."""

    pixels: Floats
    labels: Floats
    held_pixels: Floats
    held_labels: Floats

    def trained(
        self,
        start: Network,
        *,
        epochs: int,
        learning_rate: float,
        weight_decay: float = 0.0,
        masks: Sequence[Any] | None = None,
        rng: Any,
    ) -> Network:
        """The network after training with the softmax loss, in batches of 32."""
        return train(
            start,
            self.pixels,
            self.labels,
            epochs=epochs,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            loss="softmax",
            masks=masks,
            rng=rng,
        ).network

    def error(self, network: Network) -> float:
        """Share of the held-out images whose largest score is not that of their label."""
        scores = np.asarray(network.forward(self.held_pixels))
        return float(np.mean(scores.argmax(axis=1) != self.held_labels))


def split(rng: np.random.Generator) -> Digits:
    """The images in random order, the first quarter held out."""
    pixels, labels = images()
    order = rng.permutation(len(pixels))
    held, used = np.split(order, [len(order) // 4])
    return Digits(pixels[used], labels[used], pixels[held], labels[held])


@functools.cache
def digits_network(seed: int = 0) -> Network:
    """The trained perceptron; the same one for the same seed, once a process."""
    pixels, labels = images()
    start = initial(WIDTHS, "relu", rng=seed)
    return train(
        start, pixels, labels, epochs=_EPOCHS, learning_rate=_STEP, weight_decay=_DECAY,
        loss="softmax", rng=seed,
    ).network  # fmt: skip
