"""Studies: a pure replicate function over a grid, run to a ledger that a kill does not harm.

A :class:`Study` says what is computed, :func:`run` computes what its ledger lacks, the other files
read the ledger: summary, export, figure. Names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Study": "study",
    "Ledger": "ledger",
    "LedgerError": "tables",
    "create": "ledger",
    "reopen": "ledger",
    "Precision": "running",
    "Tally": "running",
    "run": "running",
    "builtin_study": "configuration",
    "builtin_studies": "configuration",
    "read_study": "configuration",
    "summarise": "summary",
    "export": "export",
    "to_xarray": "export",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
