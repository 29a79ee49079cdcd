r"""Spectra of the hidden layers of a network before and after training: what makes them decay.

Student 10-100-100-1 of a teacher 10-6-1, n = 1000. Of each hidden layer: mu_j/mu_1 and
N(.01 mu_1) of its uncentred second moment over the sample. A lazy network keeps its spectra.
Weight decay makes the others' decay fast, from a small start or not: at .01 about two directions
are left of the second layer, and the risk is the least. Without it, training from a standard start
fits the noise and gains degrees of freedom. The rate of a lazy network is 1/alpha^2 = 1/100 of the
others', so that its decay acts as much slower. At the start the first layer's population spectrum
is that of the arc-cosine kernel of its weights, and law L6 gives N of the sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    VERMILLION,
    Curve,
    Panel,
    draw,
)
from pruneproof.theory import Network

from ..study import Study
from .curves import BARS, Records, measured, values, where
from .layers import Floats
from .trained import INPUTS, NOISE, mean_square, outputs, relu_teacher, trained, untrained

SAMPLES, TESTS, VARIANCE, VISITS = 1000, 5000, 4.0, 3e5
#: The ridge, in units of mu_1.
RIDGE = 0.01
TITLE = f"Spectra of trained layers: student 10-100-100-1 of a teacher 10-6-1, n = {SAMPLES}"
GRID: dict[str, list[Any]] = {
    "regime": ["lazy", "standard", "small"],
    "weight_decay": [1e-4, 1e-3, 3e-3, 1e-2],
}
REPLICATES = 10
QUICK: dict[str, Any] = {
    "grid": {"regime": ["lazy", "small"], "weight_decay": [1e-4, 1e-2]},
    "replicates": 3,
}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Spectra of both hidden layers before and after training, and how well it went."""
    regime = parameters["regime"]
    teacher, start = relu_teacher(VARIANCE, rng), untrained(regime, rng)
    x, fresh = rng.standard_normal((SAMPLES, INPUTS)), rng.standard_normal((TESTS, INPUTS))
    y = outputs(teacher, x) + NOISE * rng.standard_normal(SAMPLES)
    decay = float(parameters["weight_decay"])
    end = trained(start, x, y, regime=regime, decay=decay, visits=VISITS, rng=rng).network
    population = _population(start)
    record: dict[str, Any] = {
        "train_risk": mean_square(outputs(end, x) - y),
        "test_risk": mean_square(outputs(end, fresh) - outputs(teacher, fresh)) + NOISE**2,
        "first_law": float(theory.empirical_degrees_of_freedom(population, RIDGE, SAMPLES)),
        "first_spectrum_law": population.tolist(),
    }
    for when, network in (("before", start), ("after", end)):
        for layer, mu in zip(("first", "second"), _spectra(network, x)):
            record[f"{layer}_{when}"] = float(theory.degrees_of_freedom(mu, RIDGE))
            record[f"{layer}_fifth_{when}"] = float(mu[4])
            record[f"{layer}_spectrum_{when}"] = mu.tolist()
    return record


def _population(start: Network) -> Floats:
    """Exact eigenvalues mu_j/mu_1 of the untrained first layer under x ~ N(0, I)."""
    w = np.asarray(start.layers[0].weight)
    return _relative(theory.arccosine_kernel(w @ w.T))


def _spectra(network: Network, x: Floats) -> list[Floats]:
    """Eigenvalues mu_j/mu_1 of the hidden layers' second moments over the sample."""
    found = []
    for layer in network.layers[:-1]:
        x = np.asarray(layer.forward(x))
        found.append(_relative(theory.second_moment(x)))
    return found


def _relative(moment: Any) -> Floats:
    mu = np.asarray(theory.decompose(moment, vectors=False).eigenvalues)
    return np.asarray(mu / mu[0])


def figure(records: Records) -> Any:
    """Spectra of each layer, and N and the risks against the weight decay."""
    panels = [_spectrum_panel(records, layer) for layer in ("first", "second")]
    panels += [_dof_panel(records, layer) for layer in ("first", "second")]
    return draw(f"{TITLE}\n{BARS}", [*panels, _risk_panel(records)])


