"""Commands `falsify` and `replay`: a long search for a counterexample, files that repeat one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from pruneproof.proofs_check import Claim
from pruneproof.proofs_check.falsify import Falsification, Told, falsify
from pruneproof.proofs_check.replaying import replay_file
from pruneproof.proofs_check.sides import Sides
from pruneproof.proofs_check.witnesses import check_place, decided_exactly, named, save_witness

from .console import INTERRUPTED, console, refuse
from .verdict_table import parameters


def falsify_command(
    claim_id: str,
    *,
    mutant: str | None = None,
    minutes: float = 2.0,
    seed: int = 0,
    save: str | Path | None = None,
) -> int:
    """Search for an instance that refutes one claim, or a mutant of it; save it as a witness.

    Status 1: a claim that should hold is refuted, or a reading that should fail is not.
    """
    try:
        base = named(claim_id)
        claim = named(claim_id, mutant)
        place = Path(save) if save is not None else Path(f"witness-{base.id}.json")
        check_place(place)
        with _progress(claim, minutes) as told:
            found = falsify(claim, minutes=minutes, seed=seed, told=told)
    except ValueError as error:
        return refuse(error)
    screen = console()
    for line in _told(found):
        screen.print(line, markup=False)
    refuted = found.refuted
    if refuted:
        assert found.parameters is not None
        exact = decided_exactly(base.id, mutant, found.parameters)
        if exact is not None:
            screen.print(exact["sentence"], markup=False)
            refuted = exact["decided"] != "holds"  # else rounding alone refuted
    if refuted:
        assert found.parameters is not None
        try:
            save_witness(place, base.id, found.parameters, found.sides, mutant, exact)
        except ValueError as error:
            return refuse(error)
        screen.print(f"saved as {place}; repeat: pruneproof replay {place}", markup=False)
    if found.stage == "interrupted" and not refuted:
        return INTERRUPTED
    wanted = base.must_fail or any(m.must_die for m in base.mutants if m.name == mutant)
    return int(refuted != wanted) if mutant is None else int(wanted and not refuted)


def replay_command(path: str | Path) -> int:
    """Check a certificate or a witness again from its file alone.

    Status 1: the file is sound, but what it says does not come out again.
    """
    try:
        found = replay_file(path)
    except ValueError as error:
        return refuse(error)
    console().print(f"{found.claim}: {found.sentence}", markup=False)
    return 0 if found.ok else 1


@contextlib.contextmanager
def _progress(claim: Claim, minutes: float) -> Iterator[Told | None]:
    """A line with the stage, the evaluations and the worst ratio, where someone watches."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    screen = console(stderr=True)
    if not screen.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task(claim.id, total=60 * minutes)

        def told(stage: str, evaluations: int, worst: float) -> None:
            if evaluations % 16 == 0:
                line = f"{claim.id} {stage}: {evaluations} tried, worst ratio {worst:.4g}"
                elapsed = progress.tasks[task].elapsed or 0.0
                progress.update(task, description=line, completed=elapsed)

        yield told


def _told(found: Falsification) -> Iterator[str]:
    """What the search ended with, in lines."""
    effort = f"{found.evaluations} instances in {found.seconds:.1f} s (seed {found.seed})"
    if found.parameters is None:
        yield f"{found.claim}: no instance met the hypotheses in {effort}"
        return
    if not found.refuted:
        yield f"{found.claim}: not refuted by {effort}; the search ended: {found.stage}"
        yield f"worst ratio {found.worst_ratio:.6g} at {parameters(found.parameters)}"
        return
    yield f"{found.claim}: REFUTED by {found.stage} after {effort}"
    if isinstance(found.sides, Sides):
        sides = found.sides
        yield (
            f"{sides.part + ': ' if sides.part else ''}{sides.lhs:.10g} against {sides.rhs:.10g}, "
            f"ratio {sides.ratio:.6g}; rounding allows {sides.tolerance:.2g}"
        )
    else:
        yield f"evaluating it raised {type(found.sides).__name__}: {found.sides}"
    yield f"witness: {json.dumps(found.parameters)}"
