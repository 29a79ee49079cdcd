"""Work spread over processes: the order, the errors, and a worker that dies."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pruneproof.simulations.workers import Died, spread

TASKS = """
import os, signal

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
