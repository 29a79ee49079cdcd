r"""Compiled panel of the marginal-kernel sampler: nodes decided at their pivots, one by one.

Self-contained: imports NumPy and Numba only; nothing compiles before the first call.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True, error_model="numpy")
def decide_panel(panel: Floats, uniforms: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Factorise the columns of a panel in place, and fill `kept`; the pivots, (b,).

    panel (n, b), n >= b: the first b columns of what is left of the marginal kernel, whose lower
    triangle is used; uniforms (b,); kept (b,). A node kept has the pivot p = P(kept | decided so
    far), a node left out p - 1.
    """
    n, b = panel.shape
    pivots = np.empty(b)
    for j in range(b):
        chance = panel[j, j]
        kept[j] = uniforms[j] < chance
        pivots[j] = chance if kept[j] else chance - 1.0
        for r in range(j + 1, n):
            factor = panel[r, j] / pivots[j]
            for c in range(j + 1, min(r + 1, b)):
                panel[r, c] -= factor * panel[c, j]
    return pivots
