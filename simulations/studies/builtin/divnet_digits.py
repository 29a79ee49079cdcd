r"""Node and edge rules on a small network for scikit-learn's digits, all of them refitted.

A 64 - 100 - 10 network of logistic units (softmax loss) is pruned in its hidden layer to the same
number of parameters by each rule: k nodes, or the nearest number of edges a unit (`equal_edges`).
Divnet (Mariet and Sra, 2016 [R]) draws a k-DPP of exp(-beta |z_i - z_j|^2) + .01 I over the
pre-activations z; greedy takes the nodes of least lost output, ``theory.select_greedy``. Nodes are
fused into the outputs, edges reweighted, by least squares on the training images without
intercepts; nothing is trained again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.committee import (
    equal_edges,
    fused_outputs,
    keep_edges,
    keep_nodes,
    reweighted_edges,
)
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
from pruneproof.theory import Dense, Network

from ..study import Study
from .curves import BARS, Records, measured, values
from .digits import CLASSES, PIXELS, split
from .layers import Floats

HIDDEN, EPOCHS = 100, 60
BETA, JITTER = 10.0, 0.01
TITLE = f"Pruned digits network {PIXELS}-{HIDDEN}-{CLASSES}, logistic units, refitted"
RULES: dict[str, tuple[str, str, str]] = {
    "divnet": ("Divnet: k-DPP nodes, fused", BLUE, "o"),
    "random_node": ("random nodes, fused", SKY, "v"),
    "importance_node": ("importance nodes, fused", PURPLE, "D"),
    "greedy_node": ("greedy nodes, fused", GREEN, "^"),
    "random_edge": ("random edges, reweighted", ORANGE, "s"),
    "importance_edge": ("importance edges, reweighted", VERMILLION, "P"),
    "dpp_edge": ("k-DPP edges, reweighted", BLACK, "X"),
}
GRID: dict[str, list[Any]] = {"share": [0.2, 0.3, 0.4, 0.6, 0.8, 1.0]}
REPLICATES = 40
QUICK: dict[str, Any] = {"grid": {"share": [0.2, 0.5, 1.0]}, "replicates": 2}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Held-out errors of one trained network, pruned to one share by every rule."""
    digits = split(rng)
    start = initial((PIXELS, HIDDEN, CLASSES), "logistic", rng=rng)
    network = digits.trained(start, epochs=EPOCHS, learning_rate=0.1, rng=rng)
    kept = max(1, round(parameters["share"] * HIDDEN))
    pruned = {
        **_by_nodes(network, digits.pixels, kept, rng),
        **_by_edges(network, digits.pixels, kept, rng),
        "unpruned": network,
    }
    return {f"{name}_error": digits.error(found) for name, found in pruned.items()}


def _by_nodes(
    network: Network, x: Floats, kept: int, rng: np.random.Generator
) -> dict[str, Network]:
    """The network with `kept` hidden units by each node rule, fused."""
    hidden, last = _layers(network)
    weight, outputs = np.asarray(hidden.weight), np.asarray(last.weight)
    sums = x @ weight.T + np.asarray(hidden.bias)
    states = np.asarray(hidden.forward(x))
    gram = states.T @ states / len(x)
    kernel = theory.gaussian_kernel(sums.T, BETA / len(x), jitter=JITTER)
    chosen = {
        "divnet": keep_nodes("dpp", weight, outputs, kept, kernel=kernel, rng=rng),
        "random_node": keep_nodes("random", weight, outputs, kept, rng=rng),
        "importance_node": keep_nodes("importance", weight, outputs, kept),
        "greedy_node": np.asarray(
            theory.select_greedy(gram, kept, theta=0.0, output_weights=outputs).kept
        ),
    }
    return {
        name: Network(
            [
                Dense(weight[nodes], np.asarray(hidden.bias)[nodes], "logistic"),
                Dense(fused_outputs(outputs, gram, nodes), last.bias),
            ]
        )
        for name, nodes in chosen.items()
    }


def _by_edges(
    network: Network, x: Floats, kept: int, rng: np.random.Generator
) -> dict[str, Network]:
    """The network with as many parameters as `kept` hidden units by each edge rule, reweighted."""
    hidden, last = _layers(network)
    weight, moment = np.asarray(hidden.weight), x.T @ x / len(x)
    edges = equal_edges(kept, HIDDEN, PIXELS, readers=CLASSES)
    masks = {
        "random_edge": keep_edges("random", weight, edges, rng=rng),
        "importance_edge": keep_edges("importance", weight, edges),
        "dpp_edge": _diverse_edges(weight, x, edges, rng),
    }
    return {
        name: Network(
            [Dense(reweighted_edges(weight, mask, moment), hidden.bias, "logistic"), last]
        )
        for name, mask in masks.items()
    }


def _diverse_edges(weight: Floats, x: Floats, edges: int, rng: np.random.Generator) -> Any:
    """Edges of every unit by a k-DPP of the Gaussian kernel over its weighted inputs w_i x_i."""
    mask = np.zeros(weight.shape, dtype=bool)
    for unit, row in enumerate(weight):
        kernel = theory.gaussian_kernel((x * row).T, BETA / len(x), jitter=JITTER)
        mask[unit, theory.sample_dpp(kernel, edges, rng=rng)[0]] = True
    return mask


def _layers(network: Network) -> tuple[Dense, Dense]:
    hidden, last = network.layers
    if not (isinstance(hidden, Dense) and isinstance(last, Dense)):
        raise TypeError("the digits network has two Dense layers")
    return hidden, last


def figure(records: Records) -> Any:
    """Held-out error against the share of parameters, nodes and edges apart.

    It is the mean of all unpruned networks and what pruning added to those of this share, so that
    the bars are those of the added part.
    """
    whole = float(np.mean([record["unpruned_error"] for record in records]))
    shown = [
        {
            **record,
            **{rule: whole + record[f"{rule}_error"] - record["unpruned_error"] for rule in RULES},
        }
        for record in records
    ]
    shares = values(records, "share")
    level = Curve(f"unpruned, {whole:.4f}", [shares[0], shares[-1]], [whole, whole], "floor", GREY)
    panels = []
    for kind in ("nodes", "edges"):
        curves = [
            measured(shown, "share", rule, label, colour, marker, "joined")
            for rule, (label, colour, marker) in RULES.items()
            if kind in label
        ]
        panels.append(
            Panel(
                kind,
                "kept share of the parameters",
                "held-out error",
                [level, *curves],
                y_log=kind == "edges",
                x_log=False,
            )
        )
    return draw(f"{TITLE}\n{BARS} of what pruning adds", panels)


STUDY = Study("divnet-digits", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
