"""The study: a pure replicate, a grid of conditions, a number of replicates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Study:
    """A pure ``replicate(parameters, rng) -> record``, a grid, and a number of replicates."""

    name: str
    replicate: Callable[[Mapping[str, Any], np.random.Generator], Mapping[str, Any]]
    grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]
    replicates: int
    title: str
    figure: Callable[[Sequence[Mapping[str, Any]]], Any] | None = None
    quick: Mapping[str, Any] = field(default_factory=dict)
