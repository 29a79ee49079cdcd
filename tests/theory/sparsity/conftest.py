"""Weight vectors of structured families."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

FAMILIES = ("normal", "cauchy", "flat", "one-hot", "tied", "power", "sparse", "huge", "tiny")


def weights_of(family: str, d: int, seed: int) -> NDArray[np.float64]:
    """d weights with at least one that is not 0."""
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(d)
    if family == "cauchy":
        w = rng.standard_cauchy(d)
    elif family == "flat":
        w = np.where(w > 0, 0.7, -0.7)
    elif family == "one-hot":
        w = np.zeros(d)
        w[rng.integers(d)] = -3.0
    elif family == "tied":
        w = rng.integers(1, 4, d) * np.where(w > 0, 1.0, -1.0)
    elif family == "power":
        w = rng.permutation(np.arange(1.0, d + 1) ** -rng.uniform(0.3, 3.0))
    elif family == "sparse":
        w = np.where(rng.random(d) < 0.7, 0.0, w)
        w[0] = 1.0
    elif family in ("huge", "tiny"):
        w = w * (1e250 if family == "huge" else 1e-250)
    return w


@pytest.fixture
def weights() -> Callable[[str, int, int], NDArray[np.float64]]:
    """Maker of weight vectors: family, number of entries, seed."""
    return weights_of
