r"""Singular values of a weight after pruning by each method, at equal numbers of non-zeros.

Weights (64, 64): the second layer of a perceptron trained on digits, a Gaussian one, and one whose
small entries share their sign (S9, coherence 1). Weyl: no singular value moves by more than
||D||_2, D = W - Wh; Mirsky: all together move by at most ||D||_F (S1). An unbiased sampler raises
the mean of every partial sum of singular values (S7): it inflates the spectrum, where magnitude
shrinks it. Magnitude has the least ||D||_F of all, not the least ||D||_2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.coherent_weights import coherent_weights
from pruneproof.simulations.figures import BLACK, GREY, Curve, Panel, draw

from ..study import Study
from .curves import BARS, STYLES, Records, measured, values, where
from .digits import digits_network
from .layers import Floats

SIZE = 64
TITLE = f"Singular values of {SIZE} x {SIZE} weights after pruning, at equal non-zeros"
GRID: dict[str, list[Any]] = {
    "weight": ["trained", "random", "coherent"],
    "density": [0.1, 0.25, 0.5, 0.75],
}
REPLICATES = 20
QUICK: dict[str, Any] = {"grid": {**GRID, "density": [0.25, 0.5]}, "replicates": 3}
#: Methods of the figure; records hold all.
SHOWN = (
    "mean-removed", "magnitude", "threshold-poisson", "uniform", "l1", "l2", "effective-resistance",
)  # fmt: skip
_LABELS = {"mean-removed": "magnitude, mean removed"}
#: Singular values that the figure shows.
_PLACES = (0, 1, 3, 7, 15, 23, 31, 39, 47, 55, 63)


def weight_of(kind: str, rng: np.random.Generator) -> Floats:
    """The weight to be pruned; the trained one is always the same."""
    if kind == "trained":
        return np.asarray(digits_network().layers[1].weight)
    if kind == "random":
        return rng.standard_normal((SIZE, SIZE)) / math.sqrt(SIZE)
    if kind == "coherent":
        return coherent_weights(1.0, size=SIZE, rng=rng)
    raise ValueError(f"weight must be trained, random or coherent, but is {kind!r}")


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Singular values before and after, all over the largest before; norms of D, and Weyl's ratios.

    ``spectral_`` and ``frobenius_`` are ||D||/||W||, ``weyl_`` and ``mirsky_`` the shifts over
    their bounds, ``nuclear_`` the sum of the singular values over that before.
    """
    w = weight_of(parameters["weight"], rng)
    kept = max(1, round(parameters["density"] * w.size))
    before = np.linalg.svd(w, compute_uv=False)
    record: dict[str, Any] = {"before": before / before[0]}
    for name, wh in sparsified(w, kept, rng).items():
        after = np.linalg.svd(wh, compute_uv=False)
        norms = np.linalg.svd(w - wh, compute_uv=False)
        shift, total = np.abs(after - before), float(np.linalg.norm(norms))
        record |= {
            f"after_{name}": after / before[0],
            f"spectral_{name}": float(norms[0] / before[0]),
            f"frobenius_{name}": total / float(np.linalg.norm(before)),
            f"weyl_{name}": float(shift.max() / norms[0]),
            f"mirsky_{name}": float(np.linalg.norm(shift)) / total,
            f"nuclear_{name}": float(after.sum() / before.sum()),
        }
    record["bernstein"] = theory.threshold_poisson_terms(w, kept).mean / float(before[0])
    return record


def sparsified(w: Floats, kept: int, rng: np.random.Generator) -> dict[str, Floats]:
    """The weight by every method, and by magnitude with the mean of D removed."""
    found = {m: theory.sparsify(w, kept, method=m, rng=rng) for m in theory.SPARSIFIERS}
    return {"mean-removed": theory.mean_removed(w, found["magnitude"]), **found}


def figure(records: Records) -> Any:
    """Spectra at one density, a panel a weight; the spectral norm of the error against density."""
    densities = values(records, "density")
    level = min(densities, key=lambda x: abs(x - 0.25))
    panels = []
    for kind in GRID["weight"]:
        mine = where(records, weight=kind, density=level)
        if mine:
            panels.append(_spectra(mine, kind, level))
    kind = next(k for k in GRID["weight"] if k in values(records, "weight"))
    panels.append(_norms(where(records, weight=kind), kind))
    return draw(f"{TITLE}\n{BARS}", panels)


def _spectra(records: Records, kind: str, level: float) -> Panel:
    places = [p + 1 for p in _PLACES]
    before = _mean(records, "before")
    everywhere = list(range(1, SIZE + 1))
    curves = [Curve("before pruning", everywhere, list(before), "law", BLACK)]
    reach = float(np.mean([record["spectral_magnitude"] for record in records]))
    for sign, low in ((1.0, None), (-1.0, 0.0)):
        edge = [float(x) + sign * reach for x in before]
        shown = [y if low is None or y > low else None for y in edge]
        curves.append(Curve(r"Weyl: $\pm||D||_2$ of magnitude", everywhere, shown, "bound", GREY))
    for name, (colour, marker) in zip(SHOWN, STYLES):
        after = np.array([record[f"after_{name}"] for record in records])[:, list(_PLACES)]
        spread = after.std(axis=0, ddof=1) if len(after) > 1 else np.zeros(after.shape[1])
        bars = list(2.0 * spread / math.sqrt(len(after)))
        points = list(after.mean(axis=0))
        curves.append(
            Curve(_LABELS.get(name, name), places, points, "measured", colour, marker, bars)
        )
    return Panel(
        f"{kind} weight, {level:.0%} kept", "place of the singular value",
        r"singular value / largest before", curves, x_log=False, y_log=False, key="method",
    )  # fmt: skip


def _norms(records: Records, kind: str) -> Panel:
    curves = [
        measured(records, "density", f"spectral_{name}", _LABELS.get(name, name), colour, marker)
        for name, (colour, marker) in zip(SHOWN, STYLES)
    ]
    across = values(records, "density")
    bound = [float(np.mean([r["bernstein"] for r in where(records, density=x)])) for x in across]
    label = "Bernstein: mean of threshold-poisson (S6)"
    return Panel(
        f"{kind} weight: spectral norm of the error", "density", r"$||D||_2/||W||_2$",
        [Curve(label, across, bound, "bound", BLACK), *curves], x_log=False, key="method",
    )  # fmt: skip


def _mean(records: Records, entry: str) -> Floats:
    return np.asarray(np.mean([record[entry] for record in records], axis=0))


STUDY = Study("spectrum-after-pruning", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
