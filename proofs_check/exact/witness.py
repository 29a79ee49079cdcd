"""Exact decision on a witness: the statement at the very numbers that floating point was given.

An instance's features, output weights and theta are floats, hence binary fractions; its second
moment, every S_J and every volume are then rational. Ridges that eigenvalues define are enclosed,
and what the enclosure leaves open stays undecided.

This module may import NumPy only.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from pruneproof.theory.errors import InapplicableError

from ..claim import Claim
from ..generators import Layer
from ..registry import claims
from . import statements
from .decided import Decided, refined
from .layers import RationalLayer
from .rational import arithmetic, fraction, matrix, product, rational, scaled, transposed
from .statements import resolvent

#: Subsets that are listed at most.
MOST = 5000

#: The statement in rational numbers, and whether it asks for k <= rank, k < rank, or any k.
STATEMENTS: dict[str, tuple[Callable[..., Iterable[Decided]], int | None]] = {
    "spectral.I7": (statements.volume_mean, 0),
    "spectral.D5": (statements.logfree_residual, 0),
    "spectral.D6": (statements.logfree_loss, None),
    "spectral.D7": (statements.doubled_degrees, 0),
    "spectral.D8": (statements.tail_loss, None),
    "spectral.X1": (statements.degrees_suffice, 1),
    "spectral.X6": (statements.reconstruction_size, 0),
    "spectral.A2": (statements.greedy_loss, None),
}


class Undecided(Exception):
    """Why nothing was decided."""


def decide(
    claim_id: str, parameters: Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> dict[str, Any] | None:
    """Decide a claim, or a mutant of it, on one instance without rounding.

    Parameters
    ----------
    claim_id : str
    parameters : mapping
        Of the instance, as in a witness.
    changes : mapping, optional
        Keyword arguments of the claim's function that a mutant alters; of D7 also
        ``selector="greedy"``.

    Returns
    -------
    dict or None
        ``decided``: "refuted", "holds" or "undecided"; ``lhs`` and ``rhs``, decimals of the exact
        sides (of an enclosed one the end that decides); ``arithmetic``; ``sentence``. None for
        claims that have no exact decision.

    Raises
    ------
    ValueError
        The claim has no such instance.
    """
    if claim_id not in STATEMENTS:
        return None
    (claim,) = claims(claim_id)
    try:
        parts = _parts(claim, parameters, dict(changes or {}))
    except (Undecided, InapplicableError) as error:
        return _told("undecided", None, f"not decided exactly: {error}")
    refuted = [part for part in parts if part.hold is False]
    if refuted:
        part = refuted[0]
        against = "differs from" if part.relation == "=" else "exceeds"
        return _told("refuted", part, f"exactly refuted: {_sides(part, against)}")
    left = [part for part in parts if part.hold is None]
    if left:
        return _told("undecided", left[0], "the enclosure of the ridge does not decide")
    part = max(reversed(parts), key=lambda one: one.ratio)
    against = "equals" if part.lhs == part.rhs else "is below"
    return _told("holds", part, f"exactly decided to hold: {_sides(part, against)}")


def _parts(claim: Claim, parameters: Mapping[str, Any], changes: dict[str, Any]) -> list[Decided]:
    statement, spare = STATEMENTS[claim.id]
    unknown = set(changes) - set(inspect.signature(statement).parameters)
    if unknown:
        raise Undecided(f"no exact form of the altered {', '.join(sorted(unknown))}")
    instance = claim.instance(parameters)
    if not isinstance(instance, Layer):
        raise Undecided("the instance is no layer")
    layer, k = rational_layer(instance), len(instance.kept)
    if math.comb(layer.m, k) > MOST:
        raise Undecided(f"{math.comb(layer.m, k)} subsets are more than the {MOST} listed")
    if spare is not None and not 1 <= k <= resolvent(layer.sigma).rank - spare:
        raise Undecided(f"the width {k} is outside the hypotheses")
    if "bits" not in inspect.signature(statement).parameters:
        return list(statement(layer, k, **changes))
    try:
        return refined(lambda bits: statement(layer, k, bits, **changes))
    except ValueError as error:  # no ridge has the degrees of freedom asked for
        raise Undecided(str(error)) from None


def rational_layer(instance: Layer) -> RationalLayer:
    """Sigma = Phi^T Phi/n, theta and Z of a layer's floats, exactly."""
    phi = matrix(np.asarray(instance.features).tolist())
    inverse_count = rational(Fraction(1, len(phi)))
    return RationalLayer(
        f"layer of {instance.m} nodes",
        scaled(product(transposed(phi), phi), inverse_count),
        rational(float(instance.theta)),
        matrix(np.asarray(instance.output_weights).tolist()),
    )


def _told(decided: str, part: Decided | None, sentence: str) -> dict[str, Any]:
    return {
        "decided": decided,
        "part": "" if part is None else part.part,
        "lhs": "" if part is None else decimal(fraction(part.lhs)),
        "rhs": "" if part is None else decimal(fraction(part.rhs)),
        "arithmetic": f"rational ({arithmetic()}), ridges between rationals",
        "sentence": sentence,
    }


def _sides(part: Decided, against: str) -> str:
    lhs, rhs = fraction(part.lhs), fraction(part.rhs)
    gap = abs(lhs - rhs)
    by = f" by {float(gap):.2g}" if 0 < gap < rhs / 10**8 else ""
    left, right = (decimal(side, 10) for side in (lhs, rhs))
    return f"{part.part} {left} {against} {right}{by}, in rationals at the witness's own floats"


def decimal(value: Fraction, digits: int = 25) -> str:
    """So many digits of a fraction, correctly rounded."""
    from decimal import Context, Decimal

    context = Context(prec=digits)
    return str(context.divide(Decimal(value.numerator), Decimal(value.denominator)))
