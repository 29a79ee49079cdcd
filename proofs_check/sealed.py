"""Sealed files: JSON documents that say what they are and show when they were altered.

A document carries its ``schema``, the version of pruneproof that wrote it and ``sha256``, the hash
of all else in canonical form (sorted keys, no spaces, shortest digits that give the float64 back).
The hash shows damage and careless edits. It is no signature: who alters a file on purpose can seal
it again, which is why replaying trusts none of its figures and computes them anew.

This module may import the standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

#: Largest file that is read, in bytes: a certificate of 400 nodes takes less than a tenth.
LARGEST = 64 * 2**20


def sealed(schema: str, content: Mapping[str, Any]) -> bytes:
    """The content as bytes of a sealed document of that schema."""
    document = {"schema": schema, "version": _version(), **content}
    document["sha256"] = _hash(document)
    return (json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def opened(path: str | os.PathLike[str], schemas: tuple[str, ...]) -> dict[str, Any]:
    """Content of a sealed document of one of the schemas.

    Raises
    ------
    ValueError
        The file is missing, too large, truncated, no JSON, of another schema, or altered.
    """
    place = Path(path)
    try:
        if place.stat().st_size > LARGEST:
            raise ValueError(f"{place} has more than {LARGEST} bytes, so it is none of these files")
        text = place.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"there is no file {place}; check the path") from None
    except OSError as error:
        raise ValueError(f"{place} cannot be read: {error.strerror or error}") from None
    try:
        document = json.loads(text, parse_constant=_refused, object_pairs_hook=_once)
        found = _hash(document) if isinstance(document, dict) else ""
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{place} is truncated or no JSON ({error}); copy or write it again"
        ) from None
    if not isinstance(document, dict) or document.get("schema") not in schemas:
        schema = document.get("schema") if isinstance(document, dict) else None
        raise ValueError(
            f"{place} has the schema {schema!r:.80}, but {' or '.join(schemas)} was expected"
        )
    if document.get("sha256") != found:
        raise ValueError(
            f"{place} was altered after it was written: its content does not have the hash that it "
            "states; write it again"
        )
    return document


def _hash(document: Mapping[str, Any]) -> str:
    content = {key: value for key, value in document.items() if key != "sha256"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _version() -> str:
    try:
        return version("pruneproof")
    except PackageNotFoundError:  # the folders without an installation
        return "unknown"
