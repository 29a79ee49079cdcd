"""Committee machines: online descent and pruning, on weights.

sgd       online descent on weights, and on overlaps in their exact law
pruning   random, importance and determinantal rules for nodes and edges; refits; equal parameters

Nothing here loads Numba before it is used.
"""

from __future__ import annotations

from .pruning import (
    equal_edges,
    fused_outputs,
    keep_edges,
    keep_nodes,
    refitted_outputs,
    reweighted_edges,
    unit_rows,
)
from .sgd import OnlineRun, overlap_descent, rows_of, train_online

__all__ = [
    "OnlineRun",
    "equal_edges",
    "fused_outputs",
    "keep_edges",
    "keep_nodes",
    "overlap_descent",
    "refitted_outputs",
    "reweighted_edges",
    "rows_of",
    "train_online",
    "unit_rows",
]
