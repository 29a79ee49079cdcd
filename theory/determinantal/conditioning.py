r"""A DPP or k-DPP given that some nodes are in the draw and some are not.

Given A in J and B outside J, the other nodes of J are again a DPP, with the kernel

    L' = L_RR - L_RA L_AA^{-1} L_AR        on the rest R,

as det L_(A + S) = det L_AA det L'_SS; of a k-DPP they are the k-DPP of L' of size k - |A|.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_covariance, as_kept, to_numpy
from ..errors import InapplicableError
from ..objective import residual
from .greedy_map import greedy_map
from .spectra import Floats

Indices = NDArray[np.int64]


def condition_dpp(
    kernel: Any, included: Sequence[int] = (), excluded: Sequence[int] = ()
) -> tuple[Floats, Indices]:
    r"""Kernel of a DPP or k-DPP on the nodes that are left open.

    Parameters
    ----------
    kernel : (m, m) array
        L, symmetric positive semidefinite.
    included, excluded : nodes
        A and B, disjoint; draws are given that A is in J and B is not.

    Returns
    -------
    kernel : (r, r) array
        L'; give it to :func:`sample_dpp` (with size k - |A| for a k-DPP), or to
        :func:`inclusion_probabilities`.
    rest : (r,) array
        The node of each row of L', ascending.

    Raises
    ------
    InapplicableError
        det L_AA = 0: the nodes included are never drawn together.
    ValueError
        Not a kernel; nodes that are out of range, repeated, in both lists, or all there are.

    Notes
    -----
    Kulesza and Taskar 2012, section 2.4.3 (there by (L + I_rest)^{-1}; the same law).
    """
    left = to_numpy(as_covariance(kernel, name="kernel"))
    m = left.shape[0]
    inside = as_kept(included, m) if len(included) else np.empty(0, dtype=np.int64)
    outside = as_kept(excluded, m) if len(excluded) else np.empty(0, dtype=np.int64)
    both = np.intersect1d(inside, outside)
    if both.size:
        raise ValueError(f"node {both[0]} is both included and excluded; name it once")
    rest = np.setdiff1d(np.arange(m), np.concatenate([inside, outside]))
    if rest.size == 0:
        raise ValueError(f"all {m} nodes are included or excluded; leave at least one open")
    if inside.size:
        block = left[np.ix_(inside, inside)]
        rank = len(greedy_map(block).kept)
        if rank < inside.size:
            raise InapplicableError(
                f"the {inside.size} nodes included have a kernel of numerical rank {rank}, so they "
                "are never drawn together; include independent nodes"
            )
        left = to_numpy(residual(left, inside))
    given = left[np.ix_(rest, rest)]
    return (given + given.T) / 2.0, rest
