r"""k-DPP sampling on the GPU: the chain rule with every norm kept current, no host round trip.

The array module is a parameter, so that the same lines run on CuPy and, in the tests, on NumPy.
Each of the k steps is a handful of whole-array operations on the device; the node drawn stays
there as an index, so nothing waits for the host before the end.
"""

from __future__ import annotations

from typing import Any


def draw_nodes(rows: Any, uniforms: Any, xp: Any) -> Any:
    """Nodes drawn by the projection DPP of orthonormal columns, (k,), in the order drawn.

    Parameters
    ----------
    rows : (m, k) array of `xp`
        The chosen eigenvectors; row j belongs to node j.
    uniforms : (k,) array of `xp`
        One uniform number in [0, 1) a step.
    xp : module
        cupy, or numpy.
    """
    k = rows.shape[1]
    norms = xp.sum(rows * rows, axis=1)
    basis = xp.zeros((k, k), dtype=rows.dtype)
    kept = xp.zeros(k, dtype=xp.int64)
    for step in range(k):
        cumulative = xp.cumsum(norms)
        # Counting beats searchsorted here: it has no scalar to fetch.
        node = xp.sum(cumulative <= uniforms[step] * cumulative[-1]).reshape(1)
        line = xp.take(rows, node, axis=0)[0]
        for _ in range(2 if step else 0):  # Gram-Schmidt, twice for orthogonality at rounding
            line = line - (basis[:step] @ line) @ basis[:step]
        line /= xp.sqrt(line @ line)
        basis[step] = line
        projection = rows @ line
        norms -= projection * projection
        xp.maximum(norms, 0.0, out=norms)
        norms[node] = 0.0
        kept[step] = node[0]
    return kept
