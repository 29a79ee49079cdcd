"""Bound: a right-hand side with the trivial value it must beat, and its terms apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bound:
    """Right-hand side of a statement, evaluated.

    Attributes
    ----------
    statement : str
        Id of the statement, e.g. ``spectral.X1``.
    value : float
        The bound.
    trivial : float
        What holds with no theorem at all (Tr(Q Sigma) for a loss, 1 for an error rate, ...).
    terms : mapping of str to float
        The terms apart, e.g. bias and variance.
    note : str
        In words what is bounded, and with which probability.
    """

    statement: str
    value: float
    trivial: float
    terms: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def vacuous(self) -> bool:
        """True where the bound says no more than the trivial value."""
        return not self.value < self.trivial
