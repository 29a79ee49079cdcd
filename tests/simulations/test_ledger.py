"""The ledger: what it refuses, what it keeps when the disk is full, who may claim what."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pruneproof.simulations.studies import LedgerError, create, reopen, run
from pruneproof.simulations.studies.ledger import Outcome, beat
from pruneproof.simulations.studies.tables import LEASE, SCHEMA


def kept(ledger: Path) -> dict[tuple[int, int], Any]:
    """All rows by their place, as plain SQLite reads them."""
    with sqlite3.connect(ledger) as connection:
        rows = connection.execute("SELECT * FROM replicates").fetchall()
    connection.close()
    assert len({row[:2] for row in rows}) == len(rows)
    return {row[:2]: row[2:] for row in rows}


def outcome(condition: int, replicate: int, x: float = 1.0) -> Outcome:
    return Outcome(condition, replicate, {"x": x}, None, 0.1, {"numpy": "2"})


def sentence(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_row_says_how_to_repeat_it(toy: Any, tmp_path: Path) -> None:
    study = toy.study()
    run(study, tmp_path / "t.ledger", seed=5)
    rows = kept(tmp_path / "t.ledger")
    assert set(rows) == {(c, r) for c in range(2) for r in range(20)}
    for (condition, replicate), row in rows.items():
        parameters, seed, record, traceback, versions, seconds, finished = row
        root, *key = json.loads(seed)
        assert (root, key) == (5, [study.number, condition, replicate])
        again = toy.noise(json.loads(parameters), study.rng(root, *key[1:]))
        assert json.loads(record) == again  # to the last bit: JSON keeps the shortest digits
        assert traceback is None
        assert set(json.loads(versions)) == {"python", "pruneproof", "numpy", "scipy"}
        assert 0 <= seconds < finished


def test_it_is_in_wal_mode(toy: Any, tmp_path: Path) -> None:
    create(tmp_path / "t.ledger", toy.study(), seed=0).close()
    with sqlite3.connect(tmp_path / "t.ledger") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_what_belongs_to_another_study_is_refused(toy: Any, tmp_path: Path) -> None:
    place = tmp_path / "t.ledger"
    run(toy.study(), place)
    before = kept(place)
    for other, seed, words in (
        (toy.study(name="other"), 0, "study toy, not of other"),
        (toy.study(scales=(1.0, 3.0)), 0, 'condition 1 is {"scale": 2.0} there, {"scale": 3.0}'),
        (toy.study(scales=(1.0,)), 0, "2 conditions there, 1 here"),
        (toy.study(), 1, "under seed 0, not 1"),
    ):
        with pytest.raises(LedgerError) as error:
            run(other, place, seed=seed)
        assert words in sentence(error)
        assert str(place) in sentence(error)
    assert kept(place) == before
    run(toy.study(replicates=25), place)  # more replicates of the same are no other study
    assert len(kept(place)) == 50


def test_a_newer_version_is_refused(toy: Any, tmp_path: Path) -> None:
    place = tmp_path / "t.ledger"
    run(toy.study(), place)
    with sqlite3.connect(place) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    for attempt in (lambda: reopen(place), lambda: run(toy.study(), place)):
        with pytest.raises(
            LedgerError, match=f"version {SCHEMA + 1}.*reads up to version"
        ) as error:
            attempt()
        sentence(error)


def test_files_that_are_no_ledger(toy: Any, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 1000)
    (tmp_path / "folder").mkdir()
    with sqlite3.connect(tmp_path / "other") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    for name, words in (
        ("text", "not a database"),
        ("folder", "unable to open"),
        ("other", "SQLite file of something else"),
        ("missing/t.ledger", "folder that exists"),
    ):
        with pytest.raises(LedgerError) as error:
            run(toy.study(), tmp_path / name)
        assert words in sentence(error)
    for name in ("missing", "folder"):
        with pytest.raises(LedgerError, match="there is no ledger"):
            reopen(tmp_path / name)
    (tmp_path / "empty").touch()
    with pytest.raises(LedgerError, match="is empty"):
        reopen(tmp_path / "empty")
    assert (tmp_path / "text").read_text() == "no database " * 1000


def test_damage_is_found(toy: Any, tmp_path: Path) -> None:
    place = tmp_path / "t.ledger"
    run(toy.study(replicates=200), place)
    whole = place.read_bytes()
    half = len(whole) // 2
    for damaged in (whole[:half], whole[:4096] + bytes(len(whole) - 4096), b"x" + whole[1:]):
        place.write_bytes(damaged)
        with pytest.raises(LedgerError, match="damaged") as error:
            run(toy.study(replicates=200), place)
        sentence(error)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE replicates SET record = '{\"x\": '",
        "UPDATE replicates SET record = '[1, 2]' WHERE replicate = 1",
        "UPDATE replicates SET condition = condition + 7",
        "UPDATE study SET value = '[' WHERE key = 'conditions'",
        "UPDATE study SET value = '[]' WHERE key = 'conditions'",
        "UPDATE study SET value = 'abc' WHERE key = 'seed'",
        "DELETE FROM study WHERE key = 'seed'",
    ],
)
def test_damage_that_sqlite_does_not_see_is_found(toy: Any, tmp_path: Path, change: str) -> None:
    place = tmp_path / "t.ledger"
    run(toy.study(replicates=2), place)
    with sqlite3.connect(place) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(LedgerError, match=r"t\.ledger is damaged") as error, reopen(place) as book:
        book.records()
    sentence(error)


def test_where_nothing_may_be_written_a_ledger_can_be_read(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a #1 ledger?"  # a name that an address must quote
    run(toy.study(), place)
    with reopen(place) as book:
        whole = book.records()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write whatever the mode says
    before = place.stat().st_mtime_ns
    with reopen(place) as book:
        assert book.records() == whole
        assert book.counts() == (40, 0)
        with pytest.raises(LedgerError, match="may be written"):
            book.begin()
        assert sorted(file.name for file in tmp_path.iterdir()) == [place.name, "modules"]
    assert place.stat().st_mtime_ns == before


def test_a_full_disk_loses_nothing(toy: Any, tmp_path: Path) -> None:
    """SQLite's own limit of pages makes it answer as on a full disk."""
    place = tmp_path / "t.ledger"
    taken = 0
    with create(place, toy.study(replicates=1000), seed=0) as book:
        book._connection.execute("PRAGMA max_page_count = 20")

        def fill() -> None:
            nonlocal taken
            for replicate in range(1000):
                book.keep(outcome(0, replicate))
                taken += 1

        with pytest.raises(LedgerError, match=r"disk is full.*is safe: make room") as error:
            fill()
        sentence(error)
        assert len(book.records()) == taken
    assert 0 < taken < 1000
    assert len(kept(place)) == taken
    run(toy.study(replicates=1000), place)  # with room again it goes on
    assert len(kept(place)) == 2000


