"""A second opinion on certificates: both sides again, from the raw numbers alone.

    python replay.py CERTIFICATE...

Neither this file nor :mod:`restated` and :mod:`rational` beside it import the theory, the claims
or what wrote the certificate: the standard library and python-flint are all they need, and the
three also run alone, as above. (Imported from the package, its own imports load the claims too.)

A certificate is right where its enclosures agree with the values found here, in rational
arithmetic, and its verdict follows from them, the hypotheses checked. None of its figures is
believed: a forged file with a right hash fails. A slack only bridges what the writer's enclosures
could not tell apart: a part that fails without it here makes the certificate wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

try:
    from .rational import Layer, Wrong, exact_trace, identity, least_pivot, semidefinite
    from .restated import COUNTS, EXISTENCE, STATEMENTS
except ImportError:  # run alone
    from rational import (  # type: ignore[import-not-found, no-redef]
        Layer,
        Wrong,
        exact_trace,
        identity,
        least_pivot,
        semidefinite,
    )
    from restated import (  # type: ignore[import-not-found, no-redef]
        COUNTS,
        EXISTENCE,
        STATEMENTS,
    )

with contextlib.suppress(ModuleNotFoundError):
    import flint

SCHEMA = "pruneproof.certificate/1"
#: Bits beyond the certificate's, where a value is irrational.
_MORE = 128
#: Bits that a certificate may state, and the largest exponent and number of digits of a dyadic.
_BITS, _EXPONENT, _DIGITS = (64, 4096), 2**15, 2**13
#: Largest constant of an altered statement.
_LARGEST = 2**16


def replay_certificate(document: Mapping[str, Any]) -> tuple[str, bool, str]:
    """Claim, whether the certificate is right, and why or why not.

    Parameters
    ----------
    document : mapping
        Content of a certificate whose hash was checked.

    Raises
    ------
    ValueError
        It has no such figures as a certificate of its schema; or python-flint is missing.
    """
    if "flint" not in globals():
        raise ValueError(
            "replaying a certificate needs python-flint; install it with "
            "`pip install pruneproof[certify]`"
        )
    claim, bits = document.get("claim"), document.get("precision")
    if not isinstance(claim, str) or not claim.isprintable():
        raise ValueError(f"the certificate names no claim, but {claim!r:.60}")
    if type(bits) is not int or not _BITS[0] <= bits <= _BITS[1]:
        raise ValueError(
            f"the certificate of {claim} lacks or garbles figures: its precision must be between "
            f"{_BITS[0]} and {_BITS[1]} bits"
        )
    try:
        with flint.ctx.workprec(bits + _MORE):
            return claim, True, _checked(claim, document)
    except Wrong as wrong:
        return claim, False, str(wrong)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ValueError(
            f"the certificate of {claim} lacks or garbles figures: {error!r}"
        ) from None


def _checked(claim: str, document: Mapping[str, Any]) -> str:
    base, _, mutant = claim.partition("~")
    if base not in STATEMENTS:
        raise Wrong(f"no independent evaluation of {base} is known")
    statement, claimed, premise = STATEMENTS[base]
    altered = document["constants"]
    if not isinstance(altered, dict) or not all(_usable(value) for value in altered.values()):
        raise ValueError(f"constants {altered!r:.80} are no numbers of a statement")
    if bool(mutant) != bool(altered) or claim == f"{base}~" or set(altered) - set(claimed):
        raise Wrong(f"its constants {altered} are not those of {claim}")
    layer = Layer(document["instance"])
    if premise is not None and not premise(layer):
        raise Wrong("the instance is outside the hypotheses: what it names was not found")
    parts = statement(layer, {**claimed, **altered})
    stated = {part["part"]: part for part in document["parts"]}
    if [part["part"] for part in document["parts"]] != [name for name, _, _ in parts]:
        raise Wrong(f"its parts are {', '.join(stated)}, but {len(parts)} others were expected")
    holds = [_same(layer, stated[name], lower, upper) for name, lower, upper in parts]
    verdict = _verdict(holds)
    if verdict != document["verdict"]:
        raise Wrong(f"it says {document['verdict']}, but the statement is {verdict} there")
    if verdict != _verdict([part["holds"] for part in stated.values()]):
        raise Wrong(f"it says {verdict}, but what it says of its parts does not")
    if verdict == "false" and base in EXISTENCE and layer.chosen:
        raise Wrong("it names nodes that miss the bound, but others may meet it")
    slack = any(part["slack"] != "0x0p+0" for part in stated.values())
    up_to = ", equal sides up to the stated slack" if slack else ""
    exactly = f" of the altered statement {altered}" if altered else ""
    figures = f"{len(parts)} part{'s' if len(parts) > 1 else ''}"
    return f"{verdict}{exactly} again, {figures} recomputed in rational arithmetic{up_to}"


def _usable(constant: Any) -> bool:
    """Whether a constant is a number, and small enough to raise to it as a power."""
    return isinstance(constant, (bool, int, float)) and abs(constant) <= _LARGEST


def _verdict(holds: Sequence[bool | None]) -> str:
    return "false" if False in holds else "undecided" if None in holds else "true"


def _same(layer: Layer, stated: Mapping[str, Any], lower: Any, upper: Any) -> bool | None:
    """Whether a part holds, from our own values, which must agree with those stated."""
    slack, name = _dyadic(stated["slack"]), stated["part"]
    if slack < 0 or slack > _size(layer, name) / 2**100:
        raise Wrong(f"{name}: the slack {stated['slack']} is no rounding")
    matrices = isinstance(lower, flint.fmpq_mat)
    if matrices:
        gap = upper - lower
        holds: bool | None = semidefinite(gap)
        lower, upper = flint.fmpq(0), least_pivot(gap + identity(layer.m) * slack)
    else:
        holds = _at_most(lower, upper, flint.fmpq(0))
        if holds is None and slack:  # both sides as good as equal
            holds = _at_most(lower, upper, slack)
    for side, value in (("lhs", lower), ("rhs", upper)):
        if stated[side] is None and stated["holds"] is not None:
            raise Wrong(f"{name}: {side} is missing")
        if stated[side] is not None and not _agrees(value, stated[side]):
            raise Wrong(f"{name}: {side} is {_shown(value)}, but another value is stated")
    if stated["holds"] is not None and holds is not stated["holds"]:
        raise Wrong(f"{name}: it says holds = {stated['holds']}, but that is {holds}")
    if stated["holds"] is not None and not _follows(stated, matrices, slack):
        raise Wrong(f"{name}: holds = {stated['holds']} does not follow from its enclosures")
    return holds


def _follows(stated: Mapping[str, Any], matrices: bool, slack: Any) -> bool:
    """Whether the stated enclosures say what is stated of the part.

    Of matrices they are those of the difference with the slack added: where that has a negative
    pivot, the difference itself is not positive semidefinite.
    """
    low, high = ([_dyadic(text) for text in stated[side]] for side in ("lhs", "rhs"))
    gap, width = high[0] - low[0], high[1] + low[1]
    if not stated["holds"]:
        return bool(gap + width < 0 and (matrices or slack == 0))
    if matrices:  # the pivot has the slack already
        return bool(gap - width > 0)
    return bool(gap - width + slack >= 0)


def _size(layer: Layer, name: str) -> Any:
    """Upper bound of the size of a part's terms, which a slack must be far below."""
    if name in COUNTS:
        return flint.fmpq(4 * layer.m)
    weight = 1 + exact_trace(layer.q) + exact_trace(layer.z.transpose() * layer.z)
    return 4 * (layer.trace * weight + layer.ridge * layer.m)


