"""Files that a user hands in, read without ever unpickling."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray


def read_arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz file; object arrays are refused, never unpickled.

    Raises
    ------
    ValueError
        No such file, not an .npz file, truncated or damaged, or it holds an object array.
    """
    place = Path(path)
    try:
        with open(place, "rb") as file:
            return _arrays(place, file)
    except FileNotFoundError:
        raise ValueError(f"there is no file {place}; check the path") from None
    except OSError as error:
        raise ValueError(f"{place} cannot be read: {error.strerror or error}") from None


def _arrays(place: Path, file: IO[bytes]) -> dict[str, NDArray[Any]]:
    try:
        if file.read(4) in (b"PK\x03\x04", b"PK\x05\x06"):
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return {key: _member(archive, key) for key in archive.files}
    except _ObjectArray as error:
        raise ValueError(
            f"{place}: '{error}' is an object array, which would have to be unpickled and is "
            "refused; store plain numbers (for layers of unequal shape, one key each)"
        ) from None
    except Exception as error:  # what NumPy and zipfile raise on damaged bytes has no end
        raise ValueError(
            f"{place} is truncated or damaged ({_short(error)}); copy or write it again"
        ) from None
    raise ValueError(
        f"{place} is not an .npz file (it does not begin as a zip archive); write one with "
        "numpy.savez or pruneproof's save_network"
    )


def _short(error: Exception) -> str:
    """What another library says, in one line of at most 100 characters; it may quote the bytes."""
    return textwrap.shorten(" ".join(str(error).split()), 100, placeholder=" ...")


class _ObjectArray(Exception):
    """The array of that key would have to be unpickled."""


def _member(archive: Any, key: str) -> NDArray[Any]:
    try:
        return np.asarray(archive[key])
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise _ObjectArray(key) from None
        raise
