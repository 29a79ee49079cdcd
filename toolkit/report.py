"""Report of an audit: tables for the terminal (at most 100 columns), and JSON.

Losses are shown as a percentage of the trivial loss Tr(Q Sigma) of their layer. A bound that says
no more than its trivial value is printed as VACUOUS.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pruneproof.theory.laws import COHERENCE_WARNING

from .audit_data import Audit, Claimed, Estimate, LayerAudit, LossRow, NetworkRow

#: Shares below this are rounding: a loss is a difference of traces, exact to eps * m.
ROUNDING = 1e-12
SCHEMA = "pruneproof.audit/1"
WIDTH = 100
VACUOUS = Text("VACUOUS", style="magenta")

#: Rules of the advised widths, as the table calls them.
_RULES = {
    "paper": "paper-style (P1)",
    "dof": "N nodes suffice (X1)",
    "volume": "volume (D6)",
    "volume-mean": "volume, mean (I7)",
    "law": "law (L2)",
    "greedy": "greedy",
    "floor": "floor (D2)",
}


#: What the tables' letters mean.
_LEGEND = (
    "layers are named by their place in the network, from 0; 1.0 is the first layer of block 1",
    "Sigma: second moment of a layer's nodes, with eigenvalues mu_j; Z: the weights that read them",
    "Q = theta I + (1 - theta) Z^T Z; Tr(Q Sigma): the loss L^theta of keeping no node",
    "N(lam) = sum of mu_j / (mu_j + lam): degrees of freedom at the ridge lam",
    "ids such as X1 name statements: docs/statements.md, or pruneproof explain spectral.X1",
)


def as_json(audit: Audit) -> str:
    """Audit as JSON, ``{"schema": ..., fields of Audit}``; infinite figures become null."""
    return json.dumps({"schema": SCHEMA} | _plain(dataclasses.asdict(audit)), indent=1) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_report(audit: Audit, console: Console) -> None:
    """Print all tables of an audit."""
    console.print(_heading(audit))
    for line in _LEGEND:
        console.print(_indented(line, "dim"))
    for layer in audit.layers:
        console.print(_layer_heading(layer))
        console.print(_decay_table(layer))
        console.print(_width_table(layer))
        if layer.losses:
            console.print(_loss_table(layer))
        for note in _layer_notes(layer):
            console.print(_indented(note, "dim"))
    if audit.score:
        console.print(_score_table(audit))
    console.print(_network_table(audit))
    for note in _closing_notes(audit):
        console.print(_indented(note, "dim"))


def _heading(audit: Audit) -> Group:
    whole = audit.unpruned
    lines = [
        f"{whole.parameters} parameters; pruned on {audit.train_rows} rows; {audit.held_out}",
        f"losses L^theta = theta L^A (input) + (1 - theta) L^B (output) at theta = "
        f"{audit.theta:g}; seed {audit.seed}",
    ]
    if audit.score:
        found = whole.scores["greedy"]
        unit = " %" if audit.score == "accuracy" else ""
        lines.append(
            f"{audit.score} before pruning: {_score(audit, whole.train_score)}{unit} on those "
            f"rows, {_score(audit, found.mean)}{unit} held out"
        )
    title = Text(f"\nAudit of {audit.name}", style="bold")
    return Group(title, *(_indented(line) for line in lines))


def _indented(line: str, style: str = "") -> Padding:
    """Line two columns in, also where it wraps."""
    return Padding(Text(line, style=style), (0, 0, 0, 2), expand=False)


def _layer_heading(layer: LayerAudit) -> Text:
    text = Text(f"\nHidden {layer.name}", style="bold")
    figures = (
        f": {layer.width} nodes, rank {layer.rank}, Tr Sigma = {layer.trace:.4g}, "
        f"Tr(Q Sigma) = {layer.trivial:.4g}"
    )
    return text.append(figures, style="not bold")


def _table(columns: Sequence[str], *, words: int = 0, gap: int = 2) -> Table:
    """Plain table; its first `words` columns hold words and are flush left."""
    table = Table(box=None, padding=(0, gap, 0, 0))
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < words else "right", no_wrap=True)
    return table


def _titled(title: str, table: Table) -> Group:
    return Group(Text(f"\n{title}", style="italic"), Padding(table, (0, 0, 0, 2), expand=False))


def _decay_table(layer: LayerAudit) -> Group:
    """Eigenvalue decay and N(lam): one column for each j = 1, 2, 4, ..."""
    rows = layer.decay[:: 1 + len(layer.decay) // 10]
    table = _table(["j", *(str(row.index) for row in rows)], words=1)
    largest = layer.eigenvalues[0]
    table.add_row("mu_j / mu_1", *(f"{row.eigenvalue / largest:.2g}" for row in rows))
    table.add_row("beyond j, %", *(_percent(row.tail_share) for row in rows))
    table.add_row("N(lam = mu_j)", *(f"{row.degrees_of_freedom:.1f}" for row in rows))
    return _titled("Eigenvalues and degrees of freedom", table)


def _width_table(layer: LayerAudit) -> Group:
    """Widths for the error budget, rule by rule."""
    share = _percent(layer.budget / layer.trivial)
    rules = [rule for rule in _RULES if rule in layer.advised]
    table = _table([_RULES[rule].replace(" (", "\n(") for rule in rules])
    cells: list[Text | str] = []
    for rule in rules:
        width = layer.advised[rule]
        if width is None:
            cells.append(Text(f"{layer.paper_draws} > {layer.width}", style="magenta"))
        else:
            cells.append(str(width))
    table.add_row(*cells)
    return _titled(f"Width that loses at most {share} % of Tr(Q Sigma)", table)


_LOSS_COLUMNS = (
    "width",
    "floor\nD2",
    "greedy\nformula",
    "greedy\ntrain",
    "greedy\nheld out",
    "volume\nI7",
    "X1\nbound",
    "D6\nbound",
    "law\nL2",
    "leverage\nmeasured",
    "chi\n",
    "paper\nP1",
)


def _loss_table(layer: LayerAudit) -> Group:
    table = _table(_LOSS_COLUMNS, gap=1)
    for row in layer.losses:
        table.add_row(*_loss_cells(row, layer.trivial))
    return _titled("Loss, % of Tr(Q Sigma)", table)


def _loss_cells(row: LossRow, trivial: float) -> Iterable[Text | str]:
    def bound(value: float) -> Text | str:
        return _percent(value / trivial) if value < trivial else VACUOUS

    yield str(row.width)
    for value in (row.floor, row.predicted, row.train, row.held_out, row.volume_mean):
        yield _percent(value / trivial)
    yield bound(row.dof)
    yield bound(row.volume)
    yield _percent(row.law / trivial)
    yield f"{_percent(row.sampled.mean / trivial)}±{_percent(row.sampled.error / trivial, 1)}"
    distrusted = row.coherence > COHERENCE_WARNING
    yield Text(f"{row.coherence:.2f}{'!' if distrusted else ''}", style="yellow" * distrusted)
    yield bound(row.paper)


def _layer_notes(layer: LayerAudit) -> Iterable[str]:
    if "paper" in layer.advised and layer.advised["paper"] is None:
        yield (
            f"{layer.paper_draws} > {layer.width}: P1 asks for {layer.paper_draws} draws, more "
            "than there are nodes"
        )
    if layer.losses:
        yield "D2: no choice loses less; I7: exact mean of volume sampling, so some choice meets it"
        yield "X1, D6: some choice loses no more; greedy selection is not proved to meet them"
        yield "P1: leverage multisets at the ridge 5 N log(80 N) = width lose no more, w.p. 14/15"
        yield "L2: prediction for such multisets, at the ridge N(lam) = width; measured beside it"
    if any(max(row.dof, row.volume, row.paper) >= layer.trivial for row in layer.losses):
        yield "VACUOUS: the bound is no lower than the loss of keeping no node"
    if any(row.coherence > COHERENCE_WARNING for row in layer.losses):
        yield f"! chi above {COHERENCE_WARNING:g}: the nodes are too coherent to trust the law"
    yield from layer.notes


def _score_table(audit: Audit) -> Group:
    """Held-out score of every method with all hidden layers pruned."""
    unit = ", %" if audit.score == "accuracy" else ""
    methods = list(audit.unpruned.scores)
    table = _table(["width", "parameters", *methods])
    for row in audit.rows:
        table.add_row(
            str(row.width),
            str(row.parameters),
            *(_estimate(audit, row.scores[method]) for method in methods),
        )
    table.add_row(
        "all",
        str(audit.unpruned.parameters),
        *(_estimate(audit, audit.unpruned.scores[method]) for method in methods),
    )
    title = f"Held-out {audit.score}{unit}, every hidden layer pruned to the width"
    return _titled(title, table)


def _estimate(audit: Audit, found: Estimate) -> str:
    if found.draws == 1:
        return _score(audit, found.mean)
    error = _score(audit, found.error) if audit.score == "accuracy" else f"{found.error:.1g}"
    return f"{_score(audit, found.mean)}±{error}"


def _score(audit: Audit, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{100.0 * value:.1f}" if audit.score == "accuracy" else f"{value:.4g}"


def _network_table(audit: Audit) -> Group:
    """Output error with B1, and the generalization bounds of the greedy networks."""
    names = [claimed.name for claimed in audit.unpruned.generalization]
    what = "error rate, %" if audit.score == "accuracy" else audit.score
    title = "Greedy networks f#: output error ||f - f#|| and its bound B1"
    columns = ["width", "train\n||f - f#||", "held out\n||f - f#||", "bound\nB1"]
    if audit.score:
        title += f"; {what}, bounds at 95 %"
        columns += ["train", "held out", *(f"{name}\nbound" for name in names)]
    table = _table(columns)
    for row in (*audit.rows, audit.unpruned):
        table.add_row(*_network_cells(audit, row))
    return _titled(title, table)


def _network_cells(audit: Audit, row: NetworkRow) -> Iterable[Text | str]:
    yield "all" if row is audit.unpruned else str(row.width)
    yield f"{row.output_error:.3g}"
    yield f"{row.output_error_held_out:.3g}"
    yield "-" if row.error_bound is None else f"{row.error_bound:.3g}"
    if not audit.score:
        return
    found = row.scores["greedy"]
    assert row.train_score is not None
    for score in (row.train_score, found.mean):
        yield _score(audit, 1.0 - score if audit.score == "accuracy" else score)
    for claimed in row.generalization:
        yield VACUOUS if claimed.vacuous else _score(audit, claimed.value)


def _closing_notes(audit: Audit) -> Iterable[str]:
    yield from audit.notes
    if audit.rows and all(row.error_bound is None for row in audit.rows):
        yield "B1 -: stated for chains of dense layers with 1-Lipschitz activations only"
    held_out = "Clopper and Pearson" if audit.score == "accuracy" else "G3"
    meanings = {
        "held-out": f"held-out bound: {held_out}, for rows the network was not trained on",
        "Occam": "Occam bound: the network with 16-bit weights, all widths at once",
        "G1 slow": "G1: every network of the class, if no input is longer than the longest seen",
        "G2 fast": "G2: excess risk of every network of the class",
    }
    yield from (meanings[c.name] for c in audit.unpruned.generalization if c.name in meanings)
    if audit.unpruned.generalization and audit.score != "accuracy":
        yield "these bounds take as known that no target is longer than the longest seen, and are"
        yield "of the network whose outputs are projected onto the ball of that radius"
    bounds: list[Claimed] = [c for row in audit.rows for c in row.generalization]
    if any(c.vacuous for c in bounds):
        yield f"VACUOUS: the bound says no more than the trivial value {bounds[0].trivial:.4g}"


def _percent(share: float, digits: int = 3) -> str:
    """Share in per cent to three figures, to two below .1 %, with an exponent below .001 %."""
    value = 100.0 * share
    if abs(share) < ROUNDING:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.0e}"
    text = f"{value:.{min(digits, 2) if abs(value) < 0.1 else digits}g}"
    return f"{value:.0f}" if "e" in text else text
