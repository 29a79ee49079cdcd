"""The terminal: consoles, tables, one-line refusals, and Ctrl-C that is never lost."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

#: Exit status after Ctrl-C.
INTERRUPTED = 130


def console(*, stderr: bool = False) -> Console:
    """Console; 100 columns where the output is no terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 100
    return Console(file=stream, width=width, highlight=False, emoji=False)


def table(*columns: tuple[str, Any], whole: bool = False) -> Any:
    """Table as wide as the console; its last column wraps if `whole`, else it is cut off."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    for name, side in columns[:-1]:
        made.add_column(name, justify=side, no_wrap=True)
    made.add_column(columns[-1][0], ratio=1, no_wrap=not whole, overflow="ellipsis")
    return made


def refuse(error: Exception | str) -> int:
    """One line on standard error, and exit status 2."""
    warn(error)
    return 2


def warn(message: Exception | str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"pruneproof: {message}\n")


@contextlib.contextmanager
def interruption() -> Iterator[list[int]]:
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
