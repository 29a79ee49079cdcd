"""Commands `verify`, `claims` and `explain`: the registry of claims on the terminal.

Each returns an exit status: 0 as it should be; 1 a claim that should hold is refuted (or a false
reading is not); 2 the call is wrong, with one line on standard error; 130 interrupted, after the
table and the file have been written with the verdicts so far.
"""

from __future__ import annotations

import collections
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pruneproof.proofs_check import Claim, Verdict
from pruneproof.simulations.files import written_whole

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED = 130
_RATIO_NOTE = (
    "worst ratio: of an inequality the largest lhs/rhs seen, at most 1 where it holds; of an\n"
    "identity the largest difference in units of its terms, 1e-19 to 1e-12 where it is rounding"
)


def verify_command(
    patterns: Sequence[str],
    *,
    budget: str = "quick",
    seed: int = 0,
    workers: int = 1,
    json_path: str | Path | None = None,
) -> int:
    """Check the claims that match any of `patterns`, print a table, and write JSON if asked to."""
    from pruneproof.proofs_check.registry import matching
    from pruneproof.proofs_check.run import verdicts

    try:
        chosen = matching(patterns)
        coming = verdicts(chosen, budget=budget, seed=seed, workers=workers)
        _check_writable(json_path)
    except ValueError as error:
        return _refuse(error)
    found: list[Verdict] = []
    with _interruption() as pressed, contextlib.suppress(KeyboardInterrupt):
        for verdict in _watched(coming, len(chosen)):
            found.append(verdict)
            if pressed:
                break
    interrupted = len(found) < len(chosen)
    unwritten = None  # the file first: a pipe that closes while the table is printed ends us
    if json_path is not None:
        try:
            _write_json(Path(json_path), found)
        except ValueError as error:
            unwritten = error
    console = _console()
    _print_verdicts(console, found, {claim.id: claim for claim in chosen})
    if interrupted:
        console.print(f"interrupted after {len(found)} of {len(chosen)} claims", style="yellow")
    if unwritten is not None:
        return _refuse(unwritten)
    if interrupted:
        return INTERRUPTED
    return 0 if all(verdict.ok for verdict in found) else 1


def claims_command(pattern: str = "*") -> int:
    """List the claims whose id matches `pattern`: id, kind, and what each says in a line."""
    from pruneproof.proofs_check.registry import matching

    try:
        chosen = matching([pattern])
    except ValueError as error:
        return _refuse(error)
    table = _table(("claim", "left"), ("kind", "left"), ("says", "left"), whole=True)
    for claim in chosen:
        table.add_row(claim.id, claim.kind, claim.title)
    _console().print(table)
    return 0


def explain_command(claim_id: str) -> int:
    """Print one claim in full: hypotheses, statement, source, and how it is checked."""
    from pruneproof.proofs_check.registry import matching

    try:
        chosen = matching([claim_id])
    except ValueError as error:
        return _refuse(error)
    if len(chosen) > 1:
        return _refuse(ValueError(f"{claim_id!r} matches {len(chosen)} claims; name one"))
    (claim,) = chosen
    console = _console()
    console.print(f"{claim.id}  ({claim.kind})", style="bold", markup=False)
    console.print(claim.title, markup=False)
    for head, text in claim.sections.items():
        console.print(f"\n{head}", style="bold")
        console.print(text, markup=False)
    console.print("\nHow it is checked", style="bold")
    console.print(_how(claim), markup=False)
    return 0


def _how(claim: Claim) -> str:
    """Which instances are tried, and how to do it."""
    known = ", ".join(_parameters(case) for case in claim.examples[:4])
    if len(claim.examples) > 4:
        known += f" and {len(claim.examples) - 4} more"
    ranges = ", ".join(claim.space)
    return (
        f"{len(claim.examples)} known cases first ({known}), then a search over {ranges}.\n"
        f"Run: pruneproof verify {claim.id}"
    )


def _parameters(case: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in case.items()) or "the generator's defaults"


