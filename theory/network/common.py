"""What all layers share: libraries of arrays, storing checked values, windows that fit.

This module may import NumPy and array-api-compat only.
"""

from __future__ import annotations

from typing import Any

from ..arrays import Array, namespace, to_numpy
from .convolution import output_size


def like(x: Array, weight: Array) -> Array:
    """`weight` in the array library of `x`."""
    if weight is None or namespace(weight) is namespace(x):
        return weight
    return namespace(x).asarray(to_numpy(weight))


def set_checked(layer: Any, **values: Any) -> None:
    """Store checked values on a frozen layer while it is being made."""
    for name, value in values.items():
        object.__setattr__(layer, name, value)


def check_window(label: str, x: Array, size: tuple[int, int], padding: tuple[int, int]) -> None:
    """Refuse what is not an image, and images that the window does not fit into."""
    if x.ndim != 4:
        raise ValueError(
            f"{label} needs images (n, channels, height, width), but got shape {x.shape}"
        )
    image = (x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1])
    if min(output_size(image, size, (1, 1))) < 1:
        raise ValueError(
            f"{label} needs images of at least {size[0]} x {size[1]}, padding included, but "
            f"got {image[0]} x {image[1]}"
        )
