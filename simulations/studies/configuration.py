"""Studies by name, and TOML files that change the grid of a built-in study.

A file names a study that comes with pruneproof and changes its grid, its replicates or its seed;
it names no code to be run:

    [study]
    name = "widths-of-mine"      # optional; random streams and ledger go by it
    replicate = "widths"         # a built-in study
    replicates = 200             # optional
    seed = 3                     # optional, 0

    [grid]                       # optional; axes that are left out stay as they are
    width = [8, 16, 32]

`replicates` and `seed` may also stand at the top of the file; conditions that are no product are
listed as [[grid]] tables, each with every parameter.
"""

from __future__ import annotations

import importlib
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pruneproof.theory.arrays import as_count

from .builtin import STUDIES
from .naming import nearest
from .study import Grid, Study

_SETTINGS = ("replicates", "seed")
_STUDY = ("name", "replicate", "title", *_SETTINGS)
_KINDS = {bool: "a truth value", int: "a whole number", float: "a number", str: "a text"}


@dataclass(frozen=True)
class Configuration:
    """A study and the root of its random streams."""

    study: Study
    seed: int


def builtin_studies() -> tuple[str, ...]:
    """Names of the studies that come with pruneproof."""
    return tuple(STUDIES)


def builtin_study(name: str) -> Study:
    """Study that comes with pruneproof.

    Raises
    ------
    ValueError
        There is none of that name; the nearest one is named.
    """
    if name not in STUDIES:
        raise ValueError(f"there is no study {name!r}; {nearest(name, STUDIES)}")
    module = importlib.import_module(f".builtin.{STUDIES[name]}", __package__)
    (found,) = (x for x in vars(module).values() if isinstance(x, Study) and x.name == name)
    return found


def read_study(path: str | os.PathLike[str]) -> Configuration:
    """Study that a TOML file describes, as the module's docstring says.

    Raises
    ------
    ValueError
        No such file, no TOML, an unknown key (the nearest one is named), a value of the wrong
        type, an empty grid.
    """
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML: {error}") from None
    try:
        return configured(document)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{Path(path)}: {error}") from None


def configured(document: Mapping[str, Any]) -> Configuration:
    """Study that the tables of a TOML document describe; as :func:`read_study`."""
    _check_keys("key", document, ("study", "grid", *_SETTINGS))
    about = document.get("study")
    if not isinstance(about, Mapping) or "replicate" not in about:
        raise ValueError("a study file needs a table [study] with replicate = NAME, a known study")
    _check_keys("key of [study]", about, _STUDY)
    for key in ("name", "replicate", "title"):
        if not isinstance(about.get(key, ""), str):
            raise TypeError(f"{key} must be a text, but is {about[key]!r}")
    for key in _SETTINGS:
        if key in document and key in about:
            raise ValueError(f"{key} stands both at the top and in [study]; keep one")
    settings = {**document, **about}
    study = builtin_study(about["replicate"])
    changes: dict[str, Any] = {key: about[key] for key in ("name", "title") if key in about}
    if "replicates" in settings:
        changes["replicates"] = as_count("replicates", settings["replicates"])
    if "grid" in document:
        changes["grid"] = _grid(document["grid"], study)
    return Configuration(
        replace(study, **changes), as_count("seed", settings.get("seed", 0), least=0)
    )


def _check_keys(what: str, found: Iterable[str], known: Sequence[str]) -> None:
    for key in found:
        if key not in known:
            raise ValueError(f"{what} {key!r} is unknown; {nearest(key, known)}")


def _grid(wanted: Any, study: Study) -> Grid:
    """Grid of the file, in terms of the built-in study's parameters and their types."""
    if isinstance(wanted, list) and all(isinstance(condition, Mapping) for condition in wanted):
        return [_condition(condition, study) for condition in wanted]
    if not isinstance(wanted, Mapping):
        raise TypeError(f"grid must be a table of lists, but is {wanted!r}")
    _check_keys("parameter", wanted, study.parameters)
    axes: dict[str, Sequence[Any]] = {}
    for name in study.parameters:
        if name in wanted:
            values = wanted[name]
            if not isinstance(values, list):
                raise TypeError(f"{name} in [grid] must be a list, but is {values!r}")
            if not values:
                raise ValueError(f"{name} in [grid] is empty: it makes no condition")
            axes[name] = [_typed(name, value, _known(name, study)) for value in values]
        elif isinstance(study.grid, Mapping):
            axes[name] = study.grid[name]
        else:
            raise ValueError(
                f"[grid] must have {name!r} too, because study {study.name} lists its conditions"
            )
    return axes


def _condition(wanted: Mapping[str, Any], study: Study) -> dict[str, Any]:
    """One listed condition: every parameter, each of its type."""
    _check_keys("parameter", wanted, study.parameters)
    for name in study.parameters:
        if name not in wanted:
            raise ValueError(f"a [[grid]] table lacks the parameter {name!r}")
    return {name: _typed(name, wanted[name], _known(name, study)) for name in study.parameters}


def _typed(name: str, value: Any, known: Sequence[Any]) -> Any:
    """The value as the type that it has in the built-in study; 1 may stand for 1.0."""
    kinds = {type(one) for one in known}
    if type(value) is int and float in kinds and int not in kinds:
        return float(value)
    if type(value) not in kinds:
        wanted = " or ".join(sorted(_KINDS.get(kind, "a list") for kind in kinds))
        raise TypeError(f"{name} in the grid must be {wanted}, but is {value!r}")
    if isinstance(value, list):
        within = [entry for one in known if isinstance(one, list) for entry in one]
        return [_typed(f"an entry of {name}", entry, within) for entry in value]
    return value


def _known(name: str, study: Study) -> list[Any]:
    return [condition[name] for condition in study.conditions]
