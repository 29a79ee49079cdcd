"""Work spread over fresh processes: results in order, and a worker that dies costs one item only.

This module may import the standard library only.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

#: Items below this many seconds are brief: the caller's answer is a part of them that one sees.
BRIEF = 0.1
#: So many results in a row must have been brief before an item is given ahead of its turn.
STREAK = 16
#: Bytes of an item that a pipe takes at once, on any system.
SMALL = 4096


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
    """One process, the pipe to it, and the places of the items it was given, the oldest first."""

    def __init__(self, task: Callable[[Any], Any]) -> None:
        fresh = multiprocessing.get_context("spawn")
        self.pipe, theirs = fresh.Pipe()
        self.process = fresh.Process(target=_serve, args=(task, theirs), daemon=True)
        with _no_interrupt():
            self.process.start()
        theirs.close()
        self.places: deque[int] = deque()
        self._unsent: deque[Any] = deque()

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    def give(self, place: int, item: Any) -> None:
        self.places.append(place)
        self._unsent.append(ForkingPickler.dumps(item))
        self._send()

    def result(self) -> tuple[int, Any, float]:
        """Place of the item at work, what came through the pipe for it, and the seconds it took."""
        place = self.places.popleft()
        try:
            failed, value, seconds = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            return place, Died(self.process.exitcode), 0.0
        self._send()
        return place, Raised(value) if failed else value, seconds

    def end(self) -> None:
        self.process.terminate()
        self.process.join()
        self.pipe.close()

    def _send(self) -> None:
        """Send what can be sent without waiting for the other end.

        Ahead of its turn only what the pipe holds: with more, both ends could be sending, each
        waiting for the other to read.
        """
        while self._unsent:
            at_work = len(self.places) - len(self._unsent)
            if at_work and len(self._unsent[0]) > SMALL:
                return
            with contextlib.suppress(OSError):  # a process that has gone is found out by result()
                self.pipe.send_bytes(self._unsent.popleft())


class Crew:
    """Processes that work on items as they are given, for results as they are found.

    `task`, items and results are pickled. A process that dies is replaced, and costs the item that
    it was at. While all items are brief each process is given its next one ahead, so that it need
    not wait for the caller; not where they may be long, as one could wait behind a long one while
    another process has nothing to do.
    """

    def __init__(self, task: Callable[[Any], Any], workers: int) -> None:
        self._task = task
        self._most = workers
        self._crew: list[_Worker] = []
        self._items: dict[int, Any] = {}
        self._given = 0
        self._seconds: deque[float] = deque(maxlen=STREAK)

    @property
    def free(self) -> int:
        """Items that may be given at once."""
        brief = len(self._seconds) == STREAK and max(self._seconds) < BRIEF
        each = 2 if brief else 1
        taken = [min(len(worker.places), each) for worker in self._crew]
        return each * self._most - sum(taken)

    @property
    def busy(self) -> int:
        """Items that were given and not collected."""
        return len(self._items)

    def give(self, item: Any) -> None:
        """Start on an item, or put it next to be started; only where one is free."""
        self._items[self._given] = item
        self._least_busy().give(self._given, item)
        self._given += 1

    def collect(self, timeout: float | None = None) -> list[tuple[Any, Any]]:
        """Items that are finished, with their results; waits for one at most `timeout` seconds.

        A result is what the task returned, a :class:`Raised` or a :class:`Died`.
        """
        busy = {worker.pipe: worker for worker in self._crew if worker.places}
        finished = []
        for pipe in wait(list(busy), timeout):
            worker = busy[pipe]  # type: ignore[index]
            place, found, seconds = worker.result()
            finished.append((self._items.pop(place), found))
            self._seconds.append(seconds)
            if isinstance(found, Died):
                self._replace(worker)
        return finished

    def end(self) -> None:
        """End all processes, at work or not."""
        for worker in self._crew:
            worker.end()
        self._crew.clear()
        self._items.clear()

    def _least_busy(self) -> _Worker:
        """A process without an item, a fresh one while there may be more, or one with an item."""
        self._crew = [worker for worker in self._crew if worker.places or worker.alive]
        found = min(self._crew, key=lambda worker: len(worker.places), default=None)
        if found is None or (found.places and len(self._crew) < self._most):
            found = _Worker(self._task)
            self._crew.append(found)
        return found

    def _replace(self, worker: _Worker) -> None:
        """End a process that has died; another one takes the items that it had not begun."""
        worker.end()
        self._crew.remove(worker)
        for place in worker.places:
            self._least_busy().give(place, self._items[place])


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
    """Loop of a worker: an item in; whether it failed, result or exception, and seconds out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends us
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        start = time.perf_counter()
        try:
            failed, value = False, task(item)
        except Exception as error:
            failed, value = True, error
        try:
            pipe.send((failed, value, time.perf_counter() - start))
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
