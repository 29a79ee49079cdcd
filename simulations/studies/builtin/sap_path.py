r"""Rounds of pruning and training anew: what sparsity-informed adaptive pruning (SAP) does.

Round t resets a ReLU network to its initial weights under the mask, trains it, and prunes: SAP (A8,
p = 1/2, q = 1, eta = 0, gamma = 1, beta = .9) judged by neuron, layer or network; the lottery
ticket's fifth of the smallest weights; or, once and from the first training, as many as the lottery
has pruned by then (one-shot). Diao, Wang et al., ICLR 2023. Tasks: ``trained``'s six-node teacher
(student 10-100-100-1, 1000 samples with noise) and digits (64-100-100-10).

N is the effective number of the d weights left after a training, I = 1 - N/d their PQ index. SAP
over the network keeps ceil(N) of them, so that d_{t+1} = N_t: training decides how far it comes,
and without it (T11) the weights only flatten. The hypothesis of its authors, that the index falls,
rises and falls as compression goes on, has no proof.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pruneproof import theory
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
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

ROUNDS, P, Q, SHARE = 20, 0.5, 1.0, 0.2
SAMPLES, HELD, VISITS = 1000, 4000, 60_000
HIDDEN, EPOCHS = 100, 25
#: Of the weights, in every training: without it pruning has little to find.
DECAY = {"teacher": 2e-3, "digits": 5e-4}
TASKS = {"teacher": "six-node teacher", "digits": "digits"}
TITLE = f"Networks pruned and trained anew from their initial weights, {ROUNDS} rounds"
RULES: dict[str, tuple[str, str, str]] = {
    "sap-neuron": ("SAP by neuron", BLUE, "o"),
    "sap-layer": ("SAP by layer", GREEN, "^"),
    "sap-global": ("SAP over the network", VERMILLION, "s"),
    "lottery": ("a fifth a round (lottery)", PURPLE, "D"),
    "one-shot": ("as many at once (one-shot)", ORANGE, "v"),
}
GRID: dict[str, list[Any]] = {"task": list(TASKS), "rule": list(RULES)}
REPLICATES = 8
QUICK: dict[str, Any] = {
    "grid": {"task": ["digits"], "rule": ["sap-layer", "lottery", "one-shot"]},
    "replicates": 2,
}

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
    """Densities, errors, effective numbers and indices after each training of one path."""
    name, rule = parameters["task"], parameters["rule"]
    for key, value, known in (("task", name, TASKS), ("rule", rule, RULES)):
        if value not in known:
            raise ValueError(f"{key} must be one of {', '.join(known)}, not {value!r}")
    task = teacher_task(rng) if name == "teacher" else digits_task(rng)
    masks = [np.ones(w.shape, dtype=bool) for w in weights(task.start)]
    size = left = sum(m.size for m in masks)
    first: list[Floats] = []
    found: dict[str, list[float]] = {"density": [], "error": [], "number": [], "index": []}
    for _ in range(ROUNDS):
        network = task.train(masks)
        after = weights(network)
        first = first or after
        alive = np.concatenate([w[m] for w, m in zip(after, masks)])
        found["density"].append(alive.size / size)
        found["error"].append(task.error(network))
        found["number"].append(theory.effective_number(alive, P, Q) / size)
        found["index"].append(theory.pq_index(alive, P, Q))
        left = round((1.0 - SHARE) * left)
        masks = pruned(rule, first if rule == "one-shot" else after, masks, left)
    alone = theory.sap_path(np.concatenate([w.ravel() for w in first]), ROUNDS - 1, p=P, q=Q)
    return {**found, "untrained": (alone / size).tolist()}


def pruned(rule: str, after: list[Floats], masks: Masks, left: int) -> Masks:
    """Masks of the next round; `left` weights where the rule does not say how many."""
    if rule.startswith("sap"):
        return list(theory.sap_step(after, masks, scope=rule.removeprefix("sap-"), p=P, q=Q))
    if rule == "one-shot":
        masks = [np.ones_like(m) for m in masks]
    scores = [np.where(m, np.abs(w), -1.0) for w, m in zip(after, masks)]
    flat = np.concatenate([s.ravel() for s in scores])
    level = np.partition(flat, flat.size - left)[flat.size - left]
    return [s >= level for s in scores]


def weights(network: Network) -> list[Floats]:
    """Weights (out, in) of each layer."""
    return [np.asarray(layer.weight) for layer in network.layers]


def figure(records: Records) -> Any:
    """Error and index against the density of each round, and how far SAP comes."""
    panels = []
    for entry, label in (("error", ""), ("index", "PQ index of the weights left")):
        for task in TASKS:
            what = {"teacher": "excess mean squared error", "digits": "held-out error"}[task]
            mine = by_round(where(records, task=task))
            curves = [
                _against_density(where(mine, rule=rule), rule, entry)
                for rule in RULES
                if where(mine, rule=rule)
            ]
            panels.append(
                Panel(
                    TASKS[task],
                    "share of weights left",
                    label or what,
                    curves,
                    y_log=True,
                    x_base=10,
                )
            )
    return draw(f"{TITLE}\n{BARS}", [*panels, _progress(records)])


def by_round(records: Records) -> list[dict[str, Any]]:
    """One record a round; `untrained` is what T11 leaves by then, its last where it has stopped."""
    made = []
    for record in records:
        alone = record["untrained"]
        made += [
            {
                "task": record["task"],
                "rule": record["rule"],
                "round": t,
                "log_density": math.log(record["density"][t]),
                **{name: record[name][t] for name in ("density", "error", "number", "index")},
                "untrained": alone[min(t, len(alone) - 1)],
            }
            for t in range(len(record["density"]))
        ]
    return made


def _against_density(mine: Records, rule: str, entry: str) -> Curve:
    label, colour, marker = RULES[rule]
    _, centres, errors = means(mine, "round", entry)
    _, logs, _ = means(mine, "round", "log_density")
    return Curve(label, [math.exp(x) for x in logs], centres, "joined", colour, marker, errors)


def _progress(records: Records) -> Panel:
    """Share left after each round: SAP on digits, and without training (T11)."""
    mine = by_round(where(records, task="digits")) or by_round(records)
    curves = []
    for rule, (label, colour, marker) in RULES.items():
        shown = where(mine, rule=rule)
        if shown and rule != "one-shot":
            curves.append(measured(shown, "round", "density", label, colour, marker, "joined"))
    across, centres, _ = means(mine, "round", "untrained")
    curves.append(
        Curve("SAP over the network without training (T11)", across, centres, "law", BLACK)
    )
    return Panel("digits", "round", "share of weights left", curves, x_log=False)


STUDY = Study("sap-path", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
