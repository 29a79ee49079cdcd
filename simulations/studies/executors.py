"""Where replicates are computed: in this process, in fresh ones, or on a Dask cluster.

All three have `free` (jobs that may be given now), `busy`, `give(job)`, `collect()` and `end()`;
none of them knows the ledger. BLAS threads are held to one everywhere, since the number of threads
changes the rounding of a product.
"""

from __future__ import annotations

import contextlib
import functools
import pickle
import platform
import queue
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from pruneproof.simulations.workers import Crew, Died, Raised

from .ledger import Outcome, Place
from .study import Replicate, Study, plain_record, stream

#: Seconds that a scheduler has to answer.
ANSWER = 5.0


@dataclass(frozen=True)
class Job:
    """One replicate to be computed: its place, its parameters and the root of its stream."""

    place: Place
    parameters: Mapping[str, Any]
    root: int
    number: int


Task = Callable[[Job], Outcome]


class Executor(Protocol):
    """Where jobs are done."""

    @property
    def free(self) -> int:
        """Jobs that may be given now."""

    @property
    def busy(self) -> int:
        """Jobs that were given and not collected."""

    def give(self, job: Job) -> None:
        """Hand in a job."""

    def collect(self) -> list[Outcome]:
        """Outcomes that have come in; waits a while for the first."""

    def end(self) -> None:
        """Leave; jobs under way are lost."""


def perform(replicate: Replicate, job: Job) -> Outcome:
    """Compute one replicate; what it raises becomes the outcome's traceback."""
    record, text = None, None
    start = time.perf_counter()
    try:
        rng = stream(job.root, job.number, *job.place)
        record = plain_record(replicate(dict(job.parameters), rng), job.parameters)
    except Exception:
        text = traceback.format_exc()
    return Outcome(*job.place, record, text, time.perf_counter() - start, versions())


def perform_in_worker(replicate: Replicate, job: Job) -> Outcome:
    """:func:`perform` in a process of ours, whose BLAS threads stay held."""
    _hold_threads()
    return perform(replicate, job)


@functools.cache
def versions() -> dict[str, str]:
    """Versions of what a record depends on."""
    found = {"python": platform.python_version()}
    for name in ("pruneproof", "numpy", "scipy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # the folders without an installation
            found[name] = "unknown"
    return found


@functools.cache
def _hold_threads() -> Any:
    """Hold all BLAS pools to one thread from now on."""
    import scipy.linalg  # noqa: F401  # loads its BLAS, which could not be held later
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def executor(study: Study, *, workers: int = 1, scheduler: str | None = None) -> Executor:
    """Where the replicates of a study are computed.

    Raises
    ------
    ValueError
        The scheduler does not answer or has no workers; Dask is missing; other processes cannot
        import the replicate function.
    """
    if scheduler is None and workers == 1:
        return Serial(functools.partial(perform, study.replicate))
    task = functools.partial(perform_in_worker, study.replicate)
    if scheduler is not None:
        return Cluster(task, scheduler)
    try:
        pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"replicate of study {study.name} cannot be sent to other processes ({error}); "
            "make it a function at the top of a module, or use one worker"
        ) from None
    return Processes(task, workers)


class Serial:
    """Jobs done in this process, one after the other."""

    def __init__(self, task: Task) -> None:
        import scipy.linalg  # noqa: F401  # see _hold_threads
        from threadpoolctl import threadpool_limits

        self._limits = threadpool_limits(1)
        self._task = task
        self._job: Job | None = None

    @property
    def free(self) -> int:
        """One if none is held."""
        return 1 - self.busy

    @property
    def busy(self) -> int:
        """Jobs held: one or none."""
        return int(self._job is not None)

    def give(self, job: Job) -> None:
        """Hold the job until its outcome is asked for."""
        self._job = job

    def collect(self) -> list[Outcome]:
        """Do the job."""
        assert self._job is not None
        job, self._job = self._job, None
        return [self._task(job)]

    def end(self) -> None:
        """Give the BLAS its threads back."""
        self._limits.restore_original_limits()


class Processes:
    """Jobs done in fresh processes; one that dies costs its job only."""

    def __init__(self, task: Task, workers: int) -> None:
        self._crew = Crew(task, workers)
        self.end = self._crew.end

    @property
    def free(self) -> int:
        """Processes without a job."""
        return self._crew.free

    @property
    def busy(self) -> int:
        """Processes with a job."""
        return self._crew.busy

    def give(self, job: Job) -> None:
        """Give the job to a free process."""
        self._crew.give(job)

    def collect(self) -> list[Outcome]:
        """What the processes finished, within a second."""
        return [_outcome(job.place, found) for job, found in self._crew.collect(1.0)]


def _outcome(place: Place, found: Any) -> Outcome:
    """Outcome of a job, also where it came back without one."""
    if isinstance(found, Outcome):
        return found
    if isinstance(found, Died):
        text = f"{found}\n"
    else:
        error = found.error if isinstance(found, Raised) else found
        text = "".join(traceback.format_exception_only(error))
    return Outcome(*place, None, text, 0.0, versions())


class Cluster:
    """Jobs done by the workers of a Dask cluster that stands already.

    Dask gives the job of a worker that died to another one; only this process writes the ledger.
    Code travels to and from the cluster as pickles: connect to one that you trust.
    """

    def __init__(self, task: Task, address: str) -> None:
        self._task = task
        self._address = address
        self._client = _connected(address)
        self._futures: dict[Any, Place] = {}
        self._arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._most: int = 2 * sum(self._client.nthreads().values())
        if not self._most:
            self.end()
            raise ValueError(
                f"the Dask scheduler at {address} has no workers; start some with "
                f"`dask worker {address}`"
            )

    @property
    def free(self) -> int:
        """Room for two jobs a thread, so that none waits for the network."""
        return self._most - len(self._futures)

    @property
    def busy(self) -> int:
        """Jobs handed in and not come back."""
        return len(self._futures)

    def give(self, job: Job) -> None:
        """Hand the job to the scheduler."""
        future = self._client.submit(self._task, job, pure=False)
        self._futures[future] = job.place
        future.add_done_callback(self._arrived.put)

    def collect(self) -> list[Outcome]:
        """What has come back, within a second.

        Raises
        ------
        ValueError
            The scheduler has gone.
        """
        arrived = []
        with contextlib.suppress(queue.Empty):
            arrived.append(self._arrived.get(timeout=1.0))
            while True:
                arrived.append(self._arrived.get_nowait())
        if self._client.status != "running" or any(f.status == "cancelled" for f in arrived):
            raise ValueError(
                f"the Dask scheduler at {self._address} has gone; what was finished is in the "
                "ledger: start a scheduler and run again"
            )
        return [_outcome(self._futures.pop(future), _found(future)) for future in arrived]

    def end(self) -> None:
        """Leave the cluster, which goes on standing."""
        with contextlib.suppress(Exception):  # a scheduler that has gone cannot be left
            self._client.close(timeout=2)


def _found(future: Any) -> Any:
    return future.exception() if future.status == "error" else future.result()


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise ValueError(
            "--scheduler needs Dask, which is not installed; pip install 'pruneproof[distributed]'"
        ) from None
    try:
        return Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"no Dask scheduler answers at {address} within {ANSWER:g} s ({said}); give the "
            "address that `dask scheduler` printed, such as tcp://host:8786"
        ) from None
