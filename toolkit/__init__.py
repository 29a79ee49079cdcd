"""pruneproof: does this theorem of compression say anything about my network, how sure are we?

`pruneproof.theory` is the mathematics, `pruneproof.simulations` the laboratory,
`pruneproof.proofs_check` the claims with their verdicts. Names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES: dict[str, str] = {
    "Audit": "auditing",
    "audit": "auditing",
    "load_data": "models",
    "load_network": "models",
    "network_from_sklearn": "models",
    "save_network": "models",
    "InapplicableError": "theory.errors",
    "RankDeficientWarning": "theory.errors",
    "proofs_check": "",
    "simulations": "",
    "theory": "",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    if not home:
        return importlib.import_module(f".{name}", __name__)
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
