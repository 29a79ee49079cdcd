"""The ledger: one SQLite file that keeps each finished replicate, whatever happens to its run.

A finished replicate is committed as soon as it comes in, with its parameters, the path of its
random stream, its record or the traceback of what it raised, the versions and the seconds; the
same transaction claims what comes next. The file is in WAL mode with synchronous=NORMAL: a
process that is killed loses nothing that was committed; a machine that loses its power may lose
the last commits, never the file.

Runs on one ledger share the work by leases. A run claims each replicate, in a transaction, before
it starts on it, and the key (condition, replicate) keeps a second copy out in any case. A lease is
worth as much as the run that holds it: it ends with the run's process (same machine), or a minute
after the run's last heartbeat, so a killed run never blocks its successor. Claims are of single
replicates, as a lease of a whole condition would leave the second run idle in small grids.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .naming import nearest
from .study import Study
from .tables import (
    LedgerError,
    alive,
    check_header,
    connected,
    connected_to_read,
    damaged,
    make_tables,
    told,
    version_of,
)

Place = tuple[int, int]


@dataclass(frozen=True)
class Outcome:
    """What one replicate ended with.

    Attributes
    ----------
    condition, replicate : int
    record : mapping or None
        None where it raised.
    traceback : str or None
    seconds : float
    versions : mapping
        Name of a package to its version.
    """

    condition: int
    replicate: int
    record: Mapping[str, Any] | None
    traceback: str | None
    seconds: float
    versions: Mapping[str, str]


class Ledger:
    """An open ledger; use it in a `with` block, and in the thread that opened it.

    Attributes
    ----------
    path : Path
    name, title : str
        Of the study.
    seed : int
        Root of all random streams.
    conditions : tuple of dict
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self.run: int | None = None
        about = dict(self._all("SELECT key, value FROM study"))
        try:
            self.name: str = about["name"]
            self.title: str = about["title"]
            self.number = int(about["number"])
            self.seed = int(about["seed"])
            self.conditions: tuple[dict[str, Any], ...] = tuple(json.loads(about["conditions"]))
        except (KeyError, ValueError, TypeError) as error:
            raise damaged(path, f"its table study: {error!r}") from None
        (last,) = self._one("SELECT MAX(condition) FROM replicates")
        if (last or 0) >= len(self.conditions):
            raise damaged(path, f"{len(self.conditions)} conditions, yet a record of number {last}")

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End this run's leases and close the file."""
        with contextlib.suppress(LedgerError, sqlite3.Error):
            if self.run is not None:
                with self._writing():
                    self._connection.execute("DELETE FROM runs WHERE run = ?", (self.run,))
        self.run = None
        self._connection.close()

    # Runs and their leases.

    def begin(self) -> int:
        """Register this process as a run; it may claim replicates from now on."""
        now = time.time()
        with self._writing():
            for run, machine, process, heartbeat in self._all(
                "SELECT run, machine, process, heartbeat FROM runs"
            ):
                if not alive(machine, process, heartbeat, now):
                    self._connection.execute("DELETE FROM runs WHERE run = ?", (run,))
            made = self._connection.execute(
                "INSERT INTO runs (machine, process, started, heartbeat) VALUES (?, ?, ?, ?)",
                (platform.node(), os.getpid(), now, now),
            )
            self.run = made.lastrowid
        assert self.run is not None
        return self.run

    def claim(
        self, place: Place, *, failed_before: float | None = None
    ) -> Literal["mine", "theirs", "done"]:
        """Claim a replicate for this run, unless it is done or another live run has it.

        One that raised is done too, unless it did so before the time `failed_before`.
        """
        with self._writing():
            done = self._one(
                "SELECT record IS NULL, finished FROM replicates "
                "WHERE condition = ? AND replicate = ?",
                place,
            )
            if done is not None:
                failed, finished = done
                if not failed or failed_before is None or finished >= failed_before:
                    return "done"
            holder = self._one(
                "SELECT run, machine, process, heartbeat FROM leases LEFT JOIN runs USING (run) "
                "WHERE condition = ? AND replicate = ?",
                place,
            )
            if holder is not None and holder[0] != self.run and holder[1] is not None:
                _, machine, process, heartbeat = holder
                if alive(machine, process, heartbeat, time.time()):
                    return "theirs"
            self._connection.execute(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", (*place, self.run)
            )
            return "mine"

    def keep(self, outcome: Outcome) -> None:
        """Commit a finished replicate; one that is kept already stays, unless it had raised.

        Raises
        ------
        LedgerError
            The file cannot be written (say, the disk is full); nothing before is lost.
        """
        place = (outcome.condition, outcome.replicate)
        row = (
            *place,
            json.dumps(self.conditions[outcome.condition]),
            json.dumps([self.seed, self.number, *place]),
            None if outcome.record is None else json.dumps(outcome.record),
            outcome.traceback,
            json.dumps(outcome.versions),
            outcome.seconds,
            time.time(),
        )
        with self._writing():
            self._connection.execute(
                "INSERT INTO replicates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (condition, replicate) DO UPDATE SET record = excluded.record, "
                "traceback = excluded.traceback, versions = excluded.versions, "
                "seconds = excluded.seconds, finished = excluded.finished "
                "WHERE replicates.record IS NULL",
                row,
            )
            self._connection.execute(
                "DELETE FROM leases WHERE condition = ? AND replicate = ?", place
            )

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for all that is claimed and kept in the block: all of it or nothing."""
        with self._writing():
            yield

    # What is kept.

    def records(self) -> list[dict[str, Any]]:
        """Flat records of all replicates that did not raise, by condition, then replicate."""
        return [
            {**self.conditions[condition], "replicate": replicate, **self._entries(record)}
            for condition, replicate, record in self._all(
                "SELECT condition, replicate, record FROM replicates "
                "WHERE record IS NOT NULL ORDER BY condition, replicate"
            )
        ]

    def _entries(self, text: str) -> dict[str, Any]:
        """Entries of one record."""
        try:
            found = json.loads(text)
        except (ValueError, TypeError) as error:
            raise damaged(self.path, f"a record: {error}") from None
        if not isinstance(found, dict):
            raise damaged(self.path, f"a record is {text:.40}")
        return found

    def failures(self) -> list[tuple[int, int, str]]:
        """Condition, replicate and traceback of all that raised."""
        return self._all(
            "SELECT condition, replicate, traceback FROM replicates "
            "WHERE traceback IS NOT NULL ORDER BY condition, replicate"
        )

    def done(self, *, failed_before: float | None = None) -> set[Place]:
        """Replicates that are kept; without those that raised before that time, if one is given."""
        return set(
            self._all(
                "SELECT condition, replicate FROM replicates "
                "WHERE record IS NOT NULL OR finished >= ?",
                (-1.0 if failed_before is None else failed_before,),
            )
        )

    def counts(self) -> tuple[int, int]:
        """Replicates that are kept, and how many of them raised."""
        kept, raised = self._one("SELECT COUNT(*), COUNT(traceback) FROM replicates")
        return int(kept), int(raised)

    def entry(self, name: str, condition: int) -> dict[int, Any]:
        """One entry of all records of a condition by the number of the replicate.

        Raises
        ------
        ValueError
            A record has no such entry.
        """
        found = {}
        for replicate, text in self._all(
            "SELECT replicate, record FROM replicates WHERE condition = ? AND record IS NOT NULL",
            (condition,),
        ):
            record = self._entries(text)
            if name not in record:
                raise ValueError(
                    f"records of study {self.name} have no entry {name!r}; {nearest(name, record)}"
                )
            found[replicate] = record[name]
        return found

    def seconds(self) -> float:
        """Seconds that all kept replicates took together."""
        (total,) = self._one("SELECT TOTAL(seconds) FROM replicates") or (0.0,)
        return float(total)

    def others(self) -> int:
        """Live runs on this ledger besides this one."""
        now = time.time()
        rows = self._all("SELECT run, machine, process, heartbeat FROM runs")
        return sum(
            run != self.run and alive(machine, process, heartbeat, now)
            for run, machine, process, heartbeat in rows
        )

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with told(self.path):
            return self._connection.execute(query, values).fetchall()

    def _one(self, query: str, values: Sequence[Any] = ()) -> Any:
        with told(self.path):
            return self._connection.execute(query, values).fetchone()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: all of the block or nothing; part of one that is under way."""
        if self._connection.in_transaction:
            yield
            return
        with told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back itself
                    self._connection.execute("ROLLBACK")
                raise


