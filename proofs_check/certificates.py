"""The folder of a run's certificates."""

from __future__ import annotations

import os
from pathlib import Path


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Folder for certificates, made where it is missing.

    Raises
    ------
    ValueError
        It cannot be made or written, or is a file.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"cannot write certificates in {place}: {error.strerror or error}; name a folder"
        ) from None
    if not os.access(place, os.W_OK):
        raise ValueError(f"cannot write certificates in {place}: it may not be written")
    return place
