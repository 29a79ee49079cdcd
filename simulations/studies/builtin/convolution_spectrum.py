r"""Singular values of a convolution against those of its reshaped kernel, before and after pruning.

Kernels (6, 6, 3, 3), stride 1, magnitude pruned. R is the kernel reshaped to (6, 54), Rt the same
with its channel axes swapped: ||circular||_2 lies between max(||R||, ||Rt||) and 3 min(||R||,
||Rt||), and pruning moves the convolution's norm by at most 3 ||R - Rh||_2 (S10). Zero padding on
n x n positions has at most the norm of the circular convolution on n + 1 positions each way, not of
that on n (S11). Kernels: Gaussian; coherent (the small entries share their sign, as in S9); smooth
(the same low-pass mask for all pairs of channels), whose norm is near the upper end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.coherent_weights import coherent_weights
from pruneproof.simulations.figures import BLACK, BLUE, GREEN, GREY, VERMILLION, Curve, Panel, draw

from ..study import Study
from .curves import BARS, Records, measured, styled, values, where
from .layers import Floats

CHANNELS, SIZE = 6, 3
TITLE = f"Convolutions of {CHANNELS} channels, {SIZE} x {SIZE} kernels, pruned by magnitude"
GRID: dict[str, list[Any]] = {
    "kernel": ["gaussian", "coherent", "smooth"],
    "grid": [6, 12],
    "density": [0.1, 0.2, 0.4, 0.7],
}
REPLICATES = 10
QUICK: dict[str, Any] = {"grid": {**GRID, "grid": [4, 6], "density": [0.2, 0.7]}, "replicates": 3}
#: Points at which the figure shows a spectrum.
_POINTS = 24


def kernel_of(kind: str, rng: np.random.Generator) -> Floats:
    """Random kernel (out, in, kh, kw) of Frobenius norm 1."""
    shape = (CHANNELS, CHANNELS, SIZE, SIZE)
    if kind == "gaussian":
        k = rng.standard_normal(shape)
    elif kind == "coherent":
        side = CHANNELS * SIZE
        square = coherent_weights(1.0, size=side, rng=rng)
        k = np.moveaxis(square.reshape(CHANNELS, SIZE, CHANNELS, SIZE), 1, 2)
    elif kind == "smooth":
        mask = np.outer([1.0, 2.0, 1.0], [1.0, 2.0, 1.0])
        k = rng.standard_normal(shape[:2])[:, :, None, None] * mask
        k = k + 0.1 * rng.standard_normal(shape)
    else:
        raise ValueError(f"kernel must be gaussian, coherent or smooth, but is {kind!r}")
    return np.asarray(k / np.linalg.norm(k))


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Spectra before and after, norms, and the norm of the difference over ||R - Rh||_2."""
    n = int(parameters["grid"])
    before = kernel_of(parameters["kernel"], rng)
    kept = max(1, round(parameters["density"] * before.size))
    after = theory.sparsify(before, kept, method="magnitude")
    record: dict[str, Any] = {}
    for when, k in (("before", before), ("after", after), ("difference", before - after)):
        circular = theory.convolution_singular_values(k, n)
        zero = theory.convolution_singular_values(k, n, padding="zero")
        reshaped = np.linalg.svd(k.reshape(CHANNELS, -1), compute_uv=False)
        ends = theory.reshaped_norms(k)
        record |= {
            f"low_{when}": float(circular[0] / max(ends)),
            f"circular_{when}": float(circular[0] / min(ends)),
            f"zero_{when}": float(zero[0] / min(ends)),
            f"padded_{when}": float(zero[0] / circular[0]),
            f"roomy_{when}": float(zero[0] / theory.convolution_singular_values(k, n + 1)[0]),
        }
        if when != "difference":
            record |= {
                f"spectrum_circular_{when}": _thinned(circular),
                f"spectrum_zero_{when}": _thinned(zero),
                f"spectrum_reshaped_{when}": _thinned(np.repeat(reshaped, n * n)),
            }
    return record


def _thinned(spectrum: Floats) -> Floats:
    """The spectrum at _POINTS places, evenly from the first to the last."""
    places = np.linspace(0, spectrum.size - 1, _POINTS).round().astype(np.int64)
    return np.asarray(spectrum[places])


def figure(records: Records) -> Any:
    """Spectra of one kind of kernel; norms over those of the reshaped kernel against density."""
    n, densities = max(values(records, "grid")), values(records, "density")
    level = min(densities, key=lambda x: abs(x - 0.2))
    kinds = [kind for kind in GRID["kernel"] if kind in values(records, "kernel")]
    panels = [_spectra(where(records, kernel=kinds[-1], grid=n, density=level), kinds[-1], level)]
    mine, ends = where(records, grid=n), [densities[0], densities[-1]]
    for entry, name in (("after", "pruned kernel"), ("difference", "removed part")):
        curves = [
            Curve(f"S10: at most {SIZE}, at least 1", ends, [float(SIZE)] * 2, "bound", BLACK),
            Curve(f"S10: at most {SIZE}, at least 1", ends, [1.0, 1.0], "bound", BLACK),
        ]
        for kind, colour, marker in styled(mine, "kernel"):
            group = where(mine, kernel=kind)
            label = f"{kind}, n = {n}"
            curves.append(measured(group, "density", f"circular_{entry}", label, colour, marker))
        y = r"convolution's norm / min$(||R||_2, ||R_t||_2)$"
        panels.append(
            Panel(f"{name}: norms", "density", y, curves, y_log=False, x_log=False, key="norms")
        )
    panels.append(_paddings(records, densities))
    return draw(f"{TITLE}\n{BARS}", panels)


def _spectra(records: Records, kind: str, level: float) -> Panel:
    share = [float(x) for x in np.linspace(0.0, 1.0, _POINTS)]
    curves = []
    for entry, name, colour, marker in (
        ("circular", "circular", BLUE, "o"),
        ("zero", "zero-padded", VERMILLION, "s"),
        ("reshaped", "reshaped kernel, repeated", GREEN, "^"),
    ):
        for when in ("before", "after"):
            spectrum = [record[f"spectrum_{entry}_{when}"] for record in records]
            y = [float(value) for value in np.mean(spectrum, axis=0)]
            if when == "before":
                curves.append(Curve(f"{name}, before", share, y, "law", colour))
                continue
            error = 2.0 * np.std(spectrum, axis=0) / np.sqrt(max(1, len(spectrum) - 1))
            bars = [float(value) for value in error]
            curves.append(Curve(f"{name}, pruned", share, y, "measured", colour, marker, bars))
    title = f"{kind} kernel, {level:.0%} kept"
    return Panel(
        title, "place / number of singular values", "singular value", curves,
        x_log=False, y_log=False, key="singular values",
    )  # fmt: skip


def _paddings(records: Records, densities: list[float]) -> Panel:
    curves = [Curve("S11: at most 1", [densities[0], densities[-1]], [1.0, 1.0], "bound", GREY)]
    for n, colour, marker in styled(records, "grid"):
        mine = where(records, grid=n)
        curves.append(measured(mine, "density", "roomy_after", f"n = {n}", colour, marker))
    return Panel(
        "pruned, zero-padded", "density", "zero-padded on n / circular on n + 1", curves,
        y_log=False, x_log=False, key="zero padding",
    )  # fmt: skip


STUDY = Study("convolution-spectrum", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
