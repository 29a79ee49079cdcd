"""The audit of a network: what theory predicts and bounds, beside what pruning does to it.

Every hidden layer (more exactly every site, see :func:`pruneproof.theory.prunable_sites`) is
looked at alone; then all of them are pruned together to each width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pruneproof.theory.arrays import as_count, as_probability, as_theta
from pruneproof.theory.network.compress import compress
from pruneproof.theory.network.sites import Site
from pruneproof.theory.network.widths import DEFAULT_THETA

from .audit_data import Audit, NetworkRow
from .audit_layer import LOSS_DRAWS, audited_layer
from .audit_network import DRAWS, network_row, unpruned_row
from .audit_subject import Subject, checked_subject

#: Called with what is being done, steps done and steps in all.
Tick = Callable[[str, int, int], None]


def audit(
    network: Any,
    inputs: Any,
    targets: Any = None,
    *,
    widths: Sequence[int] | None = None,
    budget: float = 0.1,
    theta: float = DEFAULT_THETA,
    test_inputs: Any = None,
    test_targets: Any = None,
    seed: int = 0,
    name: str = "network",
    tick: Tick | None = None,
) -> Audit:
    """Audit a network: spectra, widths for a budget, losses and bounds, scores after pruning.

    Parameters
    ----------
    network : Network, or a fitted scikit-learn MLPClassifier or MLPRegressor
    inputs : (n, width) or (n, channels, height, width) array
    targets : (n,) class labels, (n,) or (n, p) numbers, optional
        Whole numbers are labels where the network has two outputs or more. Without targets there
        are no scores and no generalization bounds.
    widths : sequence of int, optional
        Widths to prune all hidden layers to (a narrower layer is left whole). By default steps of
        a factor of sqrt 2 from a 32nd of the widest layer.
    budget : float
        Share of the trivial loss Tr(Q Sigma) which the advised widths may leave, in (0, 1).
    theta : float
        Weight of the input loss in the mixture L^theta = theta L^A + (1 - theta) L^B.
    test_inputs, test_targets : arrays, optional
        Held-out rows; without them a seeded quarter of the rows is held out.
    seed : int
    name : str
        What the report calls the network.
    tick : callable, optional
        Told of the progress: words, steps done, steps in all.

    Returns
    -------
    Audit

    Raises
    ------
    ValueError
        Samples that do not fit the network or each other, labels out of range, widths or a budget
        or a theta out of range, a network with no hidden layer.
    """
    subject = checked_subject(
        network, inputs, targets, test_inputs, test_targets, as_theta(theta), seed, name
    )
    share = as_probability("budget", budget)
    grid = _grid(subject.sites, widths)
    tick = tick or _silent
    total = 2 * len(grid) + len(subject.sites)
    pruned = []
    for done, width in enumerate(grid):
        tick("greedy selection", done, total)
        widths_here = subject.widths(width)
        pruned.append(compress(subject.network, subject.inputs, widths_here, theta=subject.theta))
    measured = [compression.measure(subject.test_inputs) for compression in pruned]
    layers = []
    for place, site in enumerate(subject.sites):
        tick(f"theory of {site.name}", len(grid) + place, total)
        held_out = [m.losses[place].mixed for m in measured]
        compressed = [compression.layers[place] for compression in pruned]
        layers.append(audited_layer(subject, place, grid, compressed, held_out, share))
    choices = len(grid) + 1
    rows: list[NetworkRow] = []
    for width, compression, measurement in zip(grid, pruned, measured):
        tick("the other methods", total - len(grid) + len(rows), total)
        rows.append(network_row(subject, width, compression, measurement.output_error, choices))
    tick("done", total, total)
    return Audit(
        name=name,
        score="" if subject.task is None else subject.task.score,
        train_rows=len(subject.inputs),
        test_rows=len(subject.test_inputs),
        held_out=subject.held_out,
        theta=subject.theta,
        seed=seed,
        layers=tuple(layers),
        unpruned=unpruned_row(subject, choices),
        rows=tuple(rows),
        notes=_notes(subject),
    )


def _silent(words: str, done: int, total: int) -> None:
    """Take no notice of progress."""


def _grid(sites: list[Site], widths: Sequence[int] | None) -> list[int]:
    """Widths in rising order, from 1 to the widest layer."""
    widest = max(site.width for site in sites)
    if widths is not None:
        if np.ndim(widths) != 1:
            raise ValueError(f"widths must be a list of whole numbers, but is {widths!r}")
        if len(widths) == 0:
            raise ValueError("widths is empty; give at least one width")
        return sorted({as_count("width", w, least=1, most=widest) for w in widths})
    steps = (math.isqrt(2**power) for power in range(2 * widest.bit_length()))
    least = max(1, widest // 32)
    return sorted({w for w in steps if least <= w < widest}) or [1]


def _notes(subject: Subject) -> tuple[str, ...]:
    """What a reader of the figures should know."""
    notes = [f"leverage-sampled losses: mean and standard error of {LOSS_DRAWS} draws"]
    if subject.task is not None:
        notes += [
            f"scores of leverage, volume and random: mean and standard error of {DRAWS} draws",
            "leverage draws with replacement, so it keeps fewer distinct nodes than its width",
        ]
    if len({site.width for site in subject.sites}) > 1:
        notes.append("a layer narrower than the width asked for is left whole")
    return tuple(notes)
