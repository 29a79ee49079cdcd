"""Figures: spectra, losses against width, scores against width.

One grammar for all curves: a bound is dashed, a law is solid, the floor is dotted, a measurement
is markers. Colours are Okabe and Ito's, which colour-blind readers tell apart. Matplotlib is
imported where it draws, with no window system.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#7F7F7F"
_CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)

Kind = Literal["bound", "law", "floor", "measured", "joined"]
_LINES = {"bound": "--", "law": "-", "floor": ":", "measured": "none", "joined": "-"}


@dataclass(frozen=True)
class Curve:
    """One curve of a panel.

    Attributes
    ----------
    label : str
        Text in the legend; curves of equal label share one entry.
    x, y : sequences of the same length
        An entry of `y` may be None where there is nothing to show.
    kind : str
        ``bound`` (dashed), ``law`` (solid), ``floor`` (dotted), ``measured`` (markers), or
        ``joined`` (markers joined by a line).
    colour, marker : str
    error : sequence or None
        Half-lengths of the error bars.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    kind: Kind = "joined"
    colour: str = BLUE
    marker: str = "o"
    filled: bool = True
    error: Sequence[float | None] | None = None


@dataclass(frozen=True)
class Panel:
    """Axes with their curves; `limit` is a level drawn in grey and named by `limit_label`."""

    title: str
    x_label: str
    y_label: str
    curves: Sequence[Curve]
    y_log: bool = True
    limit: float | None = None
    limit_label: str = ""
    y_range: tuple[float, float] | None = None


def spectrum_panel(names: Sequence[str], spectra: Sequence[Sequence[float]]) -> Panel:
    """Eigenvalues of each layer as shares of its total variance, on logarithmic axes.

    Eigenvalues at rounding level (below 1e-12 of the total) are left out.
    """
    curves = []
    for number, (name, spectrum) in enumerate(zip(names, spectra)):
        total = sum(spectrum)
        shares = [mu / total for mu in spectrum if mu > 1e-12 * total]
        curves.append(
            Curve(name, range(1, len(shares) + 1), shares, "law", _CYCLE[number % len(_CYCLE)])
        )
    return Panel(
        "Spectrum of the hidden layers",
        "index $j$",
        r"$\mu_j\,/\,\mathrm{Tr}\,\Sigma$",
        curves,
    )


def draw(title: str, panels: Sequence[Panel], groups: Sequence[Sequence[int]]) -> Any:
    """Figure of `panels` in a grid; each group of panel numbers has one legend under the grid.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    columns = 2 if len(panels) <= 4 else 3
    rows = -(-len(panels) // columns)
    with rc_context(_STYLE):
        figure = Figure(figsize=(4.1 * columns, 3.1 * rows + 1.0), layout="constrained")
        figure.suptitle(title, fontsize=10)
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for ax, panel, letter in zip(axes, panels, "abcdefghijklmnopqrstuvwxyz"):
            _draw_panel(ax, panel, letter)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        for group in groups:
            _legend_below(figure, [axes[i] for i in group])
    return figure


_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "pruneproof",
}


def _draw_panel(ax: Any, panel: Panel, letter: str) -> None:
    for curve in panel.curves:
        _draw_curve(ax, curve)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    if panel.y_log:
        ax.set_yscale("log")
    if panel.y_range is not None:
        ax.set_ylim(*panel.y_range)
    if panel.limit is not None:
        ax.axhline(panel.limit, color=GREY, linewidth=0.8, zorder=0)
        ax.annotate(
            panel.limit_label,
            (0.99, panel.limit),
            xycoords=("axes fraction", "data"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            fontsize=7,
            color=GREY,
        )
    ax.set_title(f"({letter}) {panel.title}", loc="left")
    ax.set_xlabel(panel.x_label)
    ax.set_ylabel(panel.y_label)
    ax.grid(True, which="major", color="0.9", linewidth=0.6)


def _draw_curve(ax: Any, curve: Curve) -> None:
    shown = [i for i, y in enumerate(curve.y) if y is not None]
    errors = curve.error
    bars = None if errors is None else [errors[i] or 0.0 for i in shown]
    marked = curve.kind in ("measured", "joined")
    ax.errorbar(
        [curve.x[i] for i in shown],
        [curve.y[i] for i in shown],
        yerr=bars,
        label=curve.label,
        color=curve.colour,
        linestyle=_LINES[curve.kind],
        linewidth=1.3,
        marker=curve.marker if marked else "none",
        markersize=4.5,
        markerfacecolor=curve.colour if curve.filled else "white",
        elinewidth=1.0,
        capsize=2.0,
        zorder=3 if marked else 2,
    )


def _legend_below(figure: Any, axes: Sequence[Any]) -> None:
    entries: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels()):
            entries.setdefault(label, handle)
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="outside lower center",
        ncols=4,
        frameon=False,
    )


def rendered(figure: Any, kind: Literal["svg", "png"]) -> bytes:
    """The figure as the bytes of a file; the same figure gives the same bytes."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context(_STYLE):
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=200, metadata=metadata)
    return buffer.getvalue()
