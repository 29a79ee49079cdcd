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
        Half-lengths of the error bars, or pairs: how far each reaches down and up.
    faint : bool
        Drawn half transparent, for what is to be distrusted.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    kind: Kind = "joined"
    colour: str = BLUE
    marker: str = "o"
    error: Sequence[float | tuple[float, float] | None] | None = None
    faint: bool = False


@dataclass(frozen=True)
class Panel:
    """Axes with their curves.

    Attributes
    ----------
    title, x_label, y_label : str
    curves : sequence of Curve
    y_log, x_log : bool
        Whether the axes are logarithmic, the one across to base `x_base`.
    limit, limit_label
        A level drawn in grey, and its name.
    key : str
        Panels of equal key share one legend, which has it as its title.
    """

    title: str
    x_label: str
    y_label: str
    curves: Sequence[Curve]
    y_log: bool = True
    x_base: int = 2
    limit: float | None = None
    limit_label: str = ""
    key: str = ""
    x_log: bool = True


def layer_colour(number: int) -> str:
    """Colour of the layer of that number."""
    return _CYCLE[number % len(_CYCLE)]


def draw(title: str, panels: Sequence[Panel]) -> Any:
    """Figure of `panels` in rows of three, the cell after the last one holding the legends.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows = len(panels) // 3 + 1
    with rc_context(_STYLE):
        figure = Figure(figsize=(11.0, 3.4 * rows + 0.3), layout="constrained")
        figure.suptitle(title, fontsize=10)
        axes = list(figure.subplots(rows, 3, squeeze=False).flat)
        for place, (ax, panel) in enumerate(zip(axes, panels)):
            _draw_panel(ax, panel, chr(ord("a") + place))
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        _legends(axes[len(panels)], axes, panels)
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
    "svg.hashsalt": "pruneproof",
}


def _draw_panel(ax: Any, panel: Panel, letter: str) -> None:
    for curve in panel.curves:
        _draw_curve(ax, curve)
    if panel.x_log:
        ax.set_xscale("log", base=panel.x_base)
    if panel.x_log and panel.x_base == 2:
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    if panel.y_log:
        ax.set_yscale("log")
    if panel.limit is not None:
        ax.axhline(panel.limit, color=GREY, linewidth=0.8, zorder=1)
        ax.annotate(
            panel.limit_label,
            (0.0, panel.limit),
            xycoords=("axes fraction", "data"),
            xytext=(3, 2),
            textcoords="offset points",
            fontsize=7,
            color=GREY,
        )
    ax.set_title(f"({letter}) {panel.title}", loc="left")
    ax.set_xlabel(panel.x_label)
    ax.set_ylabel(panel.y_label)
    ax.grid(True, which="major", color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)


def _draw_curve(ax: Any, curve: Curve) -> None:
    shown = [i for i, y in enumerate(curve.y) if y is not None]
    errors = curve.error
    bars = None if errors is None else list(zip(*(_reach(errors[i]) for i in shown)))
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
        alpha=0.4 if curve.faint else 1.0,
        elinewidth=1.0,
        capsize=2.0,
        zorder=3 if marked else 2,
    )


def _reach(error: float | tuple[float, float] | None) -> tuple[float, float]:
    """How far an error bar reaches down and up."""
    return error if isinstance(error, tuple) else (error or 0.0, error or 0.0)


def _legends(cell: Any, axes: Sequence[Any], panels: Sequence[Panel]) -> None:
    """One legend for each key, below one another in an empty cell."""
    keys = list(dict.fromkeys(panel.key for panel in panels))
    top = 1.0
    for key in keys:
        entries: dict[str, Any] = {}
        for ax, panel in zip(axes, panels):
            if panel.key == key:
                for handle, label in zip(*ax.get_legend_handles_labels()):
                    entries.setdefault(label, handle)
        long = len(entries) > 6 or max(map(len, entries), default=0) > 24
        narrow = long and len(entries) <= 12  # more do not fit below one another
        legend = cell.legend(
            list(entries.values()),
            list(entries),
            title=key,
            loc="upper left",
            bbox_to_anchor=(0.0, top),
            alignment="left",
            frameon=False,
            ncols=1 if narrow else 2,
            borderaxespad=0.0,
        )
        legend.set_in_layout(False)
        if key != keys[-1]:  # the axes themselves draw the last one
            cell.add_artist(legend)
        shown = -(-len(entries) // (1 if narrow else 2))
        top -= 0.062 * (shown + 1) + 0.03


def rendered(figure: Any, kind: Literal["svg", "png"]) -> bytes:
    """The figure as the bytes of a file; the same figure gives the same bytes."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context(_STYLE):
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=200, metadata=metadata)
    return buffer.getvalue()
