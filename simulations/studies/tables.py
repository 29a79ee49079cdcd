"""The file under the ledger: its tables, its header, and what SQLite raises in one sentence."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from .study import Study

#: Version of the tables; a newer one is refused.
SCHEMA = 1
#: "prun" in the header of the file tells a ledger from any other SQLite file.
APPLICATION = int.from_bytes(b"prun", "big")
#: Seconds after the last heartbeat at which the leases of a run end.
LEASE = 60.0
#: Seconds to wait for another process that is writing.
PATIENCE = 30.0

TABLES = """
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE replicates (
    condition INTEGER NOT NULL,
    replicate INTEGER NOT NULL,
    parameters TEXT NOT NULL,
    seed TEXT NOT NULL,
    record TEXT,
    traceback TEXT,
    versions TEXT NOT NULL,
    seconds REAL NOT NULL,
    finished REAL NOT NULL,
    PRIMARY KEY (condition, replicate),
    CHECK ((record IS NULL) <> (traceback IS NULL))
);
CREATE TABLE runs (
    run INTEGER PRIMARY KEY AUTOINCREMENT,
    machine TEXT NOT NULL,
    process INTEGER NOT NULL,
    started REAL NOT NULL,
    heartbeat REAL NOT NULL
);
CREATE TABLE leases (
    condition INTEGER NOT NULL,
    replicate INTEGER NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (run) ON DELETE CASCADE,
    PRIMARY KEY (condition, replicate)
) WITHOUT ROWID;
"""


class LedgerError(ValueError):
    """The ledger cannot be used or written; what it held is untouched."""


def connected(place: Path) -> sqlite3.Connection:
    """Connection in autocommit mode: transactions begin where the code says so."""
    return sqlite3.connect(place, timeout=PATIENCE, isolation_level=None)


def connected_to_read(place: Path) -> sqlite3.Connection:
    """Connection that writes nothing, for a ledger where nothing may be written.

    In WAL mode even a reader leaves files beside the ledger, unless it is told that the file does
    not change, as holds where no log lies beside it and nobody may write one.
    """
    log = Path(f"{place}-wal")
    at_rest = not log.exists() or log.stat().st_size == 0
    address = f"{place.resolve().as_uri()}?mode=ro{'&immutable=1' if at_rest else ''}"
    return sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)


def damaged(place: Path, what: object) -> LedgerError:
    """The ledger holds what no run wrote."""
    return LedgerError(f"{place} is damaged ({what}); restore it, or start another ledger")


def version_of(connection: sqlite3.Connection) -> int:
    """Version of the tables; 0 where there are none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check_header(place: Path, connection: sqlite3.Connection) -> None:
    """Refuse a file of something else, of a newer version, or damaged; set the connection up."""
    connection.execute("BEGIN")  # one snapshot, while another process may be making the tables
    version = version_of(connection)
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    connection.execute("COMMIT")
    if tables and application != APPLICATION:
        raise LedgerError(
            f"{place} is an SQLite file of something else, not a ledger; name another file"
        )
    if version > SCHEMA:
        raise LedgerError(
            f"{place} is a ledger of version {version}, and this pruneproof reads up to version "
            f"{SCHEMA}; use the newer pruneproof that wrote it"
        )
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        found = " ".join(found.split())
        raise damaged(place, found)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")


def make_tables(connection: sqlite3.Connection, study: Study, seed: int) -> None:
    """Make the tables, unless they are there or another process was first."""
    if version_of(connection):
        return
    _set_wal(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not version_of(connection):
            for statement in TABLES.split(";"):
                connection.execute(statement)
            about = {
                "name": study.name,
                "title": study.title,
                "number": str(study.number),
                "seed": str(seed),
                "conditions": json.dumps(study.conditions),
            }
            connection.executemany("INSERT INTO study VALUES (?, ?)", about.items())
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _set_wal(connection: sqlite3.Connection) -> None:
    """Turn WAL on; where another process does so too, SQLite says `locked` without waiting."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


def alive(machine: str, process: int, heartbeat: float, now: float) -> bool:
    """Whether a run still works, as far as its heartbeat and its process tell."""
    if now - heartbeat > LEASE:
        return False
    if machine != platform.node() or os.name == "nt":  # there os.kill would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


@contextlib.contextmanager
def told(place: Path) -> Iterator[None]:
    """What SQLite raises, in one sentence that says what is safe and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "full" in text:
            advice = "what was committed before is safe: make room and run again"
        elif "locked" in text:
            advice = f"another process has been writing for {PATIENCE:g} s: wait, and run again"
        elif "not a database" in text or "malformed" in text:
            advice = "it is damaged or no ledger: restore it, or name another file"
        elif "unable to open" in text or "readonly" in text:
            advice = "name a file in a folder that exists and may be written"
        else:
            advice = "what was committed before is safe: mend the cause and run again"
        raise LedgerError(f"the ledger {place} fails ({text}); {advice}") from None
