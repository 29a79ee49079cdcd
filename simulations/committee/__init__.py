"""Committee machines: online descent and pruning, on weights.

sgd       online descent on weights, and on overlaps in their exact law
rest      online descent until the error rests
pruning   random, importance and determinantal rules for nodes and edges; refits; equal parameters
kernels   the compiled steps; plain, their NumPy twins; normals, the inputs' generator

Nothing here loads Numba before it is used.
"""

from __future__ import annotations

from .pruning import (
    equal_edges,
    fused_outputs,
    keep_edges,
    keep_nodes,
    reweighted_edges,
    unit_rows,
)
from .rest import train_to_rest
from .sgd import OnlineRun, overlap_descent, rows_of, train_online

__all__ = [
    "OnlineRun",
    "equal_edges",
    "fused_outputs",
    "keep_edges",
    "keep_nodes",
    "overlap_descent",
    "reweighted_edges",
    "rows_of",
    "train_online",
    "train_to_rest",
    "unit_rows",
]
