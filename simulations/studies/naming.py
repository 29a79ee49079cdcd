"""The nearest known name, for sentences about unknown ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Words that name the nearest known name, or all of them where none is near."""
    names = [str(one) for one in known]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"the nearest is {close[0]!r}"
    return f"known are {', '.join(names)}" if names else "none is known"
