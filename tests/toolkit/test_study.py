"""The command line of studies: run, go on, status, export, plot, and what wrong calls answer."""

from __future__ import annotations

import importlib
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pruneproof.simulations.studies import builtin, executors, reopen
from pruneproof.simulations.studies.summary import Estimate
from pruneproof.study_command import _digits

Call = Callable[..., tuple[int, str, str]]

TOY = """
import os, time

def noise(parameters, rng):
    time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
    x = parameters["scale"] * rng.standard_normal()
    if os.environ.get("TOY_RAISES") and x > 1:
        raise RuntimeError("[bold]too large")
    return {"x": x, "positive": x > 0}

def figure(records):
    from pruneproof.simulations.figures import Curve, Panel, draw
    x, y = [r["scale"] for r in records], [abs(r["x"]) for r in records]
    return draw("toy", [Panel("x", "scale", "x", [Curve("x", x, y, "measured")])])
"""

REGISTERED = """
import sys
import toy_for_the_shell as toy
from pruneproof.simulations.studies import Study, builtin
toy.STUDY = Study("toy", toy.noise, {"scale": (1.0, 2.0)}, 20, "A toy", toy.figure,
                  {"replicates": 3})
toy.BARE = Study("bare", toy.noise, {"scale": (1.0,)}, 5, "Without a figure")
builtin.STUDIES.clear()
builtin.STUDIES.update(toy="toy", bare="toy")
sys.modules["pruneproof.simulations.studies.builtin.toy"] = toy
"""

PROGRAM = """
import registered
from pruneproof import cli
if __name__ == "__main__":
    cli.main()
"""


