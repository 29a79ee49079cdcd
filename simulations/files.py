"""Files that are written whole or not at all.

A file is written beside its place under another name and then renamed, which the system does in
one step: a reader sees the old file or the new one, never half of one.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Binary file that appears at `path` when the block ends well, and nowhere when it raises.

    A link keeps its place, what it points to is written; a device or a pipe such as /dev/stdout is
    written to, as another file in its place would take it away from everybody.

    Raises
    ------
    ValueError
        The folder of `path` is missing or may not be written, or its disk is full.
    """
    place = Path(path)
    if place.exists() and not (place.is_file() or place.is_dir()):
        with _failures_named(path), open(place, "wb") as device:
            yield device
        return
    place = place.resolve()
    try:
        number, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    except OSError as error:
        raise ValueError(
            f"cannot write {path}: {error.strerror or error}; name a folder that exists and may "
            "be written"
        ) from None
    try:
        with _failures_named(path), os.fdopen(number, "wb") as file:
            yield file
        os.chmod(name, 0o666 & ~_umask())  # mkstemp makes private files
        try:
            os.replace(name, place)
        except OSError as error:
            raise ValueError(f"cannot write {path}: {error.strerror or error}") from None
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


@contextlib.contextmanager
def _failures_named(path: str | os.PathLike[str]) -> Iterator[None]:
    """What the system refuses while `path` is written, as one sentence that names it."""
    try:
        yield
    except BrokenPipeError:  # a reader that has left ends the program
        raise
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror or error}") from None


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
