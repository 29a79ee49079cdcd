"""The figure of an audit: spectra, degrees of freedom, losses against width, scores."""

from __future__ import annotations

from typing import Any

import numpy as np

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
    layer_colour,
)
from pruneproof.theory.laws import COHERENCE_WARNING
from pruneproof.theory.spectrum import degrees_of_freedom

from .audit_data import Audit, LayerAudit

_METHOD_LOOKS = {
    "greedy": (BLUE, "o"),
    "leverage": (ORANGE, "s"),
    "volume": (GREEN, "^"),
    "magnitude": (PURPLE, "D"),
    "random": (GREY, "v"),
}


def audit_figure(audit: Audit) -> Any:
    """Figure of an audit, a matplotlib Figure."""
    panels = [_spectra(audit), _degrees(audit)]
    panels += [_losses(layer) for layer in audit.layers if layer.losses]
    if audit.score:
        panels.append(_scores(audit))
    title = (
        f"{audit.name}: {audit.train_rows} rows, {audit.test_rows} held out, "
        f"$\\theta$ = {audit.theta:g}"
    )
    return draw(title, panels)


def _spectra(audit: Audit) -> Panel:
    """Eigenvalues as shares of the trace; those at rounding level are left out."""
    curves = []
    for number, layer in enumerate(audit.layers):
        shares = [mu / layer.trace for mu in layer.eigenvalues[: layer.rank]]
        indices = [float(j) for j in range(1, len(shares) + 1)]
        curves.append(Curve(layer.name, indices, shares, "law", layer_colour(number)))
    y = r"eigenvalue $\mu_j\,/\,\mathrm{Tr}\,\Sigma$"
    return Panel("Spectrum", "index $j$", y, curves, key="layers")


def _degrees(audit: Audit) -> Panel:
    """N(lam) over the range of the eigenvalues."""
    curves = []
    for number, layer in enumerate(audit.layers):
        mu = np.asarray(layer.eigenvalues)
        ridges = np.geomspace(mu[0] * 10.0, max(mu[layer.rank - 1], mu[0] * 1e-8), 60)
        dof = degrees_of_freedom(mu, ridges)
        curves.append(
            Curve(
                layer.name,
                [float(ridge) for ridge in ridges / layer.trace],
                [float(value) for value in dof],
                "law",
                layer_colour(number),
            )
        )
    return Panel(
        "Degrees of freedom",
        r"ridge $\lambda\,/\,\mathrm{Tr}\,\Sigma$",
        r"$N(\lambda)$ (nodes)",
        curves,
        x_base=10,
        key="layers",
    )


def _losses(layer: LayerAudit) -> Panel:
    """Floor, law, bounds and measured losses of one layer, as shares of Tr(Q Sigma)."""
    widths = [float(row.width) for row in layer.losses]

    def share(name: str) -> list[float | None]:
        values = [getattr(row, name) / layer.trivial for row in layer.losses]
        return [value if value > 0.0 else None for value in values]

    law = share("law")
    chi = [row.coherence for row in layer.losses]
    trusted = [value if c <= COHERENCE_WARNING else None for value, c in zip(law, chi)]
    sampled = [row.sampled.mean / layer.trivial for row in layer.losses]
    errors = [row.sampled.error / layer.trivial for row in layer.losses]
    curves = [
        Curve("paper-style bound (P1)", widths, share("paper"), "bound", SKY),
        Curve("volume bound (D6)", widths, share("volume"), "bound", PURPLE),
        Curve("$N(\\lambda)$ nodes suffice (X1)", widths, share("dof"), "bound", VERMILLION),
        Curve("law of leverage sampling", widths, trusted, "law", ORANGE),
        Curve(
            f"the same where $\\chi$ > {COHERENCE_WARNING:g}",
            widths,
            law,
            "law",
            ORANGE,
            faint=True,
        ),
        Curve("leverage, measured", widths, sampled, "measured", ORANGE, "s", error=errors),
        Curve("mean of volume sampling (I7)", widths, share("volume_mean"), "law", GREEN),
        Curve("greedy, train", widths, share("train"), "measured", BLUE),
        Curve("greedy, held out", widths, share("held_out"), "measured", BLACK, "x"),
        Curve("floor (D2)", widths, share("floor"), "floor", BLACK),
    ]
    return Panel(
        f"Loss of {layer.name} ({layer.width} nodes)",
        "width (nodes kept)",
        r"loss $L^\theta\,/\,\mathrm{Tr}(Q\Sigma)$",
        curves,
        limit=1.0,
        limit_label="above: vacuous",
        key="losses",
    )


def _scores(audit: Audit) -> Panel:
    """Score on the held-out rows by every method, all hidden layers pruned."""
    curves = []
    accuracy = audit.score == "accuracy"
    factor = 100.0 if accuracy else 1.0
    widths = [float(row.width) for row in audit.rows]
    for method, (colour, marker) in _METHOD_LOOKS.items():
        means = [factor * row.scores[method].mean for row in audit.rows]
        errors = [factor * row.scores[method].error for row in audit.rows]
        curves.append(Curve(method, widths, means, "joined", colour, marker, error=errors))
    whole = audit.unpruned.scores["greedy"]
    return Panel(
        "All hidden layers pruned",
        "width of every hidden layer (nodes kept)",
        "held-out accuracy (%)" if accuracy else "held-out mean squared error",
        curves,
        y_log=not accuracy,
        limit=factor * whole.mean,
        limit_label="unpruned",
        key="methods",
    )
