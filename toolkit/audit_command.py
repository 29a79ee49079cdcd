"""The command `pruneproof audit`: read a model, audit it, print and write what was found.

Everything is computed before anything is written, and each file is written whole or not at all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from pruneproof.simulations.files import written_whole
from pruneproof.theory.network.network import Network
from pruneproof.theory.network.widths import DEFAULT_THETA

from .audit_data import Audit
from .auditing import Tick, audit
from .digits import digits
from .files import read_arrays
from .models import Data, data_of, network_of
from .report import WIDTH, as_json, print_report

FIGURE_KINDS = (".svg", ".png")


def audit_command(
    model: str,
    data: str | None = None,
    *,
    widths: Sequence[int] | None = None,
    budget: float = 0.1,
    theta: float = DEFAULT_THETA,
    report: str | None = None,
    json_path: str | None = None,
    seed: int = 0,
    console: Console | None = None,
) -> int:
    """Audit a model, print its tables, write its figure (SVG and PNG) and, if asked for, JSON.

    Parameters
    ----------
    model : str
        ``digits``, or the path of an .npz network (see :mod:`pruneproof.models`).
    data : str, optional
        Path of an .npz data set; without it the model's file must hold the data too.
    widths, budget, theta, seed
        As :func:`pruneproof.audit`.
    report : str, optional
        Path of the figure, with .svg, .png or neither; both are written. By default
        ``audit-NAME`` in the current folder.
    json_path : str, optional
        Where to write the audit as JSON.
    console : rich Console, optional
        Where to print.

    Returns
    -------
    int
        Exit status: 0, or 2 where the call or its input is wrong, which one line on the standard
        error says.
    """
    try:
        _run(model, data, widths, budget, theta, report, json_path, seed, console)
    except ValueError as error:
        print(f"pruneproof audit: {error}", file=sys.stderr)
        return 2
    return 0


def _run(
    model: str,
    data: str | None,
    widths: Sequence[int] | None,
    budget: float,
    theta: float,
    report: str | None,
    json_path: str | None,
    seed: int,
    console: Console | None,
) -> None:
    name = Path(model).stem
    figures = figure_paths(report, name)
    _check_places(
        [*figures, *([] if json_path is None else [Path(json_path)])],
        [Path(path) for path in (model, data) if path not in (None, "digits")],
    )
    with _one_blas_thread(), _progress() as tick:
        tick(f"reading {model}", 0, 1)
        network, samples = _read(model, data, seed)
        found = audit(
            network,
            samples.inputs,
            samples.targets,
            widths=widths,
            budget=budget,
            theta=theta,
            test_inputs=samples.test_inputs,
            test_targets=samples.test_targets,
            seed=seed,
            name=name,
            tick=tick,
        )
    contents = _rendered(found, figures)
    if json_path is not None:
        contents[Path(json_path)] = as_json(found).encode()
    for path, content in contents.items():
        with written_whole(path) as file:
            file.write(content)
    console = console or Console(width=WIDTH)  # a narrower terminal wraps; nothing is cut off
    print_report(found, console)
    for path in contents:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)


def _read(model: str, data: str | None, seed: int) -> tuple[Network, Data]:
    """Network and samples that the command names."""
    if model == "digits":
        if data is not None:
            raise ValueError(
                f"the built-in model 'digits' brings its own data; leave {data} out (or name a "
                "file ./digits)"
            )
        return digits(seed)
    arrays = read_arrays(model)
    network = network_of(arrays, model)
    if data is not None:
        return network, data_of(read_arrays(data), data)
    if "inputs" not in arrays:
        raise ValueError(
            f"{model} holds a network but no 'inputs'; name a data set too: pruneproof audit "
            f"{model} DATA.npz"
        )
    return network, data_of(arrays, model)


def figure_paths(report: str | None, name: str) -> list[Path]:
    """Paths of the figure, one for each kind of file, from its path with or without a kind.

    Raises
    ------
    ValueError
        No file name, or a kind of file that is not written.
    """
    if report is None:
        return [Path(f"audit-{name}{kind}") for kind in FIGURE_KINDS]
    path = Path(report)
    stem = path.with_suffix("") if path.suffix.lower() in FIGURE_KINDS else path
    if stem.suffix.lower() in (".pdf", ".jpg", ".jpeg", ".html", ".json", ".txt"):
        raise ValueError(
            f"the figure is written as .svg and .png, not as {stem.suffix}; give one of these or "
            "no extension"
        )
    if not stem.name:
        raise ValueError("the figure's path is empty; name a file")
    return [stem.with_name(stem.name + kind) for kind in FIGURE_KINDS]


def _check_places(paths: Sequence[Path], read: Sequence[Path]) -> None:
    """Refuse missing folders and files that are read or written already, before the work begins.

    A pipe or a terminal such as /dev/stdout may be named more than once.
    """
    taken = {place.resolve(): "is read here" for place in read}
    for path in paths:
        if not path.parent.is_dir():
            raise ValueError(f"there is no folder {path.parent} to write {path.name} into; make it")
        if path.is_dir():
            raise ValueError(f"{path} is a folder; name a file")
        place = path.resolve()
        if place in taken and (place.is_file() or not place.exists()):
            raise ValueError(f"{path} cannot be written: it {taken[place]}; name another file")
        taken[place] = "is written with a figure"


def _rendered(found: Audit, figures: Sequence[Path]) -> dict[Path, bytes]:
    """Contents of the figure files."""
    from pruneproof.simulations.figures import rendered

    from .audit_figure import audit_figure

    figure = audit_figure(found)
    return {path: rendered(figure, "svg" if path.suffix == ".svg" else "png") for path in figures}


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """One BLAS thread: NumPy and SciPy bring a pool each, and two pools in turn fight for cores."""
    import scipy.linalg  # noqa: F401  (its pool must be loaded to be limited)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


@contextmanager
def _progress() -> Iterator[Tick]:
    """Progress bar on the standard error where that is a terminal, nothing elsewhere."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda words, done, total: None
        return
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1)

        def tick(words: str, done: int, total: int) -> None:
            bar.update(task, description=words, completed=done, total=total)

        yield tick
