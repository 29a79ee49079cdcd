"""The table of verdicts, and how a verdict reads in full."""

from __future__ import annotations

import collections
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pruneproof.proofs_check import Claim, Verdict

from .console import table

if TYPE_CHECKING:
    from rich.console import Console

    from pruneproof.proofs_check.run import Run

#: Width of the columns besides the claim's, with enough of the statement to know it by.
_OTHER_COLUMNS = 85
_NOTES = (
    "PROVED says it of every instance; EXACT and CERTIFIED of those decided without rounding, the\n"
    "others of those tried: `pruneproof explain CLAIM` counts them. worst: of an inequality the\n"
    "largest lhs/rhs seen; of an identity the largest difference in units of its terms, 1e-19 to\n"
    "1e-12 where it is rounding. tight: no constant below this part of the claimed one holds.\n"
    "mutants: altered statements that died, of all; * where one that must die survived."
)


def print_verdicts(
    console: Console, found: Sequence[Verdict], chosen: Mapping[str, Claim], run: Run
) -> None:
    """Table, the evidence against what is not as it should be, and a line that counts the words."""
    longest = max((len(verdict.claim) for verdict in found), default=0)
    room = console.width - longest >= _OTHER_COLUMNS
    rows = table(
        ("claim", "left"),
        ("verdict", "left"),
        ("tried", "right"),
        ("worst", "right"),
        ("tight", "right"),
        ("mutants", "right"),
        ("seconds", "right"),
        ("statement" if room else "", "left"),
    )
    for verdict in found:
        rows.add_row(
            verdict.claim,
            word(verdict),
            str(verdict.instances),
            _figure(verdict.worst_ratio),
            _figure(verdict.tightness),
            _mutants(verdict),
            f"{verdict.seconds:.1f}",
            chosen[verdict.claim].title if room else "",
            style=None if verdict.ok else "red",
        )
    console.print(rows)
    for verdict in found:
        if verdict.word == "REFUTED" or not verdict.ok:
            line = f"{verdict.claim}: {verdict.evidence}{shown_witness(verdict)}"
            console.print(line, style=None if verdict.ok else "red", markup=False)
    console.print(_NOTES, style="dim", markup=False)
    if run.hypotheses:
        console.print(_error_level(run), style="dim", markup=False)
    if found:
        console.print(summary(found), markup=False)


def summary(found: Sequence[Verdict]) -> str:
    """How many claims got each word, and whether all is as it should be."""
    words = collections.Counter(word(verdict) for verdict in found)
    counts = ", ".join(f"{count} {word}" for word, count in words.items())
    wrong = sum(not verdict.ok for verdict in found)
    end = "all as it should be" if not wrong else f"{wrong} NOT as it should be"
    return f"{len(found)} claims: {counts}; {end}"


def word(verdict: Verdict) -> str:
    """The verdict, with "rightly" for a false reading that is refuted."""
    return f"{verdict.word} (rightly)" if verdict.word == "REFUTED" and verdict.ok else verdict.word


def parameters(case: Mapping[str, Any]) -> str:
    """Parameters of an instance on one line."""
    return " ".join(f"{name}={value}" for name, value in case.items()) or "the generator's defaults"


def shown_witness(verdict: Verdict) -> str:
    """The witness as the parameters that build it again."""
    if not verdict.witness or "parameters" not in verdict.witness:
        return ""
    return f"; witness: {parameters(verdict.witness['parameters'])}"


def in_full(verdict: Verdict) -> Iterator[str]:
    """Lines that tell a verdict in full: the findings, the mutants, the witness."""
    ok = "as it should be" if verdict.ok else "NOT as it should be"
    yield f"{verdict.word}, {ok}: {verdict.instances} tried in {verdict.seconds:.1f} s"
    for finding in verdict.findings:
        yield from _wrapped(f"{finding['checker']}: {finding['word']}: {finding['sentence']}")
    for mutant in verdict.mutants:
        fate = "died" if mutant["died"] else "SURVIVED" if mutant["must_die"] else "survived"
        yield from _wrapped(f"mutant {mutant['name']}: {fate}: {mutant['evidence']}")
    if verdict.witness and "parameters" in verdict.witness:
        yield from _wrapped(f"worst instance: {parameters(verdict.witness['parameters'])}")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 98, initial_indent="- ", subsequent_indent="  ")


def _mutants(verdict: Verdict) -> str:
    if not verdict.mutants:
        return "-"
    died = sum(mutant["died"] for mutant in verdict.mutants)
    lost = any(mutant["must_die"] and not mutant["died"] for mutant in verdict.mutants)
    return f"{died}/{len(verdict.mutants)}{'*' if lost else ''}"


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1e}" if value != 0 and not 1e-3 <= abs(value) < 1e4 else f"{value:.4f}"


def _error_level(run: Run) -> str:
    way = {
        "betting": "by betting, valid whenever it stops",
        "clopper-pearson": "by numbers of trials and of allowed failures fixed before",
    }[run.plan]
    return (
        f"Statistical verdicts ({way}) are all right together with probability at least "
        f"{1 - run.alpha:g}; {run.hypotheses} frozen instances share the level evenly, both ways."
    )
