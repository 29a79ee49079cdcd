"""Hypothesis strategies for instances: second moments, layers, index sets and ridges.

Every number is drawn from bits. Hypothesis mixes constants, found in whatever modules are loaded,
into its draws of integers and floats (and keeps them in a folder of the working directory), so
that the same seed would search elsewhere in another process; bits have no constants. All ones
is the top of a range, all zeros the least and simplest value, towards which a witness shrinks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .generators import FAMILIES, LAYERS, Choice, Layer, Real, Space, Whole, layer, samples
from .sides import Floats


def whole(least: int, most: int) -> SearchStrategy[int]:
    """Whole numbers from `least` to `most`, nearly evenly."""
    span = most - least + 1
    bits = max(span - 1, 0).bit_length() + 3  # three more bits: within 1/8 of evenly spread

    def number(flags: tuple[bool, ...]) -> int:
        value = int("".join("01"[flag] for flag in flags), 2)
        return least + (value * span >> bits)

    return st.tuples(*[st.booleans()] * bits).map(number)


def parameter(range_: Whole | Real | Choice) -> SearchStrategy[Any]:
    """Values of one range."""
    if isinstance(range_, Whole):
        return whole(range_.least, range_.most)
    if isinstance(range_, Choice):
        return whole(0, len(range_.values) - 1).map(lambda i: range_.values[i])
    return whole(0, 256).map(range_.at)


def parameters(space: Space) -> SearchStrategy[dict[str, Any]]:
    """Parameter dictionaries of a space of ranges."""
    # a tuple of values, as a strategy of dictionaries shuffles its keys by drawing integers
    values = st.tuples(*[parameter(range_) for range_ in space.values()])
    return values.map(lambda drawn: dict(zip(space, drawn)))


def instances(make: Callable[..., Any], space: Space) -> SearchStrategy[Any]:
    """Instances that the generator `make` builds from parameters of `space` (with a seed)."""

    def build(drawn: dict[str, Any]) -> Any:
        given = dict(drawn)
        return make(np.random.default_rng(given.pop("seed", 0)), **given)

    return parameters(space).map(build)


def layers(space: Space = LAYERS) -> SearchStrategy[Layer]:
    """Layers of all structured families."""
    return instances(layer, space)


def second_moments(least: int = 1, most: int = 14) -> SearchStrategy[Floats]:
    """Second-moment matrices of all structured families: a spectrum and a rotation each."""

    def matrix(rng: np.random.Generator, *, family: str, m: int) -> Floats:
        x = samples(rng, family, m)
        return x.T @ x / len(x)

    space: Space = {"family": Choice(FAMILIES), "m": Whole(least, most), "seed": Whole(0, 65535)}
    return instances(matrix, space)


def index_sets(m: int) -> SearchStrategy[list[int]]:
    """Lists of at least one and at most m distinct nodes, in any order."""

    def choose(rng: np.random.Generator, *, k: int) -> list[int]:
        return [int(j) for j in rng.permutation(m)[:k]]

    return instances(choose, {"k": Whole(1, m), "seed": Whole(0, 65535)})


def ridges(least: float = -6.0, most: float = 2.0) -> SearchStrategy[float]:
    """Ridges 10**x, x from `least` to `most`."""
    return parameter(Real(least, most)).map(lambda exponent: float(10.0**exponent))
