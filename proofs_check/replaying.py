"""Replaying: a witness or a certificate is checked again from its file alone."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .certificates import SCHEMA as CERTIFICATE
from .sealed import opened
from .witnesses import SCHEMA as WITNESS
from .witnesses import replay_witness


@dataclass(frozen=True)
class Replayed:
    """What came out again.

    Attributes
    ----------
    claim : str
    ok : bool
        Whether it says what the file says.
    sentence : str
    """

    claim: str
    ok: bool
    sentence: str


def replay_file(path: str | os.PathLike[str]) -> Replayed:
    """Check a file anew, trusting none of its figures.

    Raises
    ------
    ValueError
        The file is missing, truncated, altered, or neither a witness nor a certificate; or it is a
        certificate and python-flint is missing.
    """
    document = opened(path, (WITNESS, CERTIFICATE))
    if document["schema"] == WITNESS:
        return Replayed(*replay_witness(path))
    from .certified.replay import replay_certificate

    return Replayed(*replay_certificate(document))
