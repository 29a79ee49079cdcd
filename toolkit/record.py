"""The record of the last verdict on each claim, for `pruneproof explain`: an SQLite file.

It lies in the cache folder. Each verdict is committed as it comes, so what was found before a kill
is there. A record that is damaged or cannot be written costs one line, never the run.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pruneproof.proofs_check import Verdict

from .digits import cache_folder

_TABLE = (
    "CREATE TABLE IF NOT EXISTS verdicts "
    "(claim TEXT PRIMARY KEY, version TEXT NOT NULL, budget TEXT NOT NULL, plan TEXT NOT NULL, "
    "alpha REAL NOT NULL, made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, verdict TEXT NOT NULL)"
)


@dataclass(frozen=True)
class Recorded:
    """A verdict with the run it comes from."""

    verdict: Verdict
    version: str
    budget: str
    plan: str
    alpha: float
    made: str


def record_file() -> Path:
    """Where the record lies."""
    return cache_folder() / "verdicts.sqlite"


def keep(verdict: Verdict, *, version: str, budget: str, plan: str, alpha: float) -> None:
    """Put a verdict in the place of the last one on its claim.

    `alpha` is the claim's own share of the error level: what the claim run alone would be given.

    Raises
    ------
    ValueError
        The record is damaged or cannot be written; it is left as it is.
    """
    from pruneproof.proofs_check.verdict import as_json

    text = json.dumps(as_json([verdict])["verdicts"][0], allow_nan=False)
    with _opened() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO verdicts (claim, version, budget, plan, alpha, verdict) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (verdict.claim, version, budget, plan, alpha, text),
        )


def last(claim_id: str) -> Recorded | None:
    """Last verdict on a claim; None where there is none.

    Raises
    ------
    ValueError
        The record is damaged.
    """
    if not record_file().exists():
        return None
    with _opened() as connection:
        row = connection.execute(
            "SELECT verdict, version, budget, plan, alpha, made FROM verdicts WHERE claim = ?",
            (claim_id,),
        ).fetchone()
        if row is None:
            return None
        try:
            return Recorded(_verdict(json.loads(row[0])), *row[1:])
        except (TypeError, ValueError, KeyError) as error:
            raise sqlite3.DatabaseError(
                f"the verdict on {claim_id} cannot be read: {error}"
            ) from None


def _verdict(fields: dict[str, Any]) -> Verdict:
    for name in ("findings", "mutants"):
        fields[name] = tuple(fields[name])
    for name in ("worst_ratio", "tightness"):
        fields[name] = None if fields[name] is None else float(fields[name])
    return Verdict(**fields)


@contextlib.contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    """The record, committed where the block ends well; what SQLite says is put in one line."""
    place = record_file()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(place, timeout=10)) as connection, connection:
            connection.execute(_TABLE)
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise ValueError(
            f"the record of last verdicts {place} cannot be used ({error}); it is left alone, "
            "delete it to start a new one"
        ) from None
