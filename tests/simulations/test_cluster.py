"""A Dask cluster gives the records of one process, even where a worker is killed."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pruneproof.simulations.studies import reopen, run

WITHOUT_DASK = ""
try:
    import distributed
    from dask import config as dask_config
except ImportError:
    WITHOUT_DASK = "Dask is not installed (extra `distributed`)"
dask_only = pytest.mark.skipif(bool(WITHOUT_DASK), reason=WITHOUT_DASK or "-")


@pytest.fixture
def cluster(toy: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two workers in processes of their own, one thread each."""
    monkeypatch.setenv("TOY_SECONDS", "0.02")
    # how long it asks a killed worker for the results that it held; Dask's own value is 30 s
    brief = dask_config.set({"distributed.comm.timeouts.connect": "3s"})
    with (
        brief,
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as made,
    ):
        yield made


def records(ledger: Path) -> list[dict[str, Any]]:
    with reopen(ledger) as book:
        assert book.failures() == []
        return book.records()


@dask_only
@pytest.mark.skipif(os.name == "nt", reason="kills by signals that POSIX systems have")
def test_a_killed_worker_changes_nothing_and_a_scheduler_that_leaves_is_told(
    toy: Any, cluster: Any, tmp_path: Path
) -> None:
    """One test, as a cluster takes seconds to start."""
    study = toy.study(toy.logged, replicates=60)
    victim = cluster.workers[0].pid

    def killing(done: int, raised: int, planned: int) -> None:
        nonlocal victim
        if done >= 30 and victim:
            os.kill(victim, signal.SIGKILL)
            victim = 0

    place = tmp_path / "cluster.ledger"
    tally = run(study, place, scheduler=cluster.scheduler_address, told=killing)
    assert victim == 0
    assert (tally.recorded, tally.raised) == (120, 0)
    run(toy.study(replicates=60), tmp_path / "serial.ledger")
    assert records(place) == records(tmp_path / "serial.ledger")

    study, place = toy.study(toy.logged, replicates=200), tmp_path / "t.ledger"
    left = False

    def leaving(done: int, raised: int, planned: int) -> None:
        nonlocal left
        if done >= 20 and not left:  # the count may jump
            left = True
            cluster.close()

    with pytest.raises(ValueError, match=r"has gone.*run again") as error:
        run(study, place, scheduler=cluster.scheduler_address, told=leaving)
    assert "\n" not in str(error.value)
    kept = len(records(place))
    assert 20 <= kept < 400
    run(toy.study(replicates=200), place)
    assert len(records(place)) == 400


@dask_only
def test_a_scheduler_without_workers(toy: Any, tmp_path: Path) -> None:
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(ValueError, match=f"{address} has no workers") as error:
            run(toy.study(), tmp_path / "t.ledger", scheduler=address)
    assert "\n" not in str(error.value)


@dask_only
def test_a_scheduler_that_does_not_answer(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pruneproof.simulations.studies import executors

    monkeypatch.setattr(executors, "ANSWER", 1.0)
    with socket.socket() as deaf:  # takes the connection, and says nothing
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        for address in (f"tcp://127.0.0.1:{deaf.getsockname()[1]}", "tcp://127.0.0.1:1", "here"):
            start = time.monotonic()
            with pytest.raises(
                ValueError, match=f"no Dask scheduler answers at {address}"
            ) as error:
                run(toy.study(), tmp_path / "t.ledger", scheduler=address)
            assert "\n" not in str(error.value)
            assert time.monotonic() - start < 20
    assert not (tmp_path / "t.ledger").exists()


@pytest.mark.skipif(not WITHOUT_DASK, reason="Dask is installed")
def test_without_dask_the_extra_is_named(toy: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pruneproof\[distributed\]"):
        run(toy.study(), tmp_path / "t.ledger", scheduler="tcp://127.0.0.1:8786")
