r"""Rounds of pruning and training anew: what sparsity-informed adaptive pruning (SAP) does.

Round t resets a ReLU network to its initial weights under the mask, trains it, and prunes: SAP (A8,
eta = 0, gamma = 1, beta = .9) judged by neuron, layer or network, with the orders p = 1, q = 2 or
p = 1/2, q = 1 of its authors; the lottery ticket's fifth of the smallest weights; or, once and from
the first training, as many as the lottery has pruned by then (one-shot). Diao, Wang et al., ICLR
2023. Tasks: the six-node teacher of ``trained`` (student 10-100-100-1, 1000 samples with noise),
and digits (64-100-100-10). All rules share data, initial weights and first training.

N is the effective number of the d weights left after a training, 1 - (N/d)^{1/p-1/q} their PQ
index. SAP over the network keeps ceil(N) of them, d_{t+1} = N_t: it is exactly as fast as its
weights are unequal. T11 is the same without training, on the weights of the first one. The
hypothesis of its authors, that the index falls, rises and falls as compression goes on, has no
proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pruneproof import theory
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Curve,
    Panel,
    draw,
)
from pruneproof.simulations.students import initial
from pruneproof.theory import Network

from ..study import Study
from . import trained as student
from .curves import BARS, Records, means, measured, where
from .digits import CLASSES, PIXELS, split
from .layers import Floats

ROUNDS, SHARE = 20, 0.2
SAMPLES, HELD, VISITS = 1000, 4000, 60_000
HIDDEN, EPOCHS = 100, 25
#: Of the weights, in every training: without it pruning has little to find.
DECAY = {"teacher": 2e-3, "digits": 5e-4}
TASKS = {"teacher": "six-node teacher", "digits": "digits"}
TITLE = f"Networks pruned and trained anew from their initial weights, {ROUNDS} rounds"
#: Label, colour and marker of each rule.
RULES: dict[str, tuple[str, str, str]] = {
    "neuron-1-2": ("SAP by neuron, $p=1$, $q=2$", BLUE, "o"),
    "layer-1-2": ("SAP by layer, $p=1$, $q=2$", GREEN, "^"),
    "global-1-2": ("SAP over the network, $p=1$, $q=2$", VERMILLION, "s"),
    "global-.5-1": ("SAP over the network, $p=1/2$, $q=1$", SKY, "P"),
    "lottery": ("a fifth a round (lottery)", PURPLE, "D"),
    "one-shot": ("as many at once (one-shot)", ORANGE, "v"),
}
#: Scope, p and q of those that are SAP.
SETTINGS: dict[str, tuple[str, float, float]] = {
    "neuron-1-2": ("neuron", 1.0, 2.0),
    "layer-1-2": ("layer", 1.0, 2.0),
    "global-1-2": ("global", 1.0, 2.0),
    "global-.5-1": ("global", 0.5, 1.0),
}
GRID: dict[str, list[Any]] = {"task": list(TASKS)}
REPLICATES = 8
QUICK: dict[str, Any] = {"grid": {"task": ["digits"]}, "replicates": 2}

Masks = list[NDArray[np.bool_]]


class Task(NamedTuple):
    """A network to start from, training under masks, and the held-out error."""

    start: Network
    train: Callable[[Masks], Network]
    error: Callable[[Network], float]


def teacher_task(rng: np.random.Generator) -> Task:
    """Noisy samples of a teacher of variance 1; the error is the mean square to its outputs."""
    teacher = student.relu_teacher(1.0, rng)
    x = rng.standard_normal((SAMPLES, student.INPUTS))
    y = student.outputs(teacher, x) + student.NOISE * rng.standard_normal(SAMPLES)
    held = rng.standard_normal((HELD, student.INPUTS))
    wanted = student.outputs(teacher, held)
    start = student.untrained("standard", rng)

    def train(masks: Masks) -> Network:
        return student.trained(
            start, x, y, regime="standard", decay=DECAY["teacher"], visits=VISITS, masks=masks,
            rng=rng,
        ).network  # fmt: skip

    return Task(start, train, lambda net: student.mean_square(student.outputs(net, held) - wanted))


def digits_task(rng: np.random.Generator) -> Task:
    """The digits; the error is the share of images misread."""
    digits = split(rng)
    start = initial((PIXELS, HIDDEN, HIDDEN, CLASSES), "relu", rng=rng)

    def train(masks: Masks) -> Network:
        return digits.trained(
            start, epochs=EPOCHS, learning_rate=0.05, weight_decay=DECAY["digits"], masks=masks,
            rng=rng,
        )  # fmt: skip

    return Task(start, train, digits.error)


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Densities, errors and PQ indices after each training, of every rule on one network."""
    name = parameters["task"]
    if name not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, not {name!r}")
    task = teacher_task(rng) if name == "teacher" else digits_task(rng)
    whole = [np.ones(w.shape, dtype=bool) for w in weights(task.start)]
    first = task.train(whole)
    flat = np.concatenate([w.ravel() for w in weights(first)])
    found: dict[str, Any] = {}
    for rule in RULES:
        found |= path(rule, task, first, whole)
    for p, q in sorted({(p, q) for _, p, q in SETTINGS.values()}):
        left = theory.sap_path(flat, ROUNDS - 1, p=p, q=q) / flat.size
        found[f"untrained-{p:g}-{q:g}"] = left.tolist()
    return found