class Shell:
    """The command line with a toy among the built-in studies, in a folder of its own."""

    def __init__(self, home: Path, call: Call) -> None:
        self.modules, self.folder, self.call = home / "modules", home / "folder", call
        self.modules.mkdir()
        self.folder.mkdir()
        for name, text in (
            ("toy_for_the_shell", TOY),
            ("registered", REGISTERED),
            ("program", PROGRAM),
        ):
            (self.modules / f"{name}.py").write_text(text)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """The command in a process of its own."""
        path = os.pathsep.join([str(self.modules), os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(
            [sys.executable, str(self.modules / "program.py"), "study", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, **environment},
        )

    def __call__(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """The command in this process: its status, output and errors."""
        return self.call("study", *arguments, cwd=self.folder, **environment)

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def shell(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    made = Shell(tmp_path, call)
    names = ("toy_for_the_shell", "registered", f"{builtin.__name__}.toy")
    monkeypatch.syspath_prepend(made.modules)
    known = dict(builtin.STUDIES)
    importlib.import_module("registered")
    yield made
    for name in names:
        sys.modules.pop(name, None)
    builtin.STUDIES.clear()
    builtin.STUDIES.update(known)


def test_list_run_status_export_and_plot(shell: Shell) -> None:
    status, output, errors = shell("list")
    assert (status, errors) == (0, "")
    assert "A toy" in output
    assert "Without a figure" in output
    status, output, errors = shell("run", "toy", "--workers", "2")
    assert (status, errors) == (0, "")
    assert "40 replicates in toy.ledger" in output
    assert output.count("scale=") == 4  # two entries, two conditions
    assert max(map(len, output.splitlines())) <= 100
    again = shell("run", "toy")
    assert again == (0, output, "")  # nothing left to do, the same summary
    for target in (["toy"], ["toy.ledger"], ["toy", "--ledger", "toy.ledger"]):
        status, output, errors = shell("status", *target)
        assert (status, errors) == (0, "")
        assert "40 replicates in toy.ledger" in output
    assert shell("export", "toy", "--to", "toy.csv")[0] == 0
    rows = (shell.folder / "toy.csv").read_text().splitlines()
    assert rows[0] == "scale,replicate,x,positive"
    assert len(rows) == 41
    for name in ("toy.svg", "toy.png"):
        assert shell("plot", "toy.ledger", "--to", name)[0] == 0
    assert (shell.folder / "toy.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (shell.folder / "toy.svg").read_text()
    assert shell.names() == {"toy.ledger", "toy.csv", "toy.svg", "toy.png"}


def test_quick_and_a_file(shell: Shell) -> None:
    assert shell("run", "toy", "--quick")[0] == 0
    (shell.folder / "mine.toml").write_text(
        '[study]\nname = "mine"\nreplicate = "toy"\nseed = 4\nreplicates = 2\n'
        "[grid]\nscale = [8.0]\n"
    )
    assert shell("run", "mine.toml")[0] == 0
    with reopen(shell.folder / "mine.ledger") as book:
        assert (book.name, book.seed, len(book.records())) == ("mine", 4, 2)
    with reopen(shell.folder / "toy-quick.ledger") as book:
        assert (book.name, book.seed, len(book.records())) == ("toy", 0, 6)
    assert shell("plot", "mine.toml")[0] == 0
    status, _, errors = shell("run", "mine.toml", "--seed", "5")
    assert status == 2
    assert "under seed 4, not 5" in errors
    assert shell.names() == {"toy-quick.ledger", "mine.toml", "mine.ledger", "mine.svg"}


def test_a_precision_stops_each_condition(shell: Shell) -> None:
    """x has standard deviation `scale`, 1 or 2: sixteen replicates know it to about .25 or .5."""
    assert shell("run", "toy", "--precision", "x=0.3")[0] == 0
    with reopen(shell.folder / "toy.ledger") as book:
        kept = [record["scale"] for record in book.records()]
    assert (kept.count(1.0), kept.count(2.0)) == (16, 20)
    status, _, errors = shell("run", "toy", "--precision", "y=0.4", "--ledger", "other.ledger")
    assert status == 2
    assert "no entry 'y'" in errors


def test_the_ledger_of_a_file_with_a_name_of_its_own(shell: Shell) -> None:
    (shell.folder / "mine.toml").write_text(
        '[study]\nname = "mine"\nreplicate = "toy"\nreplicates = 2\n'
    )
    assert shell("run", "mine.toml", "--ledger", "a b.ledger")[0] == 0
    status, _, errors = shell("plot", "a b.ledger")
    assert status == 2
    assert "plot FILE.toml --ledger a b.ledger" in errors
    assert shell("plot", "mine.toml", "--ledger", "a b.ledger", "--to", "c d.svg")[0] == 0
    assert shell.names() == {"mine.toml", "a b.ledger", "c d.svg"}


def test_it_is_one_program(shell: Shell) -> None:
    """What the other tests ask of this process, a process of its own answers too."""
    started = shell.start("run", "toy", "--quick")
    answer = started.communicate(timeout=60)
    assert (started.returncode, *answer) == shell("run", "toy", "--quick")


def test_what_raises_is_reported_and_retried(shell: Shell) -> None:
    status, output, errors = shell("run", "toy", TOY_RAISES="yes")
    assert (status, errors) == (1, "")
    assert "RuntimeError: [bold]too large" in output
    assert "--retry" in output
    status, output, _ = shell("status", "toy")
    assert status == 1
    assert "Traceback" in output
    assert "in noise" in output
    assert shell("run", "toy")[0] == 1
    status, output, _ = shell("run", "toy", "--retry")
    assert status == 0
    assert "40 replicates" in output
    assert "raised" not in output


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is a signal on POSIX systems")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_leaves_a_ledger_and_says_how_to_go_on(shell: Shell, workers: str) -> None:
    started = shell.start("run", "toy", "--workers", workers, TOY_SECONDS="0.05")
    place = shell.folder / "toy.ledger"
    while _count(place) < 5:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    output, errors = started.communicate(timeout=30)
    assert (started.returncode, output) == (130, "")
    first, second = errors.splitlines()
    kept = _count(place)
    assert first == (
        f"pruneproof: {kept} of 40 replicates are in toy.ledger; go on with: "
        "pruneproof study run toy --ledger toy.ledger"
        + ("" if workers == "1" else f" --workers {workers}")
    )
    assert second == "pruneproof: interrupted"
    assert 5 <= kept < 40
    assert shell("run", "toy", "--ledger", "toy.ledger")[0] == 0
    assert shell("run", "toy", "--ledger", "whole.ledger")[0] == 0
    with reopen(place) as parts, reopen(shell.folder / "whole.ledger") as whole:
        assert parts.records() == whole.records()


def _count(ledger: Path) -> int:
    if not ledger.exists():
        return 0
    connection = sqlite3.connect(ledger)
    try:
        return int(connection.execute("SELECT COUNT(*) FROM replicates").fetchone()[0])
    except sqlite3.OperationalError:  # the tables are not there yet
        return 0
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "toys"), "no study 'toys'; the nearest is 'toy'"),
        (("run",), "study"),
        (("run", "none.toml"), "none.toml cannot be read"),
        (("run", "folder/x"), "neither the name of a study nor a .toml file"),
        (("run", "toy", "--workers", "0"), "workers must be at least 1"),
        (("run", "toy", "--seed", "-1"), "seed must be at least 0"),
        (("run", "toy", "--precision", "x"), "such as risk=.01, not 'x'"),
        (("run", "toy", "--precision", "x=-1"), "such as risk=.01, not 'x=-1'"),
        (("run", "toy", "--precision", "x=inf"), "must be finite"),
        (("run", "toy", "--ledger", "nowhere/t.ledger"), "folder that exists"),
        (("run", "toy", "--ledger", "."), "unable to open"),
        (("run", "toy", "--scheduler", "tcp://127.0.0.1:1"), "Dask"),
        (("status", "toy"), "there is no ledger toy.ledger"),
        (("status", "toys"), "is no ledger and no study; the nearest is 'toy'"),
        (("export", "toy", "--ledger", "none"), "there is no ledger none"),
        (("plot", "toy"), "there is no ledger"),
        (("status", "none.ledger"), "there is no ledger none.ledger"),
        (("frobnicate",), "frobnicate"),
        ((), "command"),
    ],
)
def test_wrong_calls(
    shell: Shell, arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "ANSWER", 0.5)  # Dask knocks as long at a closed door
    status, output, errors = shell(*arguments)
    assert (status, output) == (2, "")
    assert words in errors
    assert len(errors.splitlines()) == 1, errors
    assert shell.names() == set()


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (3.8e-5, "[49.998235, 49.998273] 49.998254"),
        (0.7, "[49.65, 50.35] 50"),
        (0.0, "[49.998, 49.998] 49.998"),
        (math.inf, "[-inf, inf] 49.998"),
    ],
)
def test_an_interval_as_shown_holds_its_mean(length: float, shown: str) -> None:
    mean = 49.998254
    one = Estimate({}, "x", 6, mean, length / 4, mean - length / 2, mean + length / 2)
    digits = _digits(one)
    assert shown == f"[{one.lower:.{digits}g}, {one.upper:.{digits}g}] {mean:.{digits}g}"


def test_wrong_calls_on_a_ledger(shell: Shell) -> None:
    assert shell("run", "bare")[0] == 0
    for arguments, words in (
        (("plot", "bare"), "has no figure"),
        (("export", "bare", "--to", "bare.xls"), "must end in .csv"),
        (("export", "bare", "--to", "nowhere/bare.csv"), "nowhere"),
        (("status", "toy", "--ledger", "bare.ledger"), "of study bare, not of toy"),
        (("run", "toy", "--ledger", "bare.ledger"), "of study bare, not of toy"),
    ):
        status, output, errors = shell(*arguments)
        assert (status, output) == (2, ""), arguments
        assert words in errors
        assert len(errors.splitlines()) == 1, errors
    assert shell.names() == {"bare.ledger"}