def _at_most(lower: Any, upper: Any, slack: Any) -> bool | None:
    if isinstance(lower, flint.fmpq) and isinstance(upper, flint.fmpq):
        return bool(lower <= upper + slack)
    gap = flint.arb(upper) - flint.arb(lower) + slack
    return True if gap >= 0 else False if gap < 0 else None


def _agrees(value: Any, ball: Sequence[str]) -> bool:
    """A rational lies in the stated ball; an enclosure, much narrower, meets it."""
    mid, rad = _dyadic(ball[0]), _dyadic(ball[1])
    if isinstance(value, flint.fmpq):
        return bool(abs(value - mid) <= rad)
    return bool(abs(value.mid().fmpq() - mid) <= rad + value.rad().fmpq())


def _shown(value: Any) -> str:
    return str(flint.arb(value).str(12))


def _dyadic(text: str) -> Any:
    mantissa, exponent = text.split("p")
    if len(text) > _DIGITS or abs(int(exponent)) > _EXPONENT:
        raise ValueError(f"{text:.20}... is no figure of a ball")
    return flint.fmpq(int(mantissa, 16)) * flint.fmpq(2) ** int(exponent)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def intact(path: Path) -> dict[str, Any]:
    """Content of a certificate whose hash is right.

    Raises
    ------
    ValueError
        It is missing, truncated, of another schema, or altered.
    """
    try:
        document = json.loads(path.read_bytes(), object_pairs_hook=_once)
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f"{path} is no certificate of the schema {SCHEMA}")
    content = {key: value for key, value in document.items() if key != "sha256"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    if hashlib.sha256(canonical.encode()).hexdigest() != document.get("sha256"):
        raise ValueError(f"{path} was altered after it was written")
    return document


def main(paths: Sequence[str]) -> int:
    """Check files; 0 where all are right, else 1; 2 where one cannot be checked."""
    status = 0
    for path in paths:
        try:
            claim, ok, sentence = replay_certificate(intact(Path(path)))
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        print(f"{claim}: {'ok' if ok else 'WRONG'}: {sentence}")
        status = status or int(not ok)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
