"""Work spread over fresh processes: results in order, and a worker that dies costs one item only.

This module may import the standard library only.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import multiprocessing
import signal
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
class Raised:
    """In place of a result: what the task raised."""

    error: Exception


class _Worker:
    """One process, the pipe to it, and the place of the item it works on."""

    def __init__(self, task: Callable[[Any], Any]) -> None:
        fresh = multiprocessing.get_context("spawn")
        self.pipe, theirs = fresh.Pipe()
        self.process = fresh.Process(target=_serve, args=(task, theirs), daemon=True)
        with _no_interrupt():
            self.process.start()
        theirs.close()
        self.place: int | None = None

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

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
        return Raised(value) if failed else value

    def end(self) -> None:
        self.process.terminate()
        self.process.join()
        self.pipe.close()


class Crew:
    """Processes that work on items as they are given, for results as they are found.

    `task`, items and results are pickled. A process that dies is replaced when the next item is
    given.
    """

    def __init__(self, task: Callable[[Any], Any], workers: int) -> None:
        self._task = task
        self._most = workers
        self._crew: list[_Worker] = []
        self._items: dict[int, Any] = {}
        self._given = 0

    @property
    def free(self) -> int:
        """Items that may be given at once."""
        return self._most - len(self._items)

    @property
    def busy(self) -> int:
        """Items that are being worked on."""
        return len(self._items)

    def give(self, item: Any) -> None:
        """Start on an item; only where one is free."""
        idle = [worker for worker in self._crew if worker.place is None and worker.alive]
        if not idle:
            idle = [_Worker(self._task)]
            self._crew += idle
        self._items[self._given] = item
        idle[0].give(self._given, item)
        self._given += 1

    def collect(self, timeout: float | None = None) -> list[tuple[Any, Any]]:
        """Items that are finished, with their results; waits for one at most `timeout` seconds.

        A result is what the task returned, a :class:`Raised` or a :class:`Died`.
        """
        busy = {worker.pipe: worker for worker in self._crew if worker.place is not None}
        finished = []
        for pipe in wait(list(busy), timeout):
            worker = busy[pipe]  # type: ignore[index]
            assert worker.place is not None
            found = worker.result()
            finished.append((self._items.pop(worker.place), found))
            worker.place = None
            if isinstance(found, Died):
                worker.end()
                self._crew.remove(worker)
        return finished

    def end(self) -> None:
        """End all processes, at work or not."""
        for worker in self._crew:
            worker.end()
        self._crew.clear()
        self._items.clear()


def spread(task: Callable[[Any], Any], items: Sequence[Any], workers: int) -> Iterator[Any]:
    """Results of ``task(item)`` in the order of `items`, each as soon as it and those before are.

    A result whose process died is a :class:`Died`; another process takes its place. An exception
    in the task is raised here, after the results before it. `task`, items and results are
    pickled. Leaving the iteration early ends the workers.
    """
    results: dict[int, Any] = {}
    coming = iter(enumerate(items))
    crew = Crew(functools.partial(_placed, task), min(workers, len(items)))
    try:
        for place in range(len(items)):
            while place not in results:
                for following in itertools.islice(coming, crew.free):
                    crew.give(following)
                results.update({given: found for (given, _), found in crew.collect()})
            found = results.pop(place)
            if isinstance(found, Raised):
                raise found.error
            yield found
    finally:
        crew.end()


def _placed(task: Callable[[Any], Any], item: tuple[int, Any]) -> Any:
    return task(item[1])


def _serve(task: Callable[[Any], Any], pipe: Connection) -> None:
    """Loop of a worker: an item in, whether it failed and the result or exception out."""
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
        try:
            pipe.send(answer)
        except OSError:  # the caller has gone
            return


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Ctrl-C waits until the block ends; a process started in it is never told of one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