def path(rule: str, task: Task, first: Network, whole: Masks) -> dict[str, list[float]]:
    """ROUNDS trainings and the prunings between them; `first` is the training of everything."""
    size = left = sum(m.size for m in whole)
    masks, network = whole, first
    found: dict[str, list[float]] = {"density": [], "error": [], "index": []}
    for turn in range(ROUNDS):
        if turn:
            left = round((1.0 - SHARE) * left)
            masks = pruned(rule, weights(network), masks, left)
            network = task.train(masks)
        alive = np.concatenate([w[m] for w, m in zip(weights(network), masks)])
        found["density"].append(alive.size / size)
        found["error"].append(task.error(network))
        found["index"].append(theory.pq_index(alive, 1.0, 2.0))
        if rule == "one-shot":
            masks, network = whole, first
    return {f"{rule} {entry}": values for entry, values in found.items()}


def pruned(rule: str, after: list[Floats], masks: Masks, left: int) -> Masks:
    """Masks of the next round; `left` weights where the rule does not say how many."""
    if rule in SETTINGS:
        scope, p, q = SETTINGS[rule]
        return list(theory.sap_step(after, masks, scope=scope, p=p, q=q))
    scores = [np.where(m, np.abs(w), -1.0) for w, m in zip(after, masks)]
    flat = np.concatenate([s.ravel() for s in scores])
    level = np.partition(flat, flat.size - left)[flat.size - left]
    return [s >= level for s in scores]


def weights(network: Network) -> list[Floats]:
    """Weights (out, in) of each layer."""
    return [np.asarray(layer.weight) for layer in network.layers]


def figure(records: Records) -> Any:
    """Error, index and effective number against the density, and how far SAP comes."""
    errors = {"teacher": "excess mean squared error", "digits": "held-out error"}
    labels = {
        "index": r"PQ index $I_{1,2}$ of the weights left",
        "effective": r"effective number $N_{1,2}$ / all weights",
    }
    records = [_with_effective_numbers(record) for record in records]
    panels = [
        Panel(
            TASKS[task],
            "share of weights left",
            errors[task] if entry == "error" else labels[entry],
            [_against_density(mine, rule, entry) for rule in RULES],
            x_base=10,
        )
        for entry in ("error", "index", "effective")
        for task in TASKS
        if (mine := where(records, task=task))
    ]
    return draw(f"{TITLE}\n{BARS}", [*panels, _progress(records)])


def _with_effective_numbers(record: Mapping[str, Any]) -> dict[str, Any]:
    """N_{1,2} = d (1 - I_{1,2})^2 of the d weights left, as a share of all."""
    found = dict(record)
    for rule in RULES:
        pairs = zip(record[f"{rule} density"], record[f"{rule} index"])
        found[f"{rule} effective"] = [density * (1.0 - index) ** 2 for density, index in pairs]
    return found


def by_round(records: Records, name: str) -> list[dict[str, Any]]:
    """One record a round of an entry; where a path has stopped, its last value."""
    return [
        {"round": t, name: record[name][min(t, len(record[name]) - 1)]}
        for record in records
        for t in range(ROUNDS)
    ]


def _against_density(mine: Records, rule: str, entry: str) -> Curve:
    label, colour, marker = RULES[rule]
    density, entry = f"{rule} density", f"{rule} {entry}"
    _, across, _ = means(by_round(mine, density), "round", density)
    _, centres, errors = means(by_round(mine, entry), "round", entry)
    return Curve(label, across, centres, "joined", colour, marker, errors)


def _progress(records: Records) -> Panel:
    """Share left after each round on digits, and by SAP without training (T11)."""
    mine = where(records, task="digits") or records
    curves = []
    for rule, (label, colour, marker) in RULES.items():
        if rule != "one-shot":
            name = f"{rule} density"
            curves.append(
                measured(by_round(mine, name), "round", name, label, colour, marker, "joined")
            )
    for name, label, colour in (
        ("untrained-1-2", "T11: without training, $p=1$, $q=2$", BLACK),
        ("untrained-0.5-1", "T11: without training, $p=1/2$, $q=1$", GREY),
    ):
        across, centres, _ = means(by_round(mine, name), "round", name)
        curves.append(Curve(label, across, centres, "law", colour))
    return Panel("digits", "round", "share of weights left", curves, x_log=False)


STUDY = Study("sap-path", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
