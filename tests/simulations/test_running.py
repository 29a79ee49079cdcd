"""Running: kills lose and double nothing, records do not depend on where they are computed."""

from __future__ import annotations

import collections
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pruneproof.simulations.studies import Precision, reopen, run
from pruneproof.simulations.studies.summary import standard_error, stopping_error

POSIX = pytest.mark.skipif(os.name == "nt", reason="kills by signals that POSIX systems have")

FORKING = """
import os, sys
sys.path.insert(0, sys.argv[1])
import scipy.linalg, toy_of_studies as toy
from pruneproof.simulations.studies import running
for line in sys.stdin:
    ledger, replicates, workers, told = line.split()
    process = os.fork()
    if process == 0:
        toy.run_logged(ledger, int(replicates), int(workers), told)
        os._exit(0)
    print(process, flush=True)
    print(os.waitpid(process, 0)[1], flush=True)
"""


class Forks:
    """Runs of the logged study in processes of their own, quickly forked, which one may kill."""

    def __init__(self, home: Path, replicates: int, workers: int) -> None:
        self.home, self.replicates, self.workers = home, replicates, workers
        self.ledger, self.log, self.told = home / "t.ledger", home / "starts", home / "told"
        self.server = subprocess.Popen(
            [sys.executable, "-c", FORKING, str(home / "modules")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def starts(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def begin(self) -> int:
        assert self.server.stdin is not None
        words = (self.ledger, self.replicates, self.workers, self.told)
        self.server.stdin.write(" ".join(map(str, words)) + "\n")
        self.server.stdin.flush()
        return self._answer()

    def ended(self) -> int:
        """Status of the run, once it has ended."""
        return self._answer()

    def _answer(self) -> int:
        assert self.server.stdout is not None
        return int(self.server.stdout.readline())

    def kill_after(self, seconds: float) -> None:
        """Begin, wait for the first replicate and then so long, kill."""
        before = len(self.starts())
        process = self.begin()
        while len(self.starts()) == before:
            time.sleep(0.001)
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        assert self.ended() == signal.SIGKILL

    def committed(self) -> int:
        """Replicates of which the runs said that they are kept."""
        return max(map(int, self.told.read_text().split()), default=0)

    def in_ledger(self) -> int:
        connection = sqlite3.connect(self.ledger)
        (count,) = connection.execute("SELECT COUNT(*) FROM replicates").fetchone()
        connection.close()
        return int(count)

    def close(self) -> None:
        self.server.communicate()


@POSIX
@pytest.mark.parametrize(
    ("kills", "workers", "replicates"),
    [(25, 1, 350), (3, 2, 120), pytest.param(50, 1, 700, marks=pytest.mark.slow)],
)
def test_kill_and_resume(
    toy: Any, tmp_path: Path, kills: int, workers: int, replicates: int
) -> None:
    """SIGKILL at random moments: what was committed stays, and is never computed again."""
    forks = Forks(tmp_path, replicates, workers)
    rng = np.random.default_rng(0)
    for number in range(kills):
        forks.kill_after(rng.uniform(0.0, 0.04))
        if number % 5 == 4:  # and not always: a reader that closes tidies the file up
            assert forks.committed() <= forks.in_ledger() < 2 * replicates
    forks.begin()
    assert forks.ended() == 0
    forks.close()
    assert forks.in_ledger() == 2 * replicates
    # a kill costs the replicates under way, at most one a worker; nothing else starts twice
    again = len(forks.starts()) - 2 * replicates
    assert 0 <= again <= kills * workers
    assert len(set(forks.starts())) == 2 * replicates
    run(toy.study(replicates=replicates), tmp_path / "whole.ledger")
    with reopen(forks.ledger) as killed, reopen(tmp_path / "whole.ledger") as whole:
        assert killed.records() == whole.records()
        assert killed.failures() == []


@POSIX
@pytest.mark.parametrize("workers", [1, 2])
def test_two_runs_at_once_share_the_work(toy: Any, tmp_path: Path, workers: int) -> None:
    pair = [Forks(tmp_path, 80, workers), Forks(tmp_path, 80, workers)]
    for forks in pair:
        forks.begin()
    for forks in pair:
        assert forks.ended() == 0
        assert forks.in_ledger() == 160  # each returns when all is there
        forks.close()
    assert len(pair[0].starts()) == len(set(pair[0].starts())) == 160


@POSIX
def test_a_run_takes_over_from_one_that_is_killed(toy: Any, tmp_path: Path) -> None:
    pair = [Forks(tmp_path, 80, 1), Forks(tmp_path, 80, 1)]
    victim, _ = [forks.begin() for forks in pair]
    while len(pair[0].starts()) < 50:
        time.sleep(0.001)
    os.kill(victim, signal.SIGKILL)
    assert [forks.ended() for forks in pair] == [signal.SIGKILL, 0]
    assert pair[0].in_ledger() == 160
    assert 160 <= len(pair[0].starts()) <= 161
    for forks in pair:
        forks.close()


def records(ledger: Path) -> list[dict[str, Any]]:
    with reopen(ledger) as book:
        return book.records()


def test_records_do_not_depend_on_workers(toy: Any, tmp_path: Path) -> None:
    for workers in (1, 2):
        run(toy.study(), tmp_path / f"{workers}.ledger", workers=workers)
    run(toy.study(replicates=7), tmp_path / "parts.ledger")
    run(toy.study(), tmp_path / "parts.ledger", workers=2)
    one = records(tmp_path / "1.ledger")
    assert len(one) == 40
    assert one == records(tmp_path / "2.ledger") == records(tmp_path / "parts.ledger")
    run(toy.study(), tmp_path / "seed.ledger", seed=1)
    assert not {r["x"] for r in one} & {r["x"] for r in records(tmp_path / "seed.ledger")}


def test_a_replicate_that_raises_is_kept_with_its_traceback(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, place = toy.study(toy.sometimes_raises), tmp_path / "t.ledger"
    expected = [
        (condition, replicate)
        for condition in range(2)
        for replicate in range(20)
        if study.rng(0, condition, replicate).random() < 0.2
    ]
    assert expected  # else the test says nothing
    tally = run(study, place)
    assert (tally.recorded, tally.raised) == (40 - len(expected), len(expected))
    with reopen(place) as book:
        assert [failure[:2] for failure in book.failures()] == expected
        assert all("RuntimeError: 0." in text for _, _, text in book.failures())
        assert all("in sometimes_raises" in text for _, _, text in book.failures())
    monkeypatch.setenv("TOY_MENDED", "yes")
    assert run(study, place) == tally  # not tried again unasked
    assert run(study, place, retry=True).raised == 0
    run(study, tmp_path / "whole.ledger")
    assert records(place) == records(tmp_path / "whole.ledger")


def test_what_fails_again_is_tried_once_only(toy: Any, tmp_path: Path) -> None:
    study, place = toy.study(toy.sometimes_raises), tmp_path / "t.ledger"
    first = run(study, place)
    heard: list[tuple[int, int, int]] = []
    again = run(study, place, retry=True, told=lambda *counts: heard.append(counts))
    assert again == first
    assert heard[0] == (first.recorded, 0, 40)
    assert heard[-1] == (40, first.raised, 40)


@POSIX
def test_a_worker_that_is_killed_costs_its_replicate_only(toy: Any, tmp_path: Path) -> None:
    study = toy.study(toy.kills_its_process, replicates=4)
    dying = sum(study.rng(0, c, r).random() < 0.2 for c in range(2) for r in range(4))
    assert dying
    tally = run(study, tmp_path / "t.ledger", workers=2)
    assert (tally.recorded, tally.raised) == (8 - dying, dying)
    with reopen(tmp_path / "t.ledger") as book:
        assert all("killed by signal 9" in text for _, _, text in book.failures())


def test_records_that_cannot_be_kept_are_failures(toy: Any, tmp_path: Path) -> None:
    for number, record in enumerate(
        (
            None,
            {"scale": 1.0},
            {"replicate": 1},
            {"x": object()},
            {1: 2.0},
            {"x": [[1.0]]},
            {"x": 1j},
        )
    ):
        study = toy.study(lambda parameters, rng, record=record: record, replicates=1)
        tally = run(study, tmp_path / f"{number}.ledger")
        assert (tally.recorded, tally.raised) == (0, 2), record


def test_what_numpy_returns_is_kept_plain(toy: Any, tmp_path: Path) -> None:
    made = {
        "a": np.float64(0.1), "b": np.int64(3), "c": np.bool_(True), "d": np.array([0.5, 2.5]),
        "e": float("nan"), "f": (np.float64(1.5), 2), "g": "ü", "h": float("-inf"),
        "i": np.array(7),
    }  # fmt: skip
    run(toy.study(lambda parameters, rng: made, replicates=1, scales=(1.0,)), tmp_path / "t.ledger")
    (record,) = records(tmp_path / "t.ledger")
    assert np.isnan(record.pop("e"))
    assert record == {
        "scale": 1.0, "replicate": 0, "a": 0.1, "b": 3, "c": True, "d": [0.5, 2.5],
        "f": [1.5, 2], "g": "ü", "h": float("-inf"), "i": 7,
    }  # fmt: skip
    assert type(record["c"]) is bool


def test_a_function_that_workers_cannot_import(toy: Any, tmp_path: Path) -> None:
    study = toy.study(lambda parameters, rng: {})
    with pytest.raises(ValueError, match="function at the top of a module"):
        run(study, tmp_path / "t.ledger", workers=2)
    assert not (tmp_path / "t.ledger").exists()


def test_an_interrupted_run_goes_on(toy: Any, tmp_path: Path) -> None:
    def pressed(done: int, raised: int, planned: int) -> None:
        if done == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(toy.study(), tmp_path / "t.ledger", told=pressed)
    with reopen(tmp_path / "t.ledger") as book:
        assert book.counts() == (11, 0)
        assert book.others() == 0
    assert not any("beating" in thread.name for thread in threading.enumerate())
    run(toy.study(), tmp_path / "t.ledger")
    run(toy.study(), tmp_path / "whole.ledger")
    assert records(tmp_path / "t.ledger") == records(tmp_path / "whole.ledger")


def stops(ledger: Path) -> dict[float, int]:
    return collections.Counter(record["scale"] for record in records(ledger))


def test_the_stop_at_a_precision_does_not_depend_on_workers(toy: Any, tmp_path: Path) -> None:
    """Scales 1, 2, 4 want about 1 : 4 : 16 replicates, in steps of 16 times a power of two."""
    study = toy.study(replicates=200, scales=(1.0, 2.0, 4.0))
    wanted = Precision("x", 0.25)
    for workers in (1, 2):
        run(study, tmp_path / f"{workers}.ledger", workers=workers, precision=wanted)
    serial = records(tmp_path / "1.ledger")
    assert serial == records(tmp_path / "2.ledger")
    counts = stops(tmp_path / "1.ledger")
    assert set(counts.values()) <= {16, 32, 64, 128, 200}
    for scale, count in counts.items():
        values = [record["x"] for record in serial if record["scale"] == scale]
        assert standard_error(values) <= 0.25 or count == 200
        if count > 16:  # and not yet at the look before
            before = 16 * 2 ** int(np.log2((count - 1) / 16))
            assert standard_error(values[:before]) > 0.25
    assert counts[4.0] == 200  # 4 / .25 squared is 256

    run(study, tmp_path / "1.ledger", precision=wanted)  # nothing is left to do
    assert stops(tmp_path / "1.ledger") == counts
    run(study, tmp_path / "1.ledger", precision=Precision("x", 0.12))
    assert sum(stops(tmp_path / "1.ledger").values()) > sum(counts.values())


def test_the_stop_is_at_the_wanted_error_itself(toy: Any, tmp_path: Path) -> None:
    study = toy.study(replicates=32, scales=(1.0,))
    first = [study.rng(0, 0, replicate).standard_normal() for replicate in range(16)]
    error = float(np.std(first, ddof=1)) / 4.0
    for share, kept in ((1.0 + 1e-9, 16), (1.0 - 1e-9, 32)):
        place = tmp_path / f"{kept}.ledger"
        run(study, place, precision=Precision("x", share * error))
        assert stops(place) == {1.0: kept}


def test_a_share_of_one_is_not_taken_for_certain(toy: Any, tmp_path: Path) -> None:
    """Sixteen times true leaves a share of .9 possible: 68 % interval [.1587 ** (1 / 16), 1]."""
    assert standard_error([True] * 16) == 0.0
    # Clopper-Pearson with all n true is [((1 - level) / 2) ** (1 / n), 1] in closed form
    alpha = 0.15865525393145705
    half = (1 - alpha ** (1 / 16)) / 2
    assert stopping_error([True] * 16) == pytest.approx(half, rel=1e-9, abs=0)
    study = toy.study(_always_true, replicates=100, scales=(1.0,))
    run(study, tmp_path / "t.ledger", precision=Precision("good", 0.04))
    assert stops(tmp_path / "t.ledger") == {1.0: 32}


def _always_true(parameters: Any, rng: Any) -> dict[str, bool]:
    return {"good": True}


def test_a_precision_of_what_is_not_recorded(toy: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no entry 'postive'; the nearest is 'positive'"):
        run(toy.study(), tmp_path / "t.ledger", precision=Precision("postive", 0.1))
    for options in ({"standard_error": 0.0}, {"standard_error": float("nan")}, {"first": 1}):
        with pytest.raises(ValueError, match="must be"):
            Precision(**{"entry": "x", "standard_error": 0.1, **options})


def test_streams_are_those_of_the_seed_sequence(toy: Any) -> None:
    import hashlib

    study = toy.study()
    number = int(hashlib.sha256(b"toy").hexdigest()[:8], 16)
    sequence = np.random.SeedSequence(9, spawn_key=(number, 1, 2))
    expected = np.random.default_rng(sequence).standard_normal(5)
    np.testing.assert_array_equal(study.rng(9, 1, 2).standard_normal(5), expected)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grid": {}}, "is empty"),
        ({"grid": []}, "is empty"),
        ({"grid": {"a": [], "b": [1]}}, "'a' is empty"),
        ({"grid": {"a": 3}}, "put a single value in a list"),
        ({"grid": {"a": "text"}}, "put a single value in a list"),
        ({"grid": {"a": [1, 1]}}, "twice"),
        ({"grid": [{"a": 1}, {"b": 1}]}, "differ in their parameters"),
        ({"grid": {"replicate": [1]}}, "called replicate"),
        ({"grid": {"a": [object()]}}, "parameter a must be a number"),
        ({"replicates": 0}, "replicates must be at least 1"),
        ({"replicates": 10**14}, "1e+14 replicates"),
        ({"grid": {c: range(1000) for c in "abcd"}}, "1e+12 replicates"),
        ({"replicates": 2.5}, "whole number"),
        ({"name": "two words"}, "'two words'"),
        ({"replicate": "toy.noise"}, "callable"),
        ({"quick": {"seed": 3}}, "not 'seed'"),
    ],
)
def test_studies_that_are_refused(toy: Any, changes: dict[str, Any], words: str) -> None:
    from pruneproof.simulations.studies import Study

    good = {"name": "t", "replicate": toy.noise, "grid": {"a": [1]}, "replicates": 1, "title": ""}
    with pytest.raises((ValueError, TypeError)) as error:
        Study(**{**good, **changes})
    assert words in str(error.value)


def test_conditions_of_a_product_run_the_last_axis_fastest(toy: Any) -> None:
    from pruneproof.simulations.studies import Study

    study = Study("t", toy.noise, {"a": (1, 2), "b": np.array([0.5, 1.5])}, 1, "")
    expected = [{"a": a, "b": b} for a in (1, 2) for b in (0.5, 1.5)]
    assert list(study.conditions) == expected
    listed = Study("t", toy.noise, expected, 1, "", quick={"replicates": 1, "grid": expected[:1]})
    assert listed.conditions == study.conditions
    assert listed.quickened.conditions == (expected[0],)
