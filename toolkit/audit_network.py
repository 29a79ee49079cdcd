"""The whole network of an audit: every hidden layer pruned to one width, by several methods.

The methods differ in the choice of nodes only: each network is reconstructed without a ridge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.network.compressed import ChannelCompression, CompressedLayer
from pruneproof.theory.network.folding import ReaderFold, folded_network, folded_reader
from pruneproof.theory.network.network import Network
from pruneproof.theory.network.selectors import Question, selected
from pruneproof.theory.network.sites import Path, incoming_norms

from .audit_data import Claimed, Estimate, NetworkRow, estimate
from .audit_subject import Subject
from .generalizing import generalization_bounds
from .scoring import Task

#: Methods compared; the first is the one whose losses and bounds are shown.
METHODS = ("greedy", "leverage", "volume", "magnitude", "random")
#: How often a method that draws is drawn.
DRAWS = 5


def network_row(
    subject: Subject, width: int, greedy: ChannelCompression, held_out_error: float, choices: int
) -> NetworkRow:
    """Scores of all methods, and the bounds for the greedy choice, at one width."""
    bound = greedy.error_bound
    return NetworkRow(
        width=width,
        parameters=greedy.network.parameter_count,
        output_error=greedy.output_error,
        output_error_held_out=held_out_error,
        error_bound=None if bound is None else bound.value,
        train_score=_train_score(subject, greedy.network),
        scores={} if subject.task is None else _scores(subject, width, greedy),
        generalization=_generalization(subject, greedy.network, choices),
    )


def unpruned_row(subject: Subject, choices: int) -> NetworkRow:
    """The network as it is, as a row of its own."""
    network = subject.network
    task = subject.task
    score = None if task is None else Estimate(_test_score(subject, network, task))
    return NetworkRow(
        width=max(site.width for site in subject.sites),
        parameters=network.parameter_count,
        output_error=0.0,
        output_error_held_out=0.0,
        error_bound=None,
        train_score=_train_score(subject, network),
        scores={} if score is None else dict.fromkeys(METHODS, score),
        generalization=_generalization(subject, network, choices),
    )


def _generalization(subject: Subject, network: Network, choices: int) -> tuple[Claimed, ...]:
    if subject.task is None:
        return ()
    return generalization_bounds(
        network, subject.task, subject.inputs, subject.test_inputs, choices
    )


def _train_score(subject: Subject, network: Network) -> float | None:
    task = subject.task
    return None if task is None else task.scored(network.forward(subject.inputs), task.targets)


def _test_score(subject: Subject, network: Network, task: Task) -> float:
    return task.scored(network.forward(subject.test_inputs), task.test_targets)


def _scores(subject: Subject, width: int, greedy: ChannelCompression) -> dict[str, Estimate]:
    """Score of every method on the held-out rows."""
    assert subject.task is not None
    scores: dict[str, Estimate] = {}
    for number, method in enumerate(METHODS):
        networks = _networks(subject, number, width, greedy)
        values = [_test_score(subject, network, subject.task) for network in networks]
        scores[method] = estimate(values)
    return scores


def _networks(
    subject: Subject, number: int, width: int, greedy: ChannelCompression
) -> Iterable[Network]:
    """Networks pruned by one method: one where nothing is drawn."""
    method = METHODS[number]
    if method == "greedy":
        yield greedy.network
        return
    draws = 1 if method == "magnitude" else DRAWS
    for draw in range(draws):
        rng = subject.rng(number, width, draw)
        chosen = [
            _chosen(subject.network, method, layer, min(width, layer.size), rng)
            for layer in greedy.layers
        ]
        yield _pruned(subject.network, greedy.layers, chosen)


def _chosen(
    network: Network, method: str, layer: CompressedLayer, width: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Distinct nodes of one site by one method; all of them where all are asked for."""
    if width == layer.size:
        return np.arange(width)
    question = Question(
        layer.moments.cov,
        layer.spectrum,
        layer.moments.output_weights,
        width,
        layer.theta,
        layer.ridge,
        incoming_norms(network, layer.site),
        rng,
    )
    return to_numpy(selected(method, question).kept)


def _pruned(
    network: Network, layers: Sequence[CompressedLayer], chosen: Sequence[NDArray[np.int64]]
) -> Network:
    """Network with the chosen nodes of every site, reconstructed without a ridge."""
    folds: dict[Path, ReaderFold] = {}
    rows: dict[Path, NDArray[np.int64]] = {}
    for layer, kept in zip(layers, chosen):
        for reader in layer.moments.readers:
            folds[reader.path] = folded_reader(reader, kept, np.zeros(len(kept)))
        rows |= dict.fromkeys(layer.site.writers, kept)
    return folded_network(network, folds, rows)
