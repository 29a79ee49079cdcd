"""Work spread over processes: the order, the errors, and a worker that dies."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pruneproof.simulations import workers
from pruneproof.simulations.workers import SMALL, STREAK, Crew, Died, spread

TASKS = """
import os, signal, time

def square(x):
    return x * x

def killed_by_three(x):
    if x == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x

def leaves_at_three(x):
    if x == 3:
        os._exit(7)
    return x

def pauses(x):
    seconds, answer = x
    time.sleep(seconds)
    return answer

def refuses_three(x):
    if x == 3:
        raise ValueError("three is refused")
    return x
"""


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Functions of a module that the worker processes can import too."""
    (tmp_path / "tasks_for_workers.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("tasks_for_workers")
    monkeypatch.setitem(sys.modules, "tasks_for_workers", module)
    return lambda name: getattr(module, name)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_come_in_order(task: Callable[[str], Any], workers: int) -> None:
    assert list(spread(task("square"), range(3), workers)) == [0, 1, 4]


@pytest.mark.parametrize(
    ("name", "status", "says"),
    [
        ("killed_by_three", -9, "killed by signal 9"),
        ("leaves_at_three", 7, "ended with status 7"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_dead_worker_costs_its_item_only(
    task: Callable[[str], Any], name: str, status: int, says: str, workers: int
) -> None:
    found = list(spread(task(name), [1, 2, 3, 4, 3], workers))
    assert found == [1, 2, Died(status), 4, Died(status)]
    assert says in str(found[2])


def test_an_error_in_the_task_is_raised(task: Callable[[str], Any]) -> None:
    coming = spread(task("refuses_three"), [1, 3], 2)
    assert next(coming) == 1
    with pytest.raises(ValueError, match="three is refused"):
        next(coming)


def test_nothing_to_do_starts_nothing(task: Callable[[str], Any]) -> None:
    assert list(spread(task("square"), [], 4)) == []


@pytest.fixture
def crew(
    task: Callable[[str], Any], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Crew]:
    """Two processes at the task that the test names; brief is what no busy machine makes long."""
    monkeypatch.setattr(workers, "BRIEF", 0.4)
    found = Crew(task(request.param), 2)
    yield found
    found.end()


def work_off(crew: Crew, items: list[Any]) -> list[Any]:
    """Results of the items, in any order; each is given as soon as the crew takes it."""
    found, pending = [], list(items)
    while pending or crew.busy:
        while pending and crew.free:
            crew.give(pending.pop(0))
        found += [result for _, result in crew.collect()]
    return found


@pytest.mark.parametrize("crew", ["pauses"], indirect=True)
def test_only_after_brief_items_the_next_is_given_ahead(crew: Crew) -> None:
    assert crew.free == 2
    assert sorted(work_off(crew, [(0.0, i) for i in range(STREAK - 1)])) == [*range(STREAK - 1)]
    assert crew.free == 2
    work_off(crew, [(0.0, 0)])
    assert crew.free == 4
    for _ in range(4):
        crew.give((0.0, 1))
    assert (crew.free, crew.busy) == (0, 4)
    assert work_off(crew, []) == [1] * 4
    work_off(crew, [(0.5, 0)])
    assert crew.free == 2
    work_off(crew, [(0.0, 0)] * STREAK)
    assert crew.free == 4


@pytest.mark.parametrize("crew", ["pauses"], indirect=True)
def test_a_free_process_is_counted_where_the_other_has_an_item_ahead(crew: Crew) -> None:
    work_off(crew, [(0.0, 0)] * STREAK)
    for item in ((0.5, "half"), (1.2, "long"), (0.0, "brief"), (0.0, "behind")):
        crew.give(item)  # to each in turn
    found: list[Any] = []
    while len(found) < 2:
        found += [result for _, result in crew.collect()]
    assert found == ["half", "brief"]
    assert crew.free == 1
    assert work_off(crew, []) == ["long", "behind"]


@pytest.mark.parametrize("crew", ["pauses"], indirect=True)
def test_items_and_results_larger_than_a_pipe_wait_for_no_one(crew: Crew) -> None:
    work_off(crew, [(0.0, b"")] * STREAK)
    large = [(0.01, bytes([i]) * 2_000_000) for i in range(12)]
    assert len(large[0][1]) > 100 * SMALL
    assert sorted(work_off(crew, large)) == [answer for _, answer in large]


@pytest.mark.parametrize("crew", ["killed_by_three"], indirect=True)
def test_what_a_dead_process_had_not_begun_goes_to_another(crew: Crew) -> None:
    work_off(crew, [0] * STREAK)
    for item in (3, 3, 1, 2):  # the last two wait behind the first two
        assert crew.free
        crew.give(item)
    assert sorted(map(str, work_off(crew, []))) == ["1", "2", *[str(Died(-9))] * 2]
    assert work_off(crew, [7, 8, 9]) is not None
