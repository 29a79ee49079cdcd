"""The audit of a network: what theory predicts and bounds, beside what pruning does to it.

Every hidden layer (more exactly every site, see :func:`pruneproof.theory.prunable_sites`) is
looked at alone, on the second moment which the reconstruction uses; then all of them are pruned
together to each width, by five methods which differ in the choice of nodes only: each is
reconstructed without a ridge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory.arrays import as_count, as_probability, as_real, as_theta, to_numpy
from pruneproof.theory.bounds.advice import advised_widths
from pruneproof.theory.bounds.directions import directions
from pruneproof.theory.bounds.layer import dof_bound, floor, volume_bound
from pruneproof.theory.bounds.paper import paper_bound, paper_width, sampling_bound
from pruneproof.theory.elementary import volume_residual
from pruneproof.theory.errors import InapplicableError
from pruneproof.theory.network.compress import compress
from pruneproof.theory.network.compressed import CompressedLayer, Compression
from pruneproof.theory.network.folding import (
    ReaderFold,
    folded_network,
    folded_reader,
    loss_parts,
)
from pruneproof.theory.network.network import Network, as_inputs
from pruneproof.theory.network.site_moments import SiteMoments
from pruneproof.theory.network.sites import Path, Site, parametric, prunable_sites
from pruneproof.theory.network.widths import DEFAULT_THETA
from pruneproof.theory.objective import information_loss
from pruneproof.theory.selection.baselines import select_magnitude, select_random
from pruneproof.theory.selection.leverage import select_leverage
from pruneproof.theory.selection.volume import select_volume
from pruneproof.theory.spectrum import Spectrum, degrees_of_freedom

from .audit_data import Audit, Claimed, DecayRow, Estimate, LayerAudit, LossRow, NetworkRow
from .digits import split
from .generalizing import generalization_bounds
from .models import labels_of, network_from_sklearn
from .scoring import Task, checked_targets

#: How often a method that draws is drawn for a score, and for the loss beside its law.
DRAWS = 5
LOSS_DRAWS = 20
#: Methods compared on the whole network; the first is the one whose losses are shown.
METHODS = ("greedy", "leverage", "volume", "magnitude", "random")

#: Called with what is being done, steps done and steps in all.
Tick = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class _Subject:
    """The network, its samples, and what is asked of it."""

    network: Network
    inputs: NDArray[np.float64]
    test_inputs: NDArray[np.float64]
    held_out: str
    task: Task | None
    sites: list[Site]
    theta: float
    seed: int

    def widths(self, width: int) -> list[int]:
        """Width of every site: narrower ones are left whole."""
        return [min(width, site.width) for site in self.sites]

    def rng(self, *key: int) -> np.random.Generator:
        """Stream of one draw, whatever else is drawn."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


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
    subject = _subject(
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
        layers.append(_layer(subject, place, grid, compressed, held_out, share))
    choices = len(grid) + 1
    rows: list[NetworkRow] = []
    for width, compression, measurement in zip(grid, pruned, measured):
        tick("the other methods", total - len(grid) + len(rows), total)
        rows.append(_network_row(subject, width, compression, measurement.output_error, choices))
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
        unpruned=_unpruned(subject, choices),
        rows=tuple(rows),
        notes=_notes(subject),
    )


