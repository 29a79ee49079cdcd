"""Command `verify`: claims to verdicts, on the terminal and as JSON.

It returns an exit status: 0 as it should be; 1 a claim that should hold is refuted, a false reading
is not, or a mutant that must die survives; 2 the call is wrong, with one line on standard error;
130 interrupted, after the table and the file have been written with the verdicts so far.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pruneproof.proofs_check import Claim, Verdict
from pruneproof.proofs_check.run import ALPHA, Run
from pruneproof.simulations.files import written_whole

from .console import INTERRUPTED, console, interruption, refuse, warn


def verify_command(
    patterns: Sequence[str],
    *,
    budget: str = "quick",
    seed: int = 0,
    plan: str = "betting",
    alpha: float = ALPHA,
    workers: int = 1,
    json_path: str | Path | None = None,
    certificates: str | Path | None = None,
) -> int:
    """Check the claims that match any of `patterns`, print a table, and write JSON if asked to."""
    from pruneproof.proofs_check import run as runs
    from pruneproof.proofs_check.registry import matching
    from pruneproof.proofs_check.settling import settle

    from .verdict_table import print_verdicts

    try:
        chosen = matching(patterns)
        run = runs.prepared(
            chosen, budget=budget, seed=seed, plan=plan, alpha=alpha, certificates=certificates
        )
        coming = runs.verdicts(chosen, run, workers=workers)
        _check_writable(json_path)
    except ValueError as error:
        return refuse(error)
    found: list[Verdict] = []
    by_id = {claim.id: claim for claim in chosen}
    with interruption() as pressed, contextlib.suppress(KeyboardInterrupt):
        for verdict in _recorded(_watched(coming, len(chosen)), run, by_id):
            found.append(verdict)
            if pressed:
                break
    interrupted = len(found) < len(chosen)
    found = settle(found, run)
    unwritten = None  # the file first: a pipe that closes while the table is printed ends us
    if json_path is not None:
        try:
            _write_json(Path(json_path), found, run, complete=not interrupted)
        except ValueError as error:
            unwritten = error
    screen = console()
    print_verdicts(screen, found, by_id, run)
    if interrupted:
        screen.print(f"interrupted after {len(found)} of {len(chosen)} claims", style="yellow")
    if unwritten is not None:
        return refuse(unwritten)
    if interrupted:
        return INTERRUPTED
    return 0 if all(verdict.ok for verdict in found) else 1


def _watched(coming: Iterator[Verdict], total: int) -> Iterator[Verdict]:
    """Verdicts as they come, with a progress line where someone watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    screen = console(stderr=True)
    if not screen.is_terminal:
        yield from coming
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task("checking claims", total=total)
        for verdict in coming:
            progress.update(task, advance=1, description=f"{verdict.claim} {verdict.word}")
            yield verdict


def _recorded(
    coming: Iterator[Verdict], run: Run, chosen: Mapping[str, Claim]
) -> Iterator[Verdict]:
    """Verdicts as they come, each kept for `explain`; a record that fails is said once."""
    from . import __version__
    from .record import keep

    usable = True
    for verdict in coming:
        if usable:
            try:
                keep(
                    verdict,
                    version=__version__,
                    budget=run.budget,
                    plan=run.plan,
                    alpha=run.part(chosen[verdict.claim]),
                )
            except ValueError as error:
                usable = False
                warn(error)
        yield verdict


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


def _write_json(path: Path, found: Sequence[Verdict], run: Run, *, complete: bool) -> None:
    """Write the verdicts whole or not at all."""
    from pruneproof.proofs_check.verdict import as_json

    from . import __version__

    how = {"version": __version__, **dataclasses.asdict(run), "complete": complete}
    how.pop("certificates")
    text = json.dumps(as_json(found, how), indent=2, allow_nan=False) + "\n"
    with written_whole(path) as file:
        file.write(text.encode())
