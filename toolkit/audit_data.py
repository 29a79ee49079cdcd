"""What an audit found, as plain data: numbers, words and tuples only, so that it becomes JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """Mean over draws with its standard error; one draw and error 0 where nothing is drawn."""

    mean: float
    error: float = 0.0
    draws: int = 1


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and standard error of independent draws."""
    if len(values) == 1:
        return Estimate(float(values[0]))
    unit = max(map(abs, values)) or 1.0  # squares of losses overflow before losses do
    error = unit * float(np.std(np.asarray(values) / unit, ddof=1)) / len(values) ** 0.5
    return Estimate(float(np.mean(values)), error, len(values))


@dataclass(frozen=True)
class Claimed:
    """A bound: which statement, what it says, what holds without it.

    Attributes
    ----------
    name : str
        Short name for tables.
    statement : str
        Id of the statement, or the name of the theorem.
    value, trivial : float
    vacuous : bool
        True where the bound says no more than the trivial value.
    note : str
        In words what is bounded, and with which probability.
    """

    name: str
    statement: str
    value: float
    trivial: float
    vacuous: bool
    note: str


@dataclass(frozen=True)
class DecayRow:
    """Eigenvalue mu_j, the share of Tr Sigma beyond j, and N(lam) at the ridge lam = mu_j."""

    index: int
    eigenvalue: float
    tail_share: float
    degrees_of_freedom: float


@dataclass(frozen=True)
class LossRow:
    """Mixed loss L^theta of one layer at one width; units of Tr(Q Sigma).

    Attributes
    ----------
    width : int
    floor : float
        No choice of so many nodes loses less (D2).
    predicted, train, held_out : float
        Of the greedy choice: closed form on the site's second moment, measured on the rows the
        pruning is chosen on, measured on the held-out rows.
    volume_mean : float
        Exact mean over volume sampling (I7).
    law, law_ridge, coherence : float
        Predicted loss of leverage sampling at the ridge lam_N(k), and its coherence score chi.
    sampled : Estimate
        Measured loss of leverage-sampled multisets with the ridges of the law.
    four_ridge_dof : float
        4 lam [theta N + (1 - theta) N'] at the law's ridge: the paper-style form without its
        premise on the width.
    dof, volume, paper : float
        Bounds X1, D6 and P1 at this width; above the layer's `trivial` they are vacuous.
    """

    width: int
    floor: float
    predicted: float
    train: float
    held_out: float
    volume_mean: float
    law: float
    law_ridge: float
    coherence: float
    sampled: Estimate
    four_ridge_dof: float
    dof: float
    volume: float
    paper: float


@dataclass(frozen=True)
class LayerAudit:
    """One group of channels that are pruned together.

    Attributes
    ----------
    name : str
    width, rank : int
        Nodes, and the rank of their second moment.
    trace, trivial : float
        Tr Sigma, and Tr(Q Sigma), the loss of keeping nothing.
    eigenvalues : tuple of float
        Descending.
    decay : tuple of DecayRow
    budget : float
        Loss that the advised widths may leave: a share of `trivial`.
    advised : dict
        Rule to width; None where no width meets the budget by that rule.
    paper_draws : int
        Draws the paper-style bound asks for; more than `width` where its rule has None.
    losses : tuple of LossRow
    notes : tuple of str
    """

    name: str
    width: int
    rank: int
    trace: float
    trivial: float
    eigenvalues: tuple[float, ...]
    decay: tuple[DecayRow, ...]
    budget: float
    advised: dict[str, int | None]
    paper_draws: int
    losses: tuple[LossRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class NetworkRow:
    """The whole network with every hidden layer pruned to one width.

    Attributes
    ----------
    width : int
        Asked for; a layer that is narrower is left whole.
    parameters : int
    output_error, output_error_held_out : float
        ||f - f#||_n of the greedy choice on the training and the held-out rows.
    error_bound : float or None
        B1's bound on the former, where its premises hold.
    train_score : float or None
        Score of the greedy choice on the training rows.
    scores : dict
        Method to score on the held-out rows; empty without targets.
    generalization : tuple of Claimed
        For the greedy choice; empty without targets.
    """

    width: int
    parameters: int
    output_error: float
    output_error_held_out: float
    error_bound: float | None
    train_score: float | None
    scores: dict[str, Estimate]
    generalization: tuple[Claimed, ...]


@dataclass(frozen=True)
class Audit:
    """Everything an audit found.

    Attributes
    ----------
    name : str
    score : str
        ``accuracy``, ``mean squared error``, or empty without targets.
    train_rows, test_rows : int
    held_out : str
        In words, where the held-out rows come from.
    theta : float
    seed : int
    layers : tuple of LayerAudit
    unpruned : NetworkRow
        The network as it is.
    rows : tuple of NetworkRow
    notes : tuple of str
    """

    name: str
    score: str
    train_rows: int
    test_rows: int
    held_out: str
    theta: float
    seed: int
    layers: tuple[LayerAudit, ...]
    unpruned: NetworkRow
    rows: tuple[NetworkRow, ...]
    notes: tuple[str, ...]
