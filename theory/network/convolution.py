r"""Convolution and pooling of images (n, channels, height, width), as windows and one product.

Letters: W (out, in, kh, kw), padding (ph, pw) of zeros, stride (sh, sw), output positions
p = (i, j), i < floor((height + 2 ph - kh)/sh) + 1. Cross-correlation, no flip:

    y[n, o, i, j] = sum_{c, a, b} W[o, c, a, b] x[n, c, i sh + a - ph, j sw + b - pw].

The windows are gathered as the columns of one matrix (a, b, c) x (n, i, j), so that the sum is one
matrix product. Shapes are checked by the layers; this module may import NumPy and
array-api-compat only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from ..arrays import Array, as_count, namespace

#: Entries of the matrix of windows that are gathered at once (8 MiB).
COLUMN_ENTRIES = 2**20


def as_pair(name: str, value: object, *, least: int) -> tuple[int, int]:
    """Whole numbers (vertical, horizontal) of an int or a pair."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"{name} must be a whole number or a pair, but is {value!r}")
        return as_count(name, value[0], least=least), as_count(name, value[1], least=least)
    number = as_count(name, value, least=least)
    return number, number


def output_size(
    image: tuple[int, int], size: tuple[int, int], stride: tuple[int, int]
) -> tuple[int, int]:
    """Number of window positions (vertical, horizontal); below 1 where the window is too large."""
    return (image[0] - size[0]) // stride[0] + 1, (image[1] - size[1]) // stride[1] + 1


def pad(x: Array, padding: tuple[int, int]) -> Array:
    """Images with `padding` rows and columns of zeros on every side; `x` itself without any."""
    if padding == (0, 0):
        return x
    xp = namespace(x)
    n, channels, height, width = x.shape
    ph, pw = padding
    padded = xp.zeros((n, channels, height + 2 * ph, width + 2 * pw), dtype=x.dtype)
    padded[:, :, ph : ph + height, pw : pw + width] = x
    return padded


def windows(x: Array, size: tuple[int, int], stride: tuple[int, int]) -> Iterator[Array]:
    """For each offset (a, b) of the window, row by row, what it sees at all positions."""
    rows, columns = output_size(x.shape[2:], size, stride)
    for a in range(size[0]):
        for b in range(size[1]):
            yield x[
                :,
                :,
                a : a + (rows - 1) * stride[0] + 1 : stride[0],
                b : b + (columns - 1) * stride[1] + 1 : stride[1],
            ]


def convolve(x: Array, weight: Array, padding: tuple[int, int], stride: tuple[int, int]) -> Array:
    """Cross-correlation of images with a kernel (out, in, kh, kw), without bias.

    Samples go in blocks whose columns stay within COLUMN_ENTRIES.
    """
    xp = namespace(x)
    _, channels, kh, kw = weight.shape
    x = pad(x, padding)
    positions = math.prod(output_size(x.shape[2:], (kh, kw), stride))
    block = max(1, COLUMN_ENTRIES // (channels * kh * kw * positions))
    parts = [
        _correlated(x[start : min(start + block, x.shape[0]), ...], weight, stride)
        for start in range(0, x.shape[0], block)
    ]
    return parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)


def _correlated(x: Array, weight: Array, stride: tuple[int, int]) -> Array:
    """Cross-correlation of padded images: windows as columns, then one product."""
    xp = namespace(x)
    out, channels, kh, kw = weight.shape
    n = x.shape[0]
    rows, columns = output_size(x.shape[2:], (kh, kw), stride)
    seen = xp.empty((kh * kw, channels, n, rows, columns), dtype=x.dtype)
    for place, view in enumerate(windows(xp.permute_dims(x, (1, 0, 2, 3)), (kh, kw), stride)):
        seen[place, ...] = view
    kernel = xp.reshape(xp.permute_dims(weight, (0, 2, 3, 1)), (out, kh * kw * channels))
    product = kernel @ xp.reshape(seen, (kh * kw * channels, n * rows * columns))
    return xp.permute_dims(xp.reshape(product, (out, n, rows, columns)), (1, 0, 2, 3))


def pool(
    x: Array,
    size: tuple[int, int],
    stride: tuple[int, int],
    combine: Callable[[Array, Array], Array],
) -> Array:
    """All offsets of the window combined two by two (sum or maximum), without padding."""
    seen = windows(x, size, stride)
    total = next(seen)
    for view in seen:
        total = combine(total, view)
    return total


def average_pool(x: Array, size: tuple[int, int], stride: tuple[int, int]) -> Array:
    """Mean over each window."""
    return pool(x, size, stride, lambda a, b: a + b) / math.prod(size)


def max_pool(x: Array, size: tuple[int, int], stride: tuple[int, int]) -> Array:
    """Largest value in each window."""
    return pool(x, size, stride, namespace(x).maximum)
