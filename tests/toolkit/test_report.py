"""Tables, JSON, figure and command: what is printed is what was found, and files come whole."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pruneproof.audit_command import audit_command, figure_paths
from pruneproof.audit_data import Audit, Claimed
from pruneproof.audit_figure import audit_figure
from pruneproof.auditing import audit
from pruneproof.models import Data, save_network
from pruneproof.report import WIDTH, as_json, print_report
from pruneproof.simulations.figures import rendered
from pruneproof.theory.network.layers import Dense
from pruneproof.theory.network.network import Network

RNG = np.random.default_rng(4)
NETWORK = Network(
    [
        Dense(RNG.standard_normal((20, 5)), RNG.standard_normal(20), "relu"),
        Dense(RNG.standard_normal((3, 20)) / 5),
    ]
)
INPUTS = RNG.standard_normal((120, 5))


@pytest.fixture(scope="module")
def found() -> Audit:
    labels = NETWORK.forward(INPUTS).argmax(1)
    return audit(NETWORK, INPUTS, labels, widths=[3, 7, 12], theta=0.2)


def printed(found: Audit) -> str:
    stream = io.StringIO()
    print_report(found, Console(file=stream, width=WIDTH))
    return stream.getvalue()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_tables_fit_and_show_the_figures(found: Audit) -> None:
    text = printed(found)
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert "…" not in text  # nothing was cut off
    layer = found.layers[0]
    row = layer.losses[0]
    line = next(line for line in text.splitlines() if line.split()[:1] == ["3"])
    shown = [float(cell) for cell in line.split()[1:5]]
    wanted = [100 * v / layer.trivial for v in (row.floor, row.predicted, row.train, row.held_out)]
    np.testing.assert_allclose(shown, wanted, rtol=6e-3)  # three figures are printed
    assert line.split()[-1] == "VACUOUS"
    assert f"{layer.paper_draws} > {layer.width}" in text
    assert "seeded quarter" in text
    assert f"P1 asks for {layer.paper_draws} draws" in text
    assert "no lower than the loss of keeping no node" in text
    for symbol in ("Sigma:", "mu_j", "Z:", "Q =", "N(lam) ="):
        assert symbol in text, symbol


def test_vacuous_is_said_exactly_where_it_is_so(found: Audit) -> None:
    def with_bound(value: float, vacuous: bool) -> Audit:
        claimed = Claimed("Occam", "sparsity.K8", value, 1.0, vacuous, "")
        layer = dataclasses.replace(found.layers[0], losses=(), advised={})
        rows = tuple(dataclasses.replace(r, generalization=(claimed,)) for r in found.rows)
        whole = dataclasses.replace(found.unpruned, generalization=(claimed,))
        return dataclasses.replace(found, layers=(layer,), rows=rows, unpruned=whole)

    assert "VACUOUS" not in printed(with_bound(0.314, False))
    assert "31.4" in printed(with_bound(0.314, False))
    assert printed(with_bound(1.25, True)).count("VACUOUS") == 5  # 4 rows and the legend
    assert "125" not in printed(with_bound(1.25, True))


def test_a_missing_bound_is_explained(found: Audit) -> None:
    assert "B1 -" not in printed(found)
    rows = tuple(dataclasses.replace(row, error_bound=None) for row in found.rows)
    assert "B1 -" in printed(dataclasses.replace(found, rows=rows))


def test_json_is_the_audit(found: Audit) -> None:
    content = json.loads(as_json(found))
    assert content.pop("schema") == "pruneproof.audit/1"
    assert content == json.loads(json.dumps(dataclasses.asdict(found)))
    infinite = dataclasses.replace(found.unpruned, error_bound=math.inf)
    again = json.loads(as_json(dataclasses.replace(found, unpruned=infinite)))
    assert again["unpruned"]["error_bound"] is None


def test_the_figure_shows_the_figures(found: Audit) -> None:
    figure = audit_figure(found)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[:4] == [
        "(a) Spectrum",
        "(b) Degrees of freedom",
        "(c) Loss of layer 0 (20 nodes)",
        "(d) All hidden layers pruned",
    ]
    losses, scores = figure.axes[2], figure.axes[3]
    layer = found.layers[0]
    curves = {bar.get_label(): bar.lines[0] for bar in losses.containers}
    for label, name in (("greedy, train", "train"), ("floor (D2)", "floor")):
        x, y = curves[label].get_data()
        assert list(x) == [3, 7, 12]
        np.testing.assert_allclose(
            np.asarray(y, float), [getattr(r, name) / layer.trivial for r in layer.losses]
        )
    shown = {bar.get_label(): bar.lines[0].get_ydata() for bar in scores.containers}
    for method, means in shown.items():
        wanted = [100 * row.scores[method].mean for row in found.rows]
        np.testing.assert_allclose(np.asarray(means, float), wanted)
    for ax in figure.axes[:4]:
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.get_legend() is None  # legends stand in a cell of their own
    assert losses.get_xscale() == losses.get_yscale() == "log"


def test_the_figure_is_the_same_each_time(found: Audit) -> None:
    figure = audit_figure(found)
    one, other = rendered(figure, "svg"), rendered(audit_figure(found), "svg")
    assert one == other
    ElementTree.fromstring(one)
    assert rendered(figure, "png").startswith(b"\x89PNG")


def command(model: Any, *arguments: Any, **options: Any) -> tuple[int, str]:
    stream = io.StringIO()
    console = Console(file=stream, width=WIDTH)
    status = audit_command(str(model), *map(str, arguments), console=console, **options)
    return status, stream.getvalue()


def test_the_command_writes_figure_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = NETWORK.forward(INPUTS).argmax(1)
    save_network("net.npz", NETWORK, Data(INPUTS, labels))  # the file holds its data too
    status, text = command("net.npz", widths=[4], json_path="out.json", seed=3)
    assert status == 0
    assert files(tmp_path) == ["audit-net.png", "audit-net.svg", "net.npz", "out.json"]
    assert "written: out.json" in text
    expected = audit(NETWORK, INPUTS, labels, widths=[4], seed=3, name="net")
    assert Path("out.json").read_text() == as_json(expected)


@pytest.mark.parametrize(
    ("given", "stem"),
    [(None, "audit-net"), ("a/f", "a/f"), ("f.svg", "f"), ("f.PNG", "f"), ("f.v2", "f.v2")],
)
def test_the_report_takes_its_name_with_or_without_a_kind(given: str | None, stem: str) -> None:
    assert figure_paths(given, "net") == [Path(f"{stem}.svg"), Path(f"{stem}.png")]


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (["none.npz"], {}, "there is no file none.npz"),
        (["net.npz"], {}, "holds a network but no 'inputs'"),
        (["net.npz", "bad.npz"], {}, "has no key 'inputs'"),
        (["net.npz", "data.npz"], {"widths": [99]}, "width must be at least 1 and at most 20"),
        (["net.npz", "data.npz"], {"report": "no/f"}, "there is no folder no"),
        (["net.npz", "data.npz"], {"json_path": "no/f"}, "there is no folder no"),
        (["net.npz", "data.npz"], {"json_path": "folder"}, "folder is a folder"),
        (["net.npz", "data.npz"], {"report": "f.pdf"}, "written as .svg and .png, not as .pdf"),
        (["net.npz", "data.npz"], {"budget": 2.0}, "budget must lie"),
        (["digits", "data.npz"], {}, "brings its own data"),
    ],
)
def test_a_wrong_call_ends_with_status_2_one_line_and_no_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    options: dict[str, Any],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    save_network("net.npz", NETWORK)
    np.savez("data.npz", inputs=INPUTS)
    np.savez("bad.npz", x=INPUTS)
    Path("folder").mkdir()
    before = files(tmp_path)
    status, text = command(*arguments, **options)
    assert status == 2
    assert text == ""
    error = capsys.readouterr().err
    assert sentence in error
    assert error.startswith("pruneproof audit: ")
    assert error.count("\n") == 1
    assert files(tmp_path) == before
