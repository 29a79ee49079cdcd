"""Command `study`: list | run | status | export | plot.

`run` goes on where its ledger stops, so the answer to every interruption is to run again. Status:
0 all replicates have a record; 1 some raised; 2 the call, its file or its ledger is wrong;
130 interrupted, after saying how to go on.
"""

from __future__ import annotations

import contextlib
import json
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pruneproof.simulations.files import written_whole
from pruneproof.simulations.studies.configuration import (
    builtin_studies,
    builtin_study,
    read_study,
)
from pruneproof.simulations.studies.ledger import Ledger, reopen
from pruneproof.simulations.studies.naming import nearest
from pruneproof.simulations.studies.running import Precision, Told, run
from pruneproof.simulations.studies.study import Study
from pruneproof.simulations.studies.summary import Estimate, summarise

from .console import INTERRUPTED, console, interruption, table, warn

#: Rows of a table on the terminal; an export has all.
ROWS = 40


def list_command() -> int:
    """Print the built-in studies with their sizes."""
    screen = console()
    sizes = (("conditions", "right"), ("replicates", "right"))
    shown = table(("study", "left"), *sizes, ("", "left"), whole=True)
    for name in builtin_studies():
        study = builtin_study(name)
        shown.add_row(name, str(len(study.conditions)), str(study.replicates), study.title)
    screen.print(shown)
    return 0


def run_command(
    target: str,
    *,
    ledger: Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    quick: bool = False,
    seed: int | None = None,
    retry: bool = False,
    precision: str | None = None,
) -> int:
    """Compute what the ledger lacks of a study, and print its summary."""
    wanted = None if precision is None else _precision(precision)
    study, root = _study(target)
    study = study.quickened if quick else study
    path = ledger or Path(f"{study.name}{'-quick' if quick else ''}.ledger")
    with interruption() as pressed:
        try:
            with _progress(study, pressed) as told:
                tally = run(
                    study,
                    path,
                    seed=root if seed is None else seed,
                    workers=workers,
                    scheduler=scheduler,
                    retry=retry,
                    precision=wanted,
                    told=told,
                )
        except KeyboardInterrupt:
            _say_how_to_go_on(target, study, path, workers, scheduler, quick, seed, precision)
            return INTERRUPTED
    with reopen(path) as book:
        _print_summary(summarise(book.records(), study.parameters))
        console().print(f"{tally.recorded} replicates in {path}", markup=False)
        return _report_failures(book)


def status_command(target: str, *, ledger: Path | None = None) -> int:
    """Print what a ledger holds, condition by condition, and what raised."""
    with _opened(target, ledger) as book:
        screen = console()
        recorded, raised = [0] * len(book.conditions), [0] * len(book.conditions)
        failed = {place[:2] for place in book.failures()}
        for place in book.done():
            (raised if place in failed else recorded)[place[0]] += 1
        counts = (("recorded", "right"), ("raised", "right"))
        shown = table(*counts, ("condition", "left"), whole=True)
        for number, condition in enumerate(book.conditions[:ROWS]):
            shown.add_row(str(recorded[number]), str(raised[number]), _words(condition))
        screen.print(f"{book.name} (seed {book.seed}): {book.title}", markup=False)
        screen.print(shown)
        _say_what_is_left_out(len(book.conditions), "conditions")
        others = book.others()
        at_work = f"; {others} at work on it now" if others else ""
        screen.print(
            f"{sum(recorded)} replicates in {book.path}, {book.seconds():.3g} s of work{at_work}",
            markup=False,
        )
        return _report_failures(book, whole=True)


def export_command(target: str, *, ledger: Path | None = None, to: Path | None = None) -> int:
    """Write the records of a ledger to a .csv, .parquet or .nc file."""
    from pruneproof.simulations.studies.export import write_records

    with _opened(target, ledger) as book:
        place = to or Path(f"{book.name}.csv")
        records = _records(book)
        write_records(records, tuple(book.conditions[0]), place)
        console().print(f"{len(records)} records written to {place}", markup=False)
    return 0


def plot_command(target: str, *, ledger: Path | None = None, to: Path | None = None) -> int:
    """Draw the figure of a study from its ledger, as .svg or .png."""
    from pruneproof.simulations.figures import rendered

    with _opened(target, ledger) as book:
        if _is_ledger(target) and book.name not in builtin_studies():
            raise ValueError(
                f"{target} is the ledger of study {book.name}, which does not come with "
                f"pruneproof; name its file: pruneproof study plot FILE.toml --ledger {target}"
            )
        study = _study(book.name if _is_ledger(target) else target)[0]
        if study.figure is None:
            raise ValueError(f"study {study.name} has no figure; export its records instead")
        place = to or Path(f"{book.name}.svg")
        kind = place.suffix.lower()
        if kind not in (".svg", ".png"):
            raise ValueError(f"{place} must end in .svg or .png, which says how to draw")
        figure = study.figure(_records(book))
        with written_whole(place) as file:
            file.write(rendered(figure, "svg" if kind == ".svg" else "png"))
        console().print(f"figure written to {place}", markup=False)
    return 0


