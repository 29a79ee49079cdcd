"""Pooling layers of images (n, channels, height, width): mean or largest value of each window.

This module may import NumPy and array-api-compat only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..arrays import Array
from .common import check_window, set_checked
from .convolution import as_pair, average_pool, max_pool


@dataclass(frozen=True, eq=False)
class _Pool2d:
    """Window of a pooling layer: size and stride (the size, if not given), no padding."""

    size: Any
    stride: Any = None

    def __post_init__(self) -> None:
        name = type(self).__name__
        size = as_pair(f"{name} size", self.size, least=1)
        stride = size if self.stride is None else as_pair(f"{name} stride", self.stride, least=1)
        set_checked(self, size=size, stride=stride)

    @property
    def label(self) -> str:
        """Name and window, for messages."""
        return f"{type(self).__name__}({self.size[0]} x {self.size[1]})"

    @property
    def parameter_count(self) -> int:
        """Pooling has none."""
        return 0


@dataclass(frozen=True, eq=False)
class AvgPool2d(_Pool2d):
    """Mean over windows of `size`, moved by `stride` (default: the size), without padding."""

    def forward(self, x: Array) -> Array:
        """Pooled images."""
        check_window(self.label, x, self.size, (0, 0))
        return average_pool(x, self.size, self.stride)


@dataclass(frozen=True, eq=False)
class MaxPool2d(_Pool2d):
    """Largest value in windows of `size`, moved by `stride` (default: the size), no padding."""

    def forward(self, x: Array) -> Array:
        """Pooled images."""
        check_window(self.label, x, self.size, (0, 0))
        return max_pool(x, self.size, self.stride)