@contextlib.contextmanager
def _interruption() -> Iterator[list[int]]:
    """List that fills when Ctrl-C is pressed, which raises KeyboardInterrupt as ever.

    An exception raised while a callback of the garbage collector runs is lost; the list is not.
    """
    pressed: list[int] = []

    def note(number: int, _frame: object) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield pressed  # only the main thread is told of signals
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _watched(coming: Iterator[Verdict], total: int) -> Iterator[Verdict]:
    """Verdicts as they come, with a progress line where someone watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = _console(stderr=True)
    if not console.is_terminal:
        yield from coming
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("checking claims", total=total)
        for verdict in coming:
            progress.update(task, advance=1, description=f"{verdict.claim} {verdict.word}")
            yield verdict


def _print_verdicts(console: Console, found: Sequence[Verdict], chosen: dict[str, Claim]) -> None:
    """Table, the evidence against what is not as it should be, and a line that counts the words."""
    table = _table(
        ("claim", "left"),
        ("verdict", "left"),
        ("tried", "right"),
        ("worst ratio", "right"),
        ("seconds", "right"),
        ("statement", "left"),
    )
    for verdict in found:
        table.add_row(
            verdict.claim,
            _word(verdict),
            str(verdict.instances),
            "-" if verdict.worst_ratio is None else _ratio(verdict.worst_ratio),
            f"{verdict.seconds:.2f}",
            chosen[verdict.claim].title,
            style=None if verdict.ok else "red",
        )
    console.print(table)
    for verdict in found:
        if verdict.word == "REFUTED" or not verdict.ok:
            line = f"{verdict.claim}: {verdict.evidence}{_shown(verdict)}"
            console.print(line, style=None if verdict.ok else "red", markup=False)
    console.print(_RATIO_NOTE, style="dim", markup=False)
    if found:
        console.print(_summary(found), markup=False)


def _shown(verdict: Verdict) -> str:
    """The witness as the parameters that build it again."""
    return f"; witness: {_parameters(verdict.witness['parameters'])}" if verdict.witness else ""


def _word(verdict: Verdict) -> str:
    """The verdict, with "as it should be" for a false reading that is refuted."""
    return f"{verdict.word} (rightly)" if verdict.word == "REFUTED" and verdict.ok else verdict.word


def _ratio(ratio: float) -> str:
    return f"{ratio:.1e}" if ratio != 0 and not 1e-3 <= abs(ratio) < 1e4 else f"{ratio:.4f}"


def _summary(found: Sequence[Verdict]) -> str:
    """How many claims got each word, and whether all is as it should be."""
    words = collections.Counter(_word(verdict) for verdict in found)
    counts = ", ".join(f"{count} {word}" for word, count in words.items())
    wrong = sum(not verdict.ok for verdict in found)
    end = "all as it should be" if not wrong else f"{wrong} NOT as it should be"
    return f"{len(found)} claims: {counts}; {end}"


def _table(*columns: tuple[str, Any], whole: bool = False) -> Any:
    """Table as wide as the console; its last column wraps if `whole`, else it is cut off."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    for name, side in columns[:-1]:
        table.add_column(name, justify=side, no_wrap=True)
    table.add_column(columns[-1][0], ratio=1, no_wrap=not whole, overflow="ellipsis")
    return table


def _console(*, stderr: bool = False) -> Console:
    """Console; 100 columns where the output is no terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 100
    return Console(file=stream, width=width, highlight=False, emoji=False)


def _check_writable(path: str | Path | None) -> None:
    """Refuse a file that cannot be written before minutes are spent on it."""
    if path is None:
        return
    where = Path(path)
    if where.is_dir():
        raise ValueError(f"cannot write the verdicts to {where}: it is a folder; name a file")
    if not where.absolute().parent.is_dir():
        raise ValueError(
            f"cannot write the verdicts to {where}: the folder {where.absolute().parent} does not "
            "exist; create it first"
        )


def _write_json(path: Path, found: Sequence[Verdict]) -> None:
    """Write the verdicts whole or not at all."""
    from pruneproof.proofs_check.verdict import as_json

    text = json.dumps(as_json(found), indent=2, allow_nan=False) + "\n"
    with written_whole(path) as file:
        file.write(text.encode())


def _refuse(error: Exception) -> int:
    sys.stderr.write(f"pruneproof: {error}\n")
    return 2
