"""Theorems for every size, checked by Coq: compile the file, read what each theorem rests on.

The files lie in ``coq/`` beside the claims. Each says which claims it proves and ends in ``Print
Assumptions`` of its theorems; only one that Coq reports as "Closed under the global context" is a
proof, so that an ``Admitted`` or an axiom anywhere below it is seen. A file is compiled in a
temporary folder, after the files of this package that it needs. That takes seconds, so what Coq
printed is kept in the cache folder under the sha256 of the files and of Coq's version, and a kept
result says so; a cache that is missing, damaged or cannot be written changes nothing but the time.

Needs coqc with the algebra of MathComp 1.x, found on the PATH when first needed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "coq"
#: Seconds that a compilation may take: twenty times the longest.
PATIENCE = 120
INSTALL = "Coq 8.16 with MathComp 1.x: apt install coq libcoq-mathcomp-algebra"
CLOSED = "Closed under the global context"


class NotChecked(Exception):
    """Coq is absent, or did not accept a file; the message says which and what to do."""


class Absent(NotChecked):
    """Coq or MathComp is absent, or of a version the files are not written for."""


@dataclass(frozen=True)
class Theorem:
    """Where the proof of a claim lies.

    Attributes
    ----------
    file : str
        In :data:`FOLDER`.
    name : str
        Of the theorem in it.
    scope : str
        What the theorem is about, in words that follow "for".
    """

    file: str
    name: str
    scope: str


@dataclass(frozen=True)
class Checked:
    """What Coq printed of one file.

    Attributes
    ----------
    version : str
        Of Coq.
    sha256 : str
        Of the file, the files it needs and the version.
    output : str
        As printed.
    kept : bool
        Whether it comes from the cache, from an earlier compilation of the same files.
    closed : dict of str to bool
        Whether each theorem whose assumptions were printed has none.
    """

    version: str
    sha256: str
    output: str
    kept: bool
    closed: dict[str, bool]


_SPECTRA = "any finite spectrum over any real field"
_MATRICES = "matrices of any size over any real field"

#: Proofs by the id of the claim whose whole statement they prove.
THEOREMS: dict[str, Theorem] = {
    "lemma.degrees-antitone": Theorem("degrees.v", "degrees_antitone", _SPECTRA),
    "lemma.degrees-scaled": Theorem("degrees.v", "degrees_scaled", _SPECTRA),
    "lemma.degrees-rank": Theorem("degrees.v", "degrees_rank", _SPECTRA),
    "lemma.degrees-trace": Theorem("degrees.v", "degrees_trace", _SPECTRA),
    "lemma.degrees-sandwich": Theorem("degrees.v", "degrees_sandwich", _SPECTRA),
    "lemma.push-through": Theorem(
        "push_through.v", "push_through", "matrices of any size over any field"
    ),
    "lemma.degrees-two-spaces": Theorem("push_through.v", "degrees_two_spaces", _MATRICES),
    "lemma.sample-space": Theorem(
        "sample_space.v", "residual_in_sample_space", "any samples and draws over any real field"
    ),
    "lemma.trace-order": Theorem("forms.v", "trace_order", _MATRICES),
    "lemma.residual-psd": Theorem("residual.v", "residual_psd", _MATRICES),
    "spectral.D1": Theorem("residual.v", "residual_antitone", _MATRICES),
}


def checked(file: str) -> Checked:
    """What Coq says of a file of :data:`FOLDER`, compiled now or kept from an earlier time.

    Raises
    ------
    NotChecked
        coqc is absent or does not accept the file.
    """
    return _checked(file, FOLDER)


@functools.cache
def _checked(file: str, folder: Path) -> Checked:
    version = coq_version()
    text = [(folder / name).read_bytes() for name in (*_needed(file, folder), file)]
    sha256 = hashlib.sha256(b"\0".join([version.encode(), *text])).hexdigest()
    output = _kept(sha256)
    if output is not None:
        return Checked(version, sha256, output, True, _closed(text[-1].decode(), output))
    output = _compiled(file, folder)
    _keep(sha256, output)
    return Checked(version, sha256, output, False, _closed(text[-1].decode(), output))


def assumptions() -> str:
    """What Coq prints of every file, compiled now: definitions, statements, what they rest on.

    ``coq/assumptions.txt`` is this text. Raises :class:`NotChecked` as :func:`compiled` does.
    """
    files = sorted(path.name for path in FOLDER.glob("*.v"))
    return "\n".join(f"---- {file}\n{compiled(file)}" for file in files)


@functools.cache
def coq_version() -> str:
    """Version of the coqc on the PATH, such as 8.16.1.

    Raises
    ------
    NotChecked
        There is none.
    """
    if shutil.which("coqc") is None:
        raise Absent(f"coqc is not on the PATH; install {INSTALL}")
    found = re.search(r"version (\S+)", _run(["coqc", "--version"], Path.cwd()))
    if found is None:
        raise NotChecked(f"coqc does not tell its version; install {INSTALL}")
    return found[1]


def compiled(file: str) -> str:
    """What coqc prints of a file, compiled now; each file at most once in a process.

    Raises
    ------
    NotChecked
        coqc is absent or does not accept the file.
    """
    coq_version()
    return _compiled(file, FOLDER)


@functools.cache
def _compiled(file: str, folder: Path) -> str:
    place = Path(_workshop(folder).name)
    for needed in _needed(file, folder):
        _compiled(needed, folder)
    shutil.copy(folder / file, place)
    # no personal settings, no warnings: what is printed depends on the file alone
    return _run(["coqc", "-q", "-w", "none", "-Q", ".", "pruneproof", file], place)


@functools.cache
def _workshop(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """Temporary folder for the compiled files of `folder`, until the process ends."""
    return tempfile.TemporaryDirectory(prefix="pruneproof-coq-")


def _run(command: list[str], place: Path) -> str:
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotChecked(f"{' '.join(command)} took more than {PATIENCE} s") from None
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())
        raise (NotChecked if _suitable(said) else Absent)(
            f"{command[0]} does not accept {command[-1]} ({said[:300]}); it needs {INSTALL}"
        )
    return done.stdout


def _suitable(said: str) -> bool:
    """Whether what coqc refused was the proof, and not the version or a missing library."""
    unfound = "Cannot find a physical path" in said and "with prefix mathcomp." in said
    return coq_version().startswith("8.16.") and not unfound


def _needed(file: str, folder: Path) -> tuple[str, ...]:
    """Files of this package that a file imports, each after those that it needs itself."""
    text = _without_comments((folder / file).read_text(encoding="utf-8"))
    lines = re.findall(r"From pruneproof Require Import ([\w ]+)\.", text)
    direct = [f"{name}.v" for line in lines for name in line.split()]
    ordered = [name for first in direct for name in (*_needed(first, folder), first)]
    return tuple(dict.fromkeys(ordered))


def _closed(text: str, output: str) -> dict[str, bool]:
    """Of each theorem whose assumptions are printed, in order, whether there are none."""
    names = re.findall(r"Print Assumptions (\w+)\.", _without_comments(text))
    found = re.findall(rf"^(?:{CLOSED}|Axioms:)$", output, flags=re.MULTILINE)
    if len(names) != len(found):
        raise NotChecked(
            f"Coq printed the assumptions of {len(found)} theorems, but was asked for {len(names)}"
        )
    return {name: answer == CLOSED for name, answer in zip(names, found, strict=True)}


def _without_comments(text: str) -> str:
    """Coq's comments nest."""
    while True:
        shorter = re.sub(r"\(\*(?:(?!\(\*|\*\)).)*\*\)", " ", text, flags=re.DOTALL)
        if shorter == text:
            return text
        text = shorter


def cache_file(sha256: str) -> Path:
    """Where the output of a compilation is kept, in the cache folder of the user."""
    own = os.environ.get("PRUNEPROOF_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    folder = Path(own) if own else (Path(base) if base else Path.home() / ".cache") / "pruneproof"
    return folder / "coq" / f"{sha256}.json"


def _kept(sha256: str) -> str | None:
    """Output kept of the same files and version; None where there is none that can be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RuntimeError):
        kept = json.loads(cache_file(sha256).read_text(encoding="utf-8"))
        output = kept["output"]
        if kept["digest"] == hashlib.sha256(output.encode()).hexdigest():
            return str(output)
    return None


def _keep(sha256: str, output: str) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        place = cache_file(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(output.encode()).hexdigest()
        # written whole under a name of its own, then moved: nobody reads half a file
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=place.parent, suffix=".part", delete=False
        ) as part:
            json.dump({"output": output, "digest": digest}, part)
        os.replace(part.name, place)