def _spectrum_panel(records: Records, layer: str) -> Panel:
    """Medians over the replicates of mu_j/mu_1."""
    m = len(records[0][f"{layer}_spectrum_before"])
    ranks = sorted({min(round(10.0 ** (d / 8)), m) for d in range(8 * 3)})
    low, high = values(records, "weight_decay")[0], values(records, "weight_decay")[-1]

    def spectrum(mine: Records, name: str, colour: str, marker: str, when: str = "after") -> Curve:
        mu = np.array([record[f"{layer}_spectrum_{when}"] for record in mine])
        centre = np.median(mu, axis=0)
        shown = [float(centre[j - 1]) if centre[j - 1] > 1e-8 else None for j in ranks]
        return Curve(name, ranks, shown, "law" if when == "law" else "measured", colour, marker)

    plain = [record for record in records if record["regime"] != "lazy"] or records
    curves = [spectrum(plain, "before training", BLACK, "x", "before")]
    if layer == "first":
        curves.append(spectrum(records, "before training, population", GREY, "", "law"))
    for regime, decay, colour, marker in (
        ("lazy", low, BLUE, "o"),
        ("small", low, ORANGE, "D"),
        ("small", high, VERMILLION, "s"),
    ):
        if mine := where(records, regime=regime, weight_decay=decay):
            name = f"{regime}, decay {decay:g}"
            curves.append(spectrum(mine, name, colour, marker))
    x, y = "rank j of the eigenvalue", r"eigenvalue $\mu_j$ (units of $\mu_1$)"
    return Panel(f"{layer} layer: spectrum", x, y, curves, key="medians of spectra", x_base=10)


_REGIMES = {"lazy": (BLUE, "o"), "standard": (GREEN, "^"), "small": (VERMILLION, "s")}


def _dof_panel(records: Records, layer: str) -> Panel:
    """N after training, a curve a regime, and before: nodes of a lazy network start in pairs."""
    curves = []
    for regime in values(records, "regime"):
        mine, (colour, marker) = where(records, regime=regime), _REGIMES[regime]
        entry = f"{layer}_after"
        curves.append(measured(mine, "weight_decay", entry, regime, colour, marker, "joined"))
    plain = [record for record in records if record["regime"] != "lazy"]
    for mine, name, colour in (
        (plain, "before training", BLACK),
        (where(records, regime="lazy"), "before training, lazy", SKY),
    ):
        if mine:
            curves.append(measured(mine, "weight_decay", f"{layer}_before", name, colour, "x"))
    decays = values(records, "weight_decay")
    if layer == "first":
        law = float(np.mean([record["first_law"] for record in records]))
        ends = [decays[0], decays[-1]]
        curves.append(Curve("before training, law (L6)", ends, [law] * 2, "law", GREY))
    y = r"degrees of freedom $N(.01\,\mu_1)$ (nodes)"
    title = f"{layer} layer: degrees of freedom"
    return Panel(title, "weight decay", y, curves, y_log=False, x_base=10, key="regimes")


def _risk_panel(records: Records) -> Panel:
    """Mean squared errors on fresh samples, and pale on the sample."""
    curves = []
    for regime in values(records, "regime"):
        mine, (colour, marker) = where(records, regime=regime), _REGIMES[regime]
        curves.append(measured(mine, "weight_decay", "test_risk", regime, colour, marker, "joined"))
        train = measured(mine, "weight_decay", "train_risk", regime)
        curves.append(replace(train, colour=colour, marker=marker, kind="joined", faint=True))
    return Panel(
        "mean squared error, fresh and (pale) on the sample",
        "weight decay",
        f"risk (target variance {VARIANCE:g})",
        curves,
        x_base=10,
        key="regimes",
        limit=NOISE**2,
        limit_label="variance of the noise",
    )


STUDY = Study("feature-learning", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
