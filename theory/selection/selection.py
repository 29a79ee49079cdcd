"""Selection: which nodes are kept, with which ridges, and what that guarantees."""

from __future__ import annotations

from dataclasses import dataclass

from ..arrays import Array


@dataclass(frozen=True, eq=False)
class Selection:
    """Kept nodes of one layer.

    Attributes
    ----------
    kept : (k,) integer array
        Distinct indices in the order chosen.
    ridge : (k,) array
        Node-wise tau which the method's statement asks for.
    method : str
        Name of the selector.
    guarantee : str
        A sentence that names the statement behind it, or says that there is none.
    losses : (k,) array or None
        L^theta_tau after each step, where the method has steps.
    multiplicity : (k,) integer array or None
        How often each kept node was drawn, where nodes are drawn with replacement.
    """

    kept: Array
    ridge: Array
    method: str
    guarantee: str
    losses: Array | None = None
    multiplicity: Array | None = None

    @property
    def width(self) -> int:
        """Number of distinct kept nodes."""
        return int(self.kept.shape[0])