class FullDisk:
    """A connection on which every write of a replicate meets a full disk."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, query: str, *values: Any) -> Any:
        if query.startswith("INSERT INTO replicates"):
            raise sqlite3.OperationalError("database or disk is full")
        return self._real.execute(query, *values)


def test_a_run_on_a_full_disk_says_so(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pruneproof.simulations.studies import ledger

    place = tmp_path / "t.ledger"
    run(toy.study(replicates=3), place)
    before = kept(place)
    real = ledger.connected
    monkeypatch.setattr(ledger, "connected", lambda path: FullDisk(real(path)))
    with pytest.raises(LedgerError, match="make room and run again") as error:
        run(toy.study(replicates=9), place)
    sentence(error)
    monkeypatch.undo()
    assert kept(place) == before


def test_a_claim_holds_while_its_run_lives(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "t.ledger"
    with create(place, toy.study(), seed=0) as ours, create(place, toy.study(), seed=0) as theirs:
        ours.begin()
        number = theirs.begin()
        assert theirs.claim((0, 0)) == "mine"
        assert theirs.claim((0, 0)) == "mine"
        assert ours.claim((0, 0)) == "theirs"
        assert ours.others() == 1
        beat(place, number)
        with sqlite3.connect(place) as other:  # silent for longer than a lease
            other.execute(
                "UPDATE runs SET heartbeat = heartbeat - ? WHERE run = ?", (LEASE + 1, number)
            )
        other.close()
        assert ours.claim((0, 0)) == "mine"
        ours.keep(outcome(0, 0))
        theirs.keep(outcome(0, 0, x=2.0))  # it comes late, and the first one stays
        assert theirs.claim((0, 0)) == "done"
        assert [record["x"] for record in ours.records()] == [1.0]


def test_a_long_replicate_does_not_silence_its_run(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pruneproof.simulations.studies import running

    monkeypatch.setattr(running, "LEASE", 0.06)
    place, heard = tmp_path / "t.ledger", []

    def patient(parameters: Any, rng: Any) -> dict[str, float]:
        """Wait until a second process would have seen three heartbeats."""
        connection = sqlite3.connect(place)
        while len(set(heard)) < 3:
            heard.extend(connection.execute("SELECT heartbeat FROM runs").fetchone())
        connection.close()
        return {"x": 1.0}

    run(toy.study(patient, replicates=1, scales=(1.0,)), place)
    assert heard == sorted(heard)


def interrupted(book: Any) -> None:
    with book.together():
        book.keep(outcome(0, 1))
        raise RecursionError


def test_what_goes_together_is_there_at_once_or_not_at_all(toy: Any, tmp_path: Path) -> None:
    place = tmp_path / "t.ledger"
    with create(place, toy.study(), seed=0) as book:
        book.begin()
        with book.together():
            book.keep(outcome(0, 0))
            assert book.claim((0, 1)) == "mine"
            assert not kept(place)
        assert set(kept(place)) == {(0, 0)}
        with pytest.raises(RecursionError):
            interrupted(book)
        assert set(kept(place)) == {(0, 0)}
        book.keep(outcome(0, 1))
        assert set(kept(place)) == {(0, 0), (0, 1)}


def test_a_run_that_ends_gives_its_claims_back(toy: Any, tmp_path: Path) -> None:
    place = tmp_path / "t.ledger"
    with create(place, toy.study(), seed=0) as theirs:
        theirs.begin()
        theirs.claim((1, 3))
    with create(place, toy.study(), seed=0) as ours:
        ours.begin()
        assert ours.claim((1, 3)) == "mine"


@pytest.mark.skipif(os.name == "nt", reason="processes are looked up on POSIX systems only")
def test_the_claims_of_a_dead_process_end_at_once(toy: Any, tmp_path: Path) -> None:
    place = tmp_path / "t.ledger"
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "import toy_of_studies as toy\n"
        "from pruneproof.simulations.studies import create\n"
        "book = create(sys.argv[2], toy.study(), seed=0)\n"
        "book.begin(); book.claim((0, 0)); os.kill(os.getpid(), 9)"
    )
    arguments = [str(tmp_path / "modules"), str(place)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=False)
    assert done.returncode == -9
    with sqlite3.connect(place) as connection:
        assert connection.execute("SELECT COUNT(*) FROM leases").fetchone() == (1,)
    connection.close()
    with create(place, toy.study(), seed=0) as ours:
        ours.begin()
        assert ours.claim((0, 0)) == "mine"


def test_many_may_create_it_at_once(toy: Any, tmp_path: Path) -> None:
    errors: list[BaseException] = []
    start = threading.Barrier(8)

    def work() -> None:
        try:
            start.wait()
            create(tmp_path / "t.ledger", toy.study(), seed=0).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with reopen(tmp_path / "t.ledger") as book:
        assert book.name == "toy"
