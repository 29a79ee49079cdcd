"""The study: a pure function of parameters and a random stream, a grid, a number of replicates."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pruneproof.theory.arrays import as_count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Replicate = Callable[[Mapping[str, Any], np.random.Generator], Mapping[str, Any]]
Grid = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Study:
    """What is computed; nothing about where or how.

    The random stream of a replicate is that of

        SeedSequence(root, spawn_key=(number of the study, number of the condition, replicate)),

    so a record depends on no worker count, chunking or order.

    Attributes
    ----------
    name : str
        Words joined by dashes. The number of the study is the first 32 bits of its sha256.
    replicate : callable
        ``replicate(parameters, rng) -> record``, a function of a module (workers import it) that
        reads and writes nothing else. The record is a flat mapping of names to a number, a truth
        value, a text, or a sequence of numbers; no name of a parameter, nor "replicate".
    grid : mapping of sequences, or sequence of mappings
        The product of the sequences, the last one running fastest; or the conditions themselves.
        Values are numbers, truth values, texts, or lists of these.
    replicates : int
        Replicates of every condition; under a wanted precision the most of them.
    title : str
        One line for lists and figures.
    figure : callable, optional
        ``figure(records) -> matplotlib Figure`` of flat records, which hold the parameters of the
        condition, "replicate" and the entries.
    quick : mapping
        What a quick run changes: ``grid``, ``replicates``.

    Raises
    ------
    ValueError
        An empty or ragged grid, a value that is no plain value, a condition listed twice, a
        parameter called "replicate", fewer than one replicate, or more than ten million in all.
    """

    name: str
    replicate: Replicate
    grid: Grid
    replicates: int
    title: str
    figure: Callable[[Sequence[Mapping[str, Any]]], Figure] | None = None
    quick: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name or not set(self.name) <= _NAME_LETTERS:
            raise ValueError(
                f"name must be small letters, digits, dots and dashes, but is {self.name!r}"
            )
        if not callable(self.replicate):
            raise TypeError(f"replicate of study {self.name} must be callable")
        as_count("replicates", self.replicates)
        unknown = sorted(set(self.quick) - {"grid", "replicates"})
        if unknown:
            raise ValueError(
                f"quick of study {self.name} may change grid and replicates, not {unknown[0]!r}"
            )
        _check_size(self.replicates * len(self.conditions))

    @cached_property
    def conditions(self) -> tuple[dict[str, Any], ...]:
        """Parameters of every condition, in the order of their numbers."""
        made = tuple(_listed(self.grid))
        if not made:
            raise ValueError(f"the grid of study {self.name} is empty: it makes no condition")
        names = list(made[0])
        seen: set[str] = set()
        for condition in made:
            if set(condition) != set(names):
                raise ValueError(
                    f"conditions of study {self.name} differ in their parameters: "
                    f"{sorted(condition)} against {sorted(names)}"
                )
            if "replicate" in condition:
                raise ValueError(
                    f"study {self.name} has a parameter called replicate, the name under which "
                    "records hold the number of the replicate; call it otherwise"
                )
            text = json.dumps(condition, sort_keys=True)
            if text in seen:
                raise ValueError(f"the grid of study {self.name} lists {text} twice")
            seen.add(text)
        return made

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(self.conditions[0])

    @property
    def number(self) -> int:
        """First 32 bits of the sha256 of the name."""
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4], "big")

    @property
    def quickened(self) -> Study:
        """The study as a quick run does it."""
        return replace(self, **self.quick)

    def rng(self, root: int, condition: int, replicate: int) -> np.random.Generator:
        """Random stream of one replicate under the root seed."""
        return stream(root, self.number, condition, replicate)


#: Replicates of all conditions together: runs list them in memory.
MOST = 10_000_000

_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_")


def stream(root: int, number: int, condition: int, replicate: int) -> np.random.Generator:
    """Generator seeded by ``SeedSequence(root, spawn_key=(number, condition, replicate))``."""
    sequence = np.random.SeedSequence(root, spawn_key=(number, condition, replicate))
    return np.random.default_rng(sequence)


def _listed(grid: Grid) -> list[dict[str, Any]]:
    """Conditions of a grid, their values plain."""
    if isinstance(grid, Mapping):
        for name, values in grid.items():
            if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
                raise ValueError(
                    f"grid entry {name!r} must be a list of values, but is {values!r}; "
                    "put a single value in a list"
                )
            if len(values) == 0:
                raise ValueError(f"grid entry {name!r} is empty: it makes no condition")
        if not grid:
            return []
        _check_size(math.prod(map(len, grid.values())))
        product = itertools.product(*grid.values())
        return [_plain_condition(dict(zip(grid, values))) for values in product]
    return [_plain_condition(condition) for condition in grid]


def _check_size(planned: int) -> None:
    if planned > MOST:
        raise ValueError(
            f"the study makes {planned:.3g} replicates, more than {MOST:.0e}, the most that a run "
            "can list; take fewer conditions or fewer replicates"
        )


def _plain_condition(condition: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): plain(f"parameter {name}", value) for name, value in condition.items()}


def plain(name: str, value: Any) -> Any:
    """`value` as JSON keeps it: bool, int, float, str, or a list of these.

    Raises
    ------
    TypeError
        Anything else.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        entries = [x.item() if isinstance(x, np.generic) else x for x in value]
        if all(isinstance(x, bool | int | float | str) for x in entries):
            return entries
    raise TypeError(
        f"{name} must be a number, a truth value, a text or a list of these, but is {_short(value)}"
    )


def _short(value: Any) -> str:
    return textwrap.shorten(f"{type(value).__name__} {value!r}", 80, placeholder=" ...")


def plain_record(record: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A record as the ledger keeps it.

    Raises
    ------
    TypeError
        No mapping of names, or a value of another kind.
    ValueError
        An entry has the name of a parameter, or is called replicate.
    """
    if not isinstance(record, Mapping) or not all(isinstance(name, str) for name in record):
        raise TypeError(
            f"a replicate must return a mapping of names to values, not {type(record).__name__}"
        )
    taken = sorted({*parameters, "replicate"} & set(record))
    if taken:
        raise ValueError(
            f"a record may not have an entry {taken[0]!r}, which is a parameter's name or the "
            "number of the replicate; call it otherwise"
        )
    return {name: plain(f"entry {name}", value) for name, value in record.items()}
