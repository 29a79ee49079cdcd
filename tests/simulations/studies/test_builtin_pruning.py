"""Studies of pruned weights: records, the rounds of SAP, what repairs promise, figures in order."""

from __future__ import annotations

import importlib
import math
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pruneproof.simulations.studies import builtin

pytest.importorskip("sklearn")
SMALL: dict[str, list[dict[str, Any]]] = {
    "sap-path": [{"task": "teacher"}, {"task": "digits"}],
    "prune-digits": [{"density": 0.3}, {"density": 1.0}],
}


def module_of(name: str) -> Any:
    return importlib.import_module(f"{builtin.__name__}.{builtin.STUDIES[name]}")


def one(name: str, place: int) -> dict[str, Any]:
    """Record of one small condition."""
    study, condition = module_of(name).STUDY, SMALL[name][place]
    return {**condition, "replicate": 0, **study.replicate(condition, study.rng(0, place, 0))}


@pytest.fixture(scope="module")
def records() -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Less training and narrower networks than the studies have, which no law here asks for."""
    sap, digits = module_of("sap-path"), module_of("prune-digits")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"ROUNDS": 4, "EPOCHS": 2, "VISITS": 2000, "HIDDEN": 12}.items():
            patch.setattr(sap, name, value)
        patch.setattr(digits, "EPOCHS", 2)
        patch.setattr(digits, "HIDDEN", 8)
        yield {name: [one(name, place) for place in range(2)] for name in SMALL}


@pytest.mark.parametrize("name", SMALL)
def test_the_module_says_what_its_study_is(name: str) -> None:
    module = module_of(name)
    study = module.STUDY
    assert (study.name, study.grid, study.title) == (name, module.GRID, module.TITLE)
    document = tomllib.loads(Path(module.__file__).with_suffix(".toml").read_text("utf-8"))
    assert document["study"] == {"replicate": name, "replicates": study.replicates, "seed": 0}
    assert document["grid"] == study.grid
    assert study.quickened.parameters == study.parameters


@pytest.mark.parametrize("name", SMALL)
def test_records_are_finite_and_figures_in_order(name: str, records: Any) -> None:
    for record in records[name]:
        for entry, value in record.items():
            entries = value if isinstance(value, list) else [value]
            assert all(type(x) in (int, float, str) for x in entries), entry
            assert all(math.isfinite(x) for x in entries if not isinstance(x, str)), entry
    assert records[name][1] == one(name, 1)
    for ax in (ax for ax in module_of(name).figure(records[name]).axes if ax.axison):
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.get_title(loc="left")


def test_rounds_leave_what_their_rules_say(records: Any) -> None:
    module = module_of("sap-path")
    for record in records["sap-path"]:
        size = 11_100 if record["task"] == "teacher" else 64 * 12 + 12 * 12 + 12 * 10
        d = np.round(np.array(record["global-1-2 density"]) * size)
        number = d * (1.0 - np.array(record["global-1-2 index"])) ** 2  # N_{1,2} = d (1 - I)^2
        wanted = np.maximum(np.ceil(number - 1e-6), np.ceil(0.1 * d))  # beta leaves a tenth
        np.testing.assert_array_equal(d[1:], wanted[:-1])
        fifths = [size]
        for _ in range(module.ROUNDS - 1):
            fifths.append(round(0.8 * fifths[-1]))
        for rule in ("lottery", "one-shot"):
            np.testing.assert_allclose(
                np.array(record[f"{rule} density"]) * size, fifths, rtol=1e-12
            )
        for entry in ("error", "index"):  # the first training and the first cut are shared
            first = {record[f"{rule} {entry}"][0] for rule in module.RULES}
            assert len(first) == 1
        for rule in ("neuron-1-2", "layer-1-2", "global-.5-1"):
            assert (np.diff(record[f"{rule} density"]) < 0).all()
        assert record["untrained-1-2"][:2] == record["global-1-2 density"][:2]


def test_everything_kept_loses_nothing(records: Any) -> None:
    record = records["prune-digits"][1]
    for name, error in record.items():
        if name not in ("density", "replicate") and not name.startswith("quantise"):
            assert error == record["unpruned"], name


def test_an_unknown_task_is_refused() -> None:
    study = module_of("sap-path").STUDY
    with pytest.raises(ValueError, match="task must be one of teacher, digits, not 'xor'"):
        study.replicate({"task": "xor"}, np.random.default_rng(0))
