"""The command line: wrong calls answer in one line with status 2 and write nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from pruneproof.simulations.files import written_whole
from pruneproof.theory.network.widths import DEFAULT_THETA


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(call: Callable[..., tuple[int, str, str]]) -> Run:
    """The command line within this process."""
    return lambda *arguments, cwd: Done(*call(*arguments, cwd=cwd))


def program(*arguments: str, cwd: Path) -> Done:
    """The command line as a program of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "pruneproof", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
    )
    return Done(ended.returncode, ended.stdout, ended.stderr)


def small_model(path: Path, **changes: object) -> None:
    rng = np.random.default_rng(0)
    arrays: dict[str, object] = {
        "layers": ["Dense", "Dense"],
        "0.weight": rng.standard_normal((6, 4)),
        "0.bias": np.zeros(6),
        "0.activation": "relu",
        "1.weight": rng.standard_normal((2, 6)),
        "1.bias": np.zeros(2),
    } | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})


def small_data(path: Path, **changes: object) -> None:
    rng = np.random.default_rng(1)
    arrays: dict[str, object] = {"inputs": rng.standard_normal((40, 4))} | changes
    np.savez(path, **arrays, allow_pickle=True)


def object_array() -> np.ndarray:
    return np.array([{"not": "a number"}] * 40, dtype=object)


@pytest.mark.parametrize(
    ("model", "data", "words"),
    [
        ({"1.weight": None}, {}, "1.weight"),
        ({"1.weight": np.ones((2, 5))}, {}, "5"),
        ({"0.weight": np.full((6, 4), np.nan)}, {}, "NaN"),
        ({"0.activation": "spline"}, {}, "spline"),
        ({}, {"inputs": np.ones((40, 3))}, "3"),
        ({}, {"inputs": object_array()}, "inputs"),
        ({}, {"inputs": np.full((40, 4), np.inf)}, "inf"),
        ({}, {"targets": np.full(40, 7)}, "7"),
    ],
)
def test_what_a_wrong_file_answers(tmp_path: Path, run: Run, model, data, words) -> None:
    small_model(tmp_path / "model.npz", **model)
    small_data(tmp_path / "data.npz", **data)
    before = sorted(p.name for p in tmp_path.iterdir())
    done = run("audit", "model.npz", "data.npz", "--json", "out.json", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert words in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_truncated_file_and_a_file_that_is_no_archive(tmp_path: Path, run: Run) -> None:
    small_model(tmp_path / "model.npz")
    whole = (tmp_path / "model.npz").read_bytes()
    for content in (whole[: len(whole) // 2], b"not an archive", b""):
        (tmp_path / "broken.npz").write_bytes(content)
        done = run("audit", "broken.npz", "model.npz", cwd=tmp_path)
        assert done.returncode == 2
        assert "broken.npz" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("verify", "spectral.Q7"), "spectral.Q7"),
        (("verify", "--budget", "endless"), "endless"),
        (("verify", "spectral.I1", "--workers", "0"), "workers"),
        (("verify", "spectral.I1", "--json", "nowhere/out.json"), "nowhere"),
        (("explain", "spectral.Q7"), "spectral.Q7"),
        (("claims", "nothing.*"), "nothing"),
        (("audit", "nosuch"), "nosuch"),
        (("audit", "nosuch.npz", "data.npz"), "nosuch.npz"),
        (("audit", "digits", "--widths", "8,zero"), "zero"),
        (("audit", "digits", "--budget", "-1"), "budget"),
        (("audit", "digits", "--theta", "1.5"), "theta"),
        (("audit", "digits", "--budget", "much"), "--budget"),
        (("audit",), "model"),
        (("explain", "spectral.I1", "spectral.I2"), "spectral.I2"),
        (("verify", "--frobnicate"), "--frobnicate"),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_wrong_calls(tmp_path: Path, run: Run, arguments, words) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr.lower() + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_small_audit_from_files(tmp_path: Path, run: Run) -> None:
    small_model(tmp_path / "model.npz")
    small_data(tmp_path / "data.npz", targets=np.arange(40) % 2)
    arguments = ("audit", "model.npz", "data.npz", "--widths", "2,4", "--json", "out.json")
    done = run(*arguments, "--report", "figure.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"model.npz", "data.npz", "out.json", "figure.svg", "figure.png"}


def test_an_interrupted_audit_writes_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle of the work: status 130, one line, no file."""
    code = (
        "import sys, pruneproof.audit_command as command, pruneproof.cli as cli\n"
        "def pressed(*_): raise KeyboardInterrupt\n"
        "command._rendered = pressed\n"  # all is computed, nothing is written yet
        "cli.main()"
    )
    small_model(tmp_path / "model.npz")
    small_data(tmp_path / "data.npz")
    before = sorted(p.name for p in tmp_path.iterdir())
    arguments = ("audit", "model.npz", "data.npz", "--widths", "2", "--json", "out.json")
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "pruneproof: interrupted\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end programs on POSIX systems only")
def test_a_reader_that_leaves_is_no_refutation(tmp_path: Path) -> None:
    arguments = ("verify", "spectral.I1", "--json", "out.json")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "pruneproof", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
    assert len(json.loads((tmp_path / "out.json").read_text())["verdicts"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are closed on POSIX systems only")
def test_nobody_reads_or_the_disk_is_full(tmp_path: Path) -> None:
    command = f"{sys.executable} -m pruneproof"
    closed = subprocess.run(
        f"{command} claims lemma.push-through >&-", shell=True, stderr=subprocess.PIPE, text=True
    )
    assert (closed.returncode, closed.stderr) == (0, "")
    if not Path("/dev/full").exists():
        return
    full = subprocess.run(
        f"{command} claims lemma.push-through > /dev/full",
        shell=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert full.returncode == 2
    assert full.stderr == "pruneproof: the output fails: No space left on device\n"
    with (
        pytest.raises(ValueError, match=r"^cannot write /dev/full: No space left on device"),
        written_whole("/dev/full") as file,
    ):
        file.write(b"x")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "model.npz"),
        ("--json", "./data.npz"),
        ("--json", "out.svg", "--report", "out"),
    ],
)
def test_an_audit_writes_over_nothing_that_it_reads_or_writes(
    tmp_path: Path, run: Run, arguments: tuple[str, ...]
) -> None:
    small_model(tmp_path / "model.npz")
    small_data(tmp_path / "data.npz")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    done = run("audit", "model.npz", "data.npz", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written: it is " in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_mixture_is_that_of_compress(tmp_path: Path, run: Run) -> None:
    small_model(tmp_path / "model.npz")
    small_data(tmp_path / "data.npz")
    done = run(
        "audit", "model.npz", "data.npz", "--widths", "2", "--json", "out.json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_text())["theta"] == DEFAULT_THETA
    assert f"({DEFAULT_THETA:g}, as compress)" in run("audit", "--help", cwd=tmp_path).stdout


def test_help_and_version(tmp_path: Path, run: Run) -> None:
    assert "verify" in run("--help", cwd=tmp_path).stdout
    assert run(cwd=tmp_path).stdout == run("--help", cwd=tmp_path).stdout
    assert run("--version", cwd=tmp_path).stdout.startswith("pruneproof 0.")


@pytest.mark.parametrize("arguments", [("claims", "spectral.I*"), ("explain", "spectral.Q7")])
def test_the_program_answers_as_its_main_function(tmp_path: Path, run: Run, arguments) -> None:
    assert program(*arguments, cwd=tmp_path) == run(*arguments, cwd=tmp_path)