def _study(target: str) -> tuple[Study, int]:
    """Study of that name or in that TOML file, and its seed."""
    if target.lower().endswith(".toml"):
        read = read_study(target)
        return read.study, read.seed
    if target not in builtin_studies() and (Path(target).exists() or "/" in target):
        raise ValueError(f"{target} is neither the name of a study nor a .toml file")
    return builtin_study(target), 0


def _precision(text: str) -> Precision:
    """Precision from ENTRY=ERROR."""
    entry, _, error = text.rpartition("=")
    try:
        wanted = float(error)
    except ValueError:
        wanted = 0.0
    if not entry or not wanted > 0.0:
        raise ValueError(
            "--precision must be an entry of the records and the standard error wanted of its "
            f"mean, such as risk=.01, not {text!r}"
        )
    return Precision(entry, wanted)


def _is_ledger(target: str) -> bool:
    known = target in builtin_studies() or target.lower().endswith(".toml")
    return not known and Path(target).exists()


def _opened(target: str, ledger: Path | None) -> Ledger:
    """Ledger that is itself the target, or that of the study which is."""
    if ledger is not None:
        book = reopen(ledger)
        if not _is_ledger(target) and _study(target)[0].name != book.name:
            book.close()
            raise ValueError(f"{ledger} is the ledger of study {book.name}, not of {target}")
        return book
    if _is_ledger(target):
        return reopen(target)
    if target not in builtin_studies() and not target.lower().endswith(".toml"):
        if Path(target).suffix or "/" in target:
            raise ValueError(f"there is no ledger {target}; `pruneproof study run` makes one")
        raise ValueError(
            f"{target} is no ledger and no study; {nearest(target, builtin_studies())}"
        )
    return reopen(Path(f"{_study(target)[0].name}.ledger"))


def _records(book: Ledger) -> list[dict[str, Any]]:
    records = book.records()
    if not records:
        raise ValueError(f"{book.path} holds no record yet; run the study first")
    return records


@contextlib.contextmanager
def _progress(study: Study, pressed: Sequence[int]) -> Iterator[Told]:
    """A bar with the time left, where someone watches; and Ctrl-C noticed at every replicate."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Left())
    screen = console(stderr=True)
    shown = screen.is_terminal
    with Progress(*columns, console=screen, transient=True, disable=not shown) as progress:
        bar = progress.add_task(study.name, total=None)

        def told(done: int, raised: int, planned: int) -> None:
            if pressed:
                raise KeyboardInterrupt
            name = f"{study.name}, {raised} raised" if raised else study.name
            progress.update(bar, description=name, completed=done, total=planned)

        yield told


def _say_how_to_go_on(
    target: str,
    study: Study,
    path: Path,
    workers: int,
    scheduler: str | None,
    quick: bool,
    seed: int | None,
    precision: str | None,
) -> None:
    words = ["pruneproof", "study", "run", target, "--ledger", str(path)]
    words += ["--workers", str(workers)] if workers != 1 else []
    words += ["--scheduler", scheduler] if scheduler is not None else []
    words += ["--quick"] if quick else []
    words += ["--seed", str(seed)] if seed is not None else []
    words += ["--precision", precision] if precision is not None else []
    kept = 0
    with contextlib.suppress(ValueError), reopen(path) as book:
        kept = book.counts()[0]
    planned = study.replicates * len(study.conditions)
    warn(f"{kept} of {planned} replicates are in {path}; go on with: {shlex.join(words)}")


def _print_summary(estimates: Sequence[Estimate]) -> None:
    """Means with their standard errors and 95 % intervals."""
    shown = table(
        ("entry", "left"),
        ("n", "right"),
        ("mean", "right"),
        ("std. error", "right"),
        ("95 % interval", "left"),
        ("condition", "left"),
        whole=True,
    )
    for one in estimates[:ROWS]:
        digits = _digits(one)
        interval = f"[{one.lower:.{digits}g}, {one.upper:.{digits}g}]"
        figures = (f"{one.mean:.{digits}g}", f"{one.standard_error:.2g}", interval)
        shown.add_row(one.entry, str(one.replicates), *figures, _words(one.parameters))
    if estimates:
        console().print(shown)
    _say_what_is_left_out(len(estimates), "estimates")


def _digits(one: Estimate) -> int:
    """Significant digits, 4 or more, that leave the interval two of its length."""
    length, size = one.upper - one.lower, max(abs(one.lower), abs(one.upper))
    if not 0.0 < length < math.inf:  # one replicate, or all alike
        return 5
    return min(17, max(4, 2 + math.ceil(math.log10(size / length))))


def _say_what_is_left_out(count: int, what: str) -> None:
    if count > ROWS:
        console().print(f"the first {ROWS} of {count} {what}; an export has all", markup=False)


def _words(condition: Mapping[str, Any]) -> str:
    return " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in condition.items()
    )


def _report_failures(book: Ledger, *, whole: bool = False) -> int:
    """Say how many replicates raised, and what; status 1 if any did."""
    failures = book.failures()
    if not failures:
        return 0
    condition, replicate, text = failures[0]
    screen = console()
    screen.print(
        f"{len(failures)} raised; run with --retry tries them again; the first, replicate "
        f"{replicate} of condition {condition} ({_words(book.conditions[condition])}):",
        markup=False,
    )
    screen.print(text.rstrip() if whole else text.rstrip().splitlines()[-1], markup=False)
    return 1
