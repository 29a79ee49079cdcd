"""Running a study: what its ledger lacks is claimed, computed and committed, one by one.

Nothing is remembered but the ledger, so a run that was killed goes on where it stopped, and runs
side by side on one ledger share the work; each returns when all of it is there.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pruneproof.theory.arrays import as_count

from .executors import Executor, Job, executor
from .ledger import Ledger, Outcome, Place, beat, create
from .study import Study
from .summary import stopping_error
from .tables import LEASE, LedgerError

#: told(done, raised, planned) after each replicate.
Told = Callable[[int, int, int], None]
#: Replicates that are asked for in one transaction; other runs wait for it to end.
TURN = 1000


@dataclass(frozen=True)
class Precision:
    """Stop a condition once the mean of one entry is known to a standard error.

    A condition is looked at after `first` replicates, then after twice as many, and so on up to
    the replicates of the study; in between nothing is decided. The decision is a function of
    replicates 0, 1, ... n - 1, all finished, so neither the number of workers nor their order nor
    an interruption moves it. That a standard error estimated from few replicates may fall short by
    chance makes intervals a little too short; looking rarely, and not before `first`, bounds it.

    Attributes
    ----------
    entry : str
    standard_error : float
        Wanted at most; for truth values half the exact 68 % interval, which is never 0.
    first : int
    """

    entry: str
    standard_error: float
    first: int = 16

    def __post_init__(self) -> None:
        if not (math.isfinite(self.standard_error) and self.standard_error > 0):
            raise ValueError(
                f"standard_error must be finite and above 0, but is {self.standard_error!r}"
            )
        as_count("first", self.first, least=2)


@dataclass(frozen=True)
class Tally:
    """Replicates in the ledger after a run: with a record, and raised."""

    recorded: int
    raised: int


def run(
    study: Study,
    ledger: str | os.PathLike[str],
    *,
    seed: int = 0,
    workers: int = 1,
    scheduler: str | None = None,
    precision: Precision | None = None,
    retry: bool = False,
    told: Told | None = None,
) -> Tally:
    """Compute what the ledger lacks of the study; return when all of it is there.

    A replicate that raises is kept with its traceback, and the others go on.

    Parameters
    ----------
    study : Study
    ledger : path
        Made if it is not there.
    seed : int
        Root of all random streams.
    workers : int
        Processes; 1 computes in this one.
    scheduler : str, optional
        Address of a Dask scheduler, tcp://host:port; its workers compute.
    precision : Precision, optional
        Stop each condition early, once this is reached.
    retry : bool
        Compute again, once, what raised in earlier runs.
    told : callable, optional
        told(done, raised, planned) after each replicate.

    Raises
    ------
    LedgerError
        The ledger is of another study, grid or seed, is damaged, or cannot be written.
    ValueError
        The scheduler does not answer; `precision` names an entry that no record has.
    """
    seed = as_count("seed", seed, least=0)
    crew = executor(study, workers=as_count("workers", workers), scheduler=scheduler)
    try:
        with create(ledger, study, seed=seed) as book, _heartbeat(book):
            shift = _Shift(study, book, crew, time.time() if retry else None, told or _told_nobody)
            while due := _due(study, book, precision, shift.failed_before):
                shift.work_off(due)
            raised = len(book.failures())
            return Tally(len(book.done()) - raised, raised)
    finally:
        crew.end()


def _due(
    study: Study, book: Ledger, precision: Precision | None, failed_before: float | None
) -> list[Place]:
    """Replicates that the ledger lacks, replicate 0 of all conditions first."""
    done = book.done(failed_before=failed_before)
    sizes = [_size(study, book, number, done, precision) for number in range(len(study.conditions))]
    places = [(number, place) for number, size in enumerate(sizes) for place in range(size)]
    return sorted((p for p in places if p not in done), key=lambda p: (p[1], p[0]))


def _size(
    study: Study, book: Ledger, number: int, done: set[Place], precision: Precision | None
) -> int:
    """Replicates that a condition needs, as far as the finished ones tell."""
    if precision is None:
        return study.replicates
    size = min(precision.first, study.replicates)
    if any((number, place) not in done for place in range(size)):
        return size
    entries = book.entry(precision.entry, number)
    while size < study.replicates:
        if any((number, place) not in done for place in range(size)):
            break
        values = [entries[place] for place in range(size) if place in entries]
        if stopping_error(values) <= precision.standard_error:
            break
        size = min(2 * size, study.replicates)
    return size


@dataclass
class _Shift:
    """One run at work on its ledger."""

    study: Study
    book: Ledger
    crew: Executor
    failed_before: float | None
    told: Told
    raised: int = 0

    def work_off(self, due: Sequence[Place]) -> None:
        """Compute what is due, or see it finished by another run."""
        pending, theirs = deque(due), deque[Place]()
        kept, raised = self.book.counts()
        before, self.raised = (kept, raised) if self.failed_before is None else (kept - raised, 0)
        self.told(before, self.raised, before + len(due))
        while pending or theirs or self.crew.busy:
            finished = self.crew.collect() if self.crew.busy else []
            for place in self._commit(finished, pending, theirs):
                parameters = self.study.conditions[place[0]]
                self.crew.give(Job(place, parameters, self.book.seed, self.study.number))
            left = len(pending) + len(theirs) + self.crew.busy
            self.told(before + len(due) - left, self.raised, before + len(due))
            if not pending:
                if theirs and not self.crew.busy:
                    time.sleep(0.2)  # another run has all that is left
                pending, theirs = theirs, pending

    def _commit(
        self, finished: Sequence[Outcome], pending: deque[Place], theirs: deque[Place]
    ) -> list[Place]:
        """Keep what is finished and claim what comes next, in one transaction."""
        mine: list[Place] = []
        free = self.crew.free
        if not finished and not (pending and free > 0):
            return mine
        with self.book.together():
            for outcome in finished:
                self.book.keep(outcome)
            for _ in range(min(len(pending), TURN)):
                if len(mine) >= free:
                    break
                place = pending.popleft()
                state = self.book.claim(place, failed_before=self.failed_before)
                if state == "mine":
                    mine.append(place)
                elif state == "theirs":
                    theirs.append(place)
        self.raised += sum(outcome.record is None for outcome in finished)
        return mine


def _told_nobody(done: int, raised: int, planned: int) -> None:
    pass


@contextlib.contextmanager
def _heartbeat(book: Ledger) -> Iterator[None]:
    """Register the run, and say now and then from a thread that it is alive."""
    number = book.begin()
    over = threading.Event()

    def beating() -> None:
        while not over.wait(LEASE / 6):
            with contextlib.suppress(LedgerError):  # the run itself will meet it and say so
                beat(book.path, number)

    thread = threading.Thread(target=beating, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
