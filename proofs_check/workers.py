"""Work spread over fresh processes: results in order, and a worker that dies costs one item only.

This module may import the standard library only.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any


@dataclass(frozen=True)
class Died:
    """In place of a result: the process that worked on the item ended without one."""

    status: int | None

    def __str__(self) -> str:
        if self.status is not None and self.status < 0:
            return f"its worker process was killed by signal {-self.status}"
        return f"its worker process ended with status {self.status}"


@dataclass(frozen=True)
class _Raised:
    """In place of a result: what the task raised, kept for its turn."""

    error: Exception


class _Worker:
    """One process, the pipe to it, and the place of the item it works on."""

    def __init__(self, task: Callable[[Any], Any]) -> None:
        fresh = multiprocessing.get_context("spawn")
        self.pipe, theirs = fresh.Pipe()
        self.process = fresh.Process(target=_serve, args=(task, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.place: int | None = None

    def give(self, place: int, item: Any) -> None:
        self.place = place
        with contextlib.suppress(OSError):  # a process that has gone is found out by result()
            self.pipe.send(item)

    def result(self) -> Any:
        """What came through the pipe, or how the process ended."""
        try:
            failed, value = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            return Died(self.process.exitcode)
        return _Raised(value) if failed else value

    def end(self) -> None:
        self.process.terminate()
        self.process.join()
        self.pipe.close()


def spread(task: Callable[[Any], Any], items: Sequence[Any], workers: int) -> Iterator[Any]:
    """Results of ``task(item)`` in the order of `items`, each as soon as it and those before are.

    A result whose process died is a :class:`Died`; another process takes its place. An exception
    in the task is raised here, after the results before it. `task`, items and results are
    pickled. Leaving the iteration early ends the workers.
    """
    results: dict[int, Any] = {}
    coming = iter(enumerate(items))
    crew: list[_Worker] = []
    try:
        for _ in range(min(workers, len(items))):
            crew.append(_Worker(task))
            crew[-1].give(*next(coming))
        for place in range(len(items)):
            while place not in results:
                _collect(task, crew, coming, results)
            found = results.pop(place)
            if isinstance(found, _Raised):
                raise found.error
            yield found
    finally:
        for worker in crew:
            worker.end()


def _collect(
    task: Callable[[Any], Any],
    crew: list[_Worker],
    coming: Iterator[tuple[int, Any]],
    results: dict[int, Any],
) -> None:
    """Wait for some workers, keep what they hand in, and give each its next item."""
    busy = {worker.pipe: worker for worker in crew if worker.place is not None}
    for pipe in wait(list(busy)):
        worker = busy[pipe]  # type: ignore[index]
        assert worker.place is not None
        found = results[worker.place] = worker.result()
        worker.place = None
        following = next(coming, None)
        if isinstance(found, Died):
            worker.end()
            crew.remove(worker)
            if following is None:
                continue
            worker = _Worker(task)
            crew.append(worker)
        if following is not None:
            worker.give(*following)


def _serve(task: Callable[[Any], Any], pipe: Connection) -> None:
    """Loop of a worker: an item in, whether it failed and the result or exception out."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends us
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        try:
            answer = (False, task(item))
        except Exception as error:
            answer = (True, error)
        pipe.send(answer)