def create(path: str | os.PathLike[str], study: Study, *, seed: int) -> Ledger:
    """Ledger of this study, grid and seed: the one at `path`, or a new one.

    Raises
    ------
    LedgerError
        The file is no ledger, damaged, of a newer version, or of another study, grid or seed; or
        it cannot be written.
    """
    place = Path(path)
    with told(place):
        connection = connected(place)
        try:
            check_header(place, connection)
            make_tables(connection, study, seed)
            ledger = Ledger(place, connection)
            _check_same(ledger, study, seed)
        except BaseException:
            connection.close()
            raise
    return ledger


def reopen(path: str | os.PathLike[str]) -> Ledger:
    """Ledger that exists, of whatever study; to be read only where nothing may be written.

    Raises
    ------
    LedgerError
        There is none, or it is no ledger, damaged, or of a newer version.
    """
    place = Path(path)
    if not place.is_file():
        raise LedgerError(f"there is no ledger {place}; `pruneproof study run` makes one")
    writable = os.access(place, os.W_OK) and os.access(place.resolve().parent, os.W_OK)
    with told(place):
        connection = connected(place) if writable else connected_to_read(place)
        try:
            check_header(place, connection)
            if not version_of(connection):
                raise LedgerError(f"{place} is empty, no ledger; `pruneproof study run` makes one")
            return Ledger(place, connection)
        except BaseException:
            connection.close()
            raise


def beat(path: Path, run: int) -> None:
    """Say that a run is alive, so that its leases hold; from any thread."""
    with told(path), contextlib.closing(connected(path)) as connection:
        connection.execute("UPDATE runs SET heartbeat = ? WHERE run = ?", (time.time(), run))


def _check_same(ledger: Ledger, study: Study, seed: int) -> None:
    kept = f"{ledger.path} is the ledger of"
    if ledger.name != study.name:
        raise LedgerError(
            f"{kept} study {ledger.name}, not of {study.name}; name another file for the ledger"
        )
    if json.dumps(ledger.conditions) != json.dumps(study.conditions):
        raise LedgerError(
            f"{kept} study {study.name} on another grid ({_difference(ledger, study)}); "
            "name another file for the ledger"
        )
    if ledger.seed != seed:
        raise LedgerError(
            f"{kept} study {study.name} under seed {ledger.seed}, not {seed}; "
            "use that seed, or name another file for the ledger"
        )


def _difference(ledger: Ledger, study: Study) -> str:
    """First condition at which two grids part."""
    for number, (theirs, ours) in enumerate(zip(ledger.conditions, study.conditions)):
        if json.dumps(theirs) != json.dumps(ours):
            return f"condition {number} is {json.dumps(theirs)} there, {json.dumps(ours)} here"
    return f"{len(ledger.conditions)} conditions there, {len(study.conditions)} here"