def _silent(words: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def _subject(
    model: Any,
    inputs: Any,
    targets: Any,
    test_inputs: Any,
    test_targets: Any,
    theta: float,
    seed: int,
    name: str,
) -> _Subject:
    """Check the call, hold rows out where there are no test rows."""
    network, classes = _as_network(model)
    if test_targets is not None and (test_inputs is None or targets is None):
        missing = "test_inputs" if test_inputs is None else "targets"
        raise ValueError(f"test_targets are given without {missing}; give both or neither")
    if test_inputs is not None and targets is not None and test_targets is None:
        raise ValueError("test_inputs are given without test_targets; give both or neither")
    as_count("seed", seed, least=0)
    x = to_numpy(as_inputs(inputs))
    if classes is not None:
        targets, test_targets = (
            None if t is None else labels_of(t, classes) for t in (targets, test_targets)
        )
    outputs = network.forward(x)
    known = None if targets is None else checked_targets("targets", targets, outputs)
    if test_inputs is None:
        if len(x) < 4:
            raise ValueError(
                f"inputs have {len(x)} rows, too few to hold any out; give at least 4, or give "
                "test_inputs"
            )
        train, test = split(len(x), seed)
        held_out = (
            f"a seeded quarter of the rows ({len(test)} of {len(x)}) is held out here; if the "
            "network was trained on them, they are not held out from training"
        )
        x, test_x = x[train], x[test]
        task = None if known is None else Task(known.ndim == 1, known[train], known[test])
    else:
        test_x = to_numpy(as_inputs(as_real("test_inputs", test_inputs)))
        test_outputs = network.forward(test_x)
        held_out = f"{len(test_x)} rows given as test rows"
        task = None
        if known is not None:
            asked = checked_targets("test_targets", test_targets, test_outputs)
            if asked.ndim != known.ndim:
                raise ValueError("targets and test_targets must both be labels or both be numbers")
            task = Task(known.ndim == 1, known, asked)
    sites = prunable_sites(network)
    if not sites:
        raise ValueError(
            f"{name} has no hidden layer, so there is nothing to prune; give a network of two "
            "layers or more"
        )
    return _Subject(network, x, test_x, held_out, task, sites, theta, seed)


def _as_network(model: Any) -> tuple[Network, Any]:
    """Network of a model, and its classes where it is a scikit-learn classifier."""
    if isinstance(model, Network):
        return model, None
    if hasattr(model, "intercepts_") or hasattr(model, "hidden_layer_sizes"):
        return network_from_sklearn(model), getattr(model, "classes_", None)
    raise ValueError(
        f"the network is a {type(model).__name__}; give a pruneproof Network or a fitted "
        "scikit-learn MLPClassifier or MLPRegressor"
    )


def _grid(sites: list[Site], widths: Sequence[int] | None) -> list[int]:
    """Widths in rising order, from 1 to the widest layer."""
    widest = max(site.width for site in sites)
    if widths is not None:
        if len(widths) == 0:
            raise ValueError("widths is empty; give at least one width")
        return sorted({as_count("width", w, least=1, most=widest) for w in widths})
    steps = (math.isqrt(2**power) for power in range(2 * widest.bit_length()))
    least = max(1, widest // 32)
    return sorted({w for w in steps if least <= w < widest}) or [1]


def _layer(
    subject: _Subject,
    place: int,
    grid: Sequence[int],
    compressed: list[CompressedLayer],
    held_out: list[float],
    share: float,
) -> LayerAudit:
    """Spectrum, advised widths and losses of one site."""
    spectrum, site = compressed[0].spectrum, compressed[0].moments
    mixture: dict[str, Any] = {"theta": subject.theta, "output_weights": site.output_weights}
    trivial = directions(spectrum, **mixture).trivial
    if trivial == 0.0:
        raise InapplicableError(
            f"no loss depends on {site.site.name}: its outgoing weights are all 0 (at theta = "
            f"{subject.theta:g}); raise theta"
        )
    rows = [
        _loss_row(subject, place, site, width, layer, loss)
        for width, layer, loss in zip(grid, compressed, held_out)
        if width < spectrum.size
    ]
    return LayerAudit(
        name=site.site.name,
        width=spectrum.size,
        rank=spectrum.rank,
        trace=spectrum.trace,
        trivial=trivial,
        eigenvalues=tuple(float(value) for value in to_numpy(spectrum.eigenvalues)),
        decay=tuple(_decay(spectrum)),
        budget=share * trivial,
        advised=advised_widths(site.cov, share * trivial, **mixture),
        paper_draws=_paper_draws(spectrum, share * trivial, mixture),
        losses=tuple(rows),
        notes=_layer_notes(site),
    )


def _layer_notes(site: SiteMoments) -> tuple[str, ...]:
    """Which second moment this is, and whether measured losses are of the same."""
    notes = sorted({reader.note for reader in site.readers})
    if len(site.readers) > 1:
        notes.append(
            f"{len(site.readers)} readers: formula, floor, law and bounds are of their mean second "
            "moment; measured losses are of each reader's own, so they may pass below the floor"
        )
    return tuple(notes)


def _paper_draws(spectrum: Spectrum, budget: float, mixture: Mapping[str, Any]) -> int:
    """Draws the paper-style bound asks for, however many nodes there are."""
    from scipy.optimize import brentq

    def excess(log_ridge: float) -> float:
        return math.log(sampling_bound(spectrum, math.exp(log_ridge), **mixture).value / budget)

    # lam Tr(Q H_lam) rises from 0 to Tr(Q Sigma) with lam: far below and above every eigenvalue
    # the bound lies on both sides of a budget below Tr(Q Sigma)
    high = math.log(1e3 * spectrum.trace)
    low = math.log(spectrum.trace * budget / directions(spectrum, **mixture).trivial / 1e6)
    while excess(low) > 0.0:
        low -= 10.0
    return paper_width(spectrum, math.exp(brentq(excess, low, high, xtol=1e-9)))


def _decay(spectrum: Spectrum) -> Iterable[DecayRow]:
    """Rows at j = 1, 2, 4, ... up to the rank."""
    mu = to_numpy(spectrum.eigenvalues)
    j = 1
    while j <= spectrum.rank:
        value = float(mu[j - 1])
        tail = float(mu[j:].sum()) / spectrum.trace
        yield DecayRow(j, value, tail, float(degrees_of_freedom(spectrum, value)))
        j *= 2


def _loss_row(
    subject: _Subject,
    place: int,
    site: SiteMoments,
    width: int,
    layer: CompressedLayer,
    held_out: float,
) -> LossRow:
    """Losses of one site at one width: floor, greedy, law and bounds."""
    spectrum, theta, z = layer.spectrum, subject.theta, site.output_weights
    mixture: dict[str, Any] = {"theta": theta, "output_weights": z}
    inputs, outputs = loss_parts(volume_residual(spectrum, width), z)
    return LossRow(
        width=width,
        floor=floor(spectrum, width, **mixture).value,
        predicted=information_loss(site.cov, layer.selection.kept, **mixture),
        train=layer.measured_loss,
        held_out=held_out,
        volume_mean=theta * inputs + (1.0 - theta) * outputs,
        law=layer.law,
        law_ridge=layer.law_ridge,
        coherence=layer.coherence,
        sampled=_sampled_loss(subject, place, site, width, layer),
        four_ridge_dof=sampling_bound(spectrum, layer.law_ridge, **mixture).value,
        dof=dof_bound(spectrum, width, **mixture).value,
        volume=volume_bound(spectrum, width, **mixture).value,
        paper=paper_bound(spectrum, width, **mixture).value,
    )


def _sampled_loss(
    subject: _Subject, place: int, site: SiteMoments, width: int, layer: CompressedLayer
) -> Estimate:
    """Loss of leverage-sampled multisets with the law's ridges, measured."""
    losses = []
    for draw in range(LOSS_DRAWS):
        rng = subject.rng(0, place, width, draw)
        chosen = select_leverage(layer.spectrum, width, layer.law_ridge, rng=rng)
        loss = information_loss(
            site.cov,
            chosen.kept,
            ridge=chosen.ridge,
            theta=subject.theta,
            output_weights=site.output_weights,
        )
        losses.append(loss)
    return _estimate(losses)


def _estimate(values: Sequence[float]) -> Estimate:
    """Mean and standard error of independent draws."""
    if len(values) == 1:
        return Estimate(float(values[0]))
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return Estimate(float(np.mean(values)), error, len(values))


def _network_row(
    subject: _Subject, width: int, greedy: Compression, held_out_error: float, choices: int
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


def _unpruned(subject: _Subject, choices: int) -> NetworkRow:
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


def _generalization(subject: _Subject, network: Network, choices: int) -> tuple[Claimed, ...]:
    if subject.task is None:
        return ()
    return generalization_bounds(
        network, subject.task, subject.inputs, subject.test_inputs, choices
    )


def _train_score(subject: _Subject, network: Network) -> float | None:
    task = subject.task
    return None if task is None else task.scored(network.forward(subject.inputs), task.targets)


def _test_score(subject: _Subject, network: Network, task: Task) -> float:
    return task.scored(network.forward(subject.test_inputs), task.test_targets)


def _scores(subject: _Subject, width: int, greedy: Compression) -> dict[str, Estimate | None]:
    """Score of every method on the held-out rows; None where a method does not apply."""
    assert subject.task is not None
    scores: dict[str, Estimate | None] = {}
    for number, method in enumerate(METHODS):
        networks = list(_networks(subject, number, width, greedy))
        values = [_test_score(subject, network, subject.task) for network in networks]
        scores[method] = _estimate(values) if values else None
    return scores


def _networks(subject: _Subject, number: int, width: int, greedy: Compression) -> Iterable[Network]:
    """Networks pruned by one method: one where nothing is drawn, none where it does not apply."""
    method = METHODS[number]
    if method == "greedy":
        yield greedy.network
        return
    draws = 1 if method == "magnitude" else DRAWS
    for draw in range(draws):
        rng = subject.rng(number, width, draw)
        try:
            chosen = [
                _chosen(subject.network, method, layer, min(width, layer.size), rng)
                for layer in greedy.layers
            ]
        except InapplicableError:
            return
        yield _pruned(subject.network, greedy.layers, chosen)


def _chosen(
    network: Network, method: str, layer: CompressedLayer, width: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Distinct nodes of one site by one method; all of them where all are asked for."""
    if width == layer.size:
        return np.arange(width)
    if method == "volume":
        selection = select_volume(layer.spectrum, width, rng=rng)
    elif method == "leverage":
        selection = select_leverage(layer.spectrum, width, layer.law_ridge, rng=rng)
    elif method == "magnitude":
        selection = select_magnitude(_incoming(network, layer.site), width)
    else:
        selection = select_random(layer.size, width, rng=rng)
    return to_numpy(selection.kept)


def _incoming(network: Network, site: Site) -> NDArray[np.float64]:
    """Weights that write each node of a site, side by side: one row a node."""
    rows = [to_numpy(parametric(network, path).weight) for path in site.writers]
    return np.concatenate([weight.reshape(len(weight), -1) for weight in rows], axis=1)


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


def _notes(subject: _Subject) -> tuple[str, ...]:
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
