"""Studies of committee machines and of determinantal draws: records, laws met, figures in order."""

from __future__ import annotations

import importlib
import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.simulations.figures import rendered
from pruneproof.simulations.studies import builtin
from pruneproof.simulations.studies.study import Study

OWN = ("crossover", "divnet-digits", "dpp-degrees-of-freedom", "node-against-edge", "reweighting")
#: One small condition a study: the quick grids train networks.
SMALL: dict[str, list[dict[str, Any]]] = {
    "crossover": [{"copies": 6}, {"copies": 10}],
    "divnet-digits": [{"share": 0.4}],
    "dpp-degrees-of-freedom": [{"exponent": 2.5, "nodes": 4}, {"exponent": 2.5, "nodes": 16}],
    "node-against-edge": [{"units": 6, "teachers": 2, "nodes": 3}],
    "reweighting": [{"teachers": 2, "copies": 3, "nodes": k} for k in (2, 4)],
}


def module_of(name: str) -> Any:
    return importlib.import_module(f"{builtin.__name__}.{builtin.STUDIES[name]}")


def run(name: str, conditions: list[dict[str, Any]], replicates: int) -> list[dict[str, Any]]:
    study = module_of(name).STUDY
    return [
        {**condition, "replicate": r, **study.replicate(condition, study.rng(0, place, r))}
        for place, condition in enumerate(conditions)
        for r in range(replicates)
    ]


@pytest.mark.parametrize("name", OWN)
def test_the_module_says_what_its_study_is(name: str) -> None:
    module = module_of(name)
    study = module.STUDY
    assert study == Study(
        name, module.replicate, module.GRID, module.REPLICATES, module.TITLE, module.figure,
        module.QUICK,
    )  # fmt: skip
    document = tomllib.loads(Path(module.__file__).with_suffix(".toml").read_text("utf-8"))
    assert document["study"] == {"replicate": name, "replicates": study.replicates, "seed": 0}
    assert document["grid"] == study.grid


@pytest.mark.parametrize("name", OWN)
def test_records_are_flat_and_figures_in_order(name: str) -> None:
    if name == "divnet-digits":
        pytest.importorskip("sklearn")
    records = run(name, SMALL[name], 2)
    for record in records:
        for entry, value in record.items():
            assert type(value) in (int, float, bool, str), entry
            assert not isinstance(value, float) or math.isfinite(value), entry
    assert records == run(name, SMALL[name], 2)
    figure = module_of(name).figure(records)
    for ax in (ax for ax in figure.axes if ax.axison):
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.get_title(loc="left")
    assert rendered(figure, "png") == rendered(module_of(name).figure(records), "png")


def assert_near(records: Any, entry: str, law: float, error: float) -> None:
    """Mean within 7 standard errors of the law (false alarms of 1e-6) and the stated bias."""
    y = np.array([record[entry] for record in records])
    assert abs(y.mean() - law) <= error + 7 * y.std(ddof=1) / math.sqrt(y.size), entry


def test_replicated_students_follow_their_laws() -> None:
    for condition in SMALL["reweighting"]:
        m, z, k = condition["teachers"], condition["copies"], condition["nodes"]
        mine = run("reweighting", [condition], 40)
        edges = theory.replicated_edge_error(m, z, k / 6)
        refitted = theory.refitted_edge_error(m, z, k / 6)
        # edge masks: biases O(1/N) of errors below 1; the jitter moves a draw by 1e-4
        assert_near(mine, "random_edge", edges, 2e-3)
        assert_near(mine, "random_edge_refitted", refitted, 2e-3)
        for rule in ("dpp", "random"):
            law = theory.replicated_node_error(m, z, k, f"{rule}-node")
            assert_near(mine, f"{rule}_node", law, 1e-3)
            law = theory.refitted_node_error(m, z, k, f"{rule}-node")
            assert_near(mine, f"{rule}_node_refitted", law, 1e-3)


def test_masks_cross_where_the_law_says() -> None:
    # the root's bias is that of 2 order parameters of masks of 10^5 edges a unit, 1e-2 at most
    for z in (6, 10):
        wanted = theory.edge_crossover(z)
        assert wanted is not None
        assert_near(run("crossover", [{"copies": z}], 6), "crossing", wanted, 1e-2)


def test_determinantal_draws_follow_their_laws() -> None:
    module = module_of("dpp-degrees-of-freedom")
    for condition in SMALL["dpp-degrees-of-freedom"]:
        mine, k = run("dpp-degrees-of-freedom", [condition], 100), condition["nodes"]
        mu = module.power_law(module.NODES, condition["exponent"])
        lam = theory.ridge_for_degrees_of_freedom(mu, k)
        assert_near(mine, "size", k, 0.0)
        assert_near(mine, "dpp_loss", lam * k / mu.sum(), 0.0)
        assert_near(mine, "k_dpp_loss", theory.volume_loss(mu, k) / mu.sum(), 0.0)


def test_a_trained_student_is_pruned_as_the_replicated_one() -> None:
    """Half of 6 units: magnitude edges lose least, and edges of odds w^2 less than random ones."""
    mine = run("node-against-edge", SMALL["node-against-edge"], 2)
    for record in mine:
        assert record["importance_edge"] < record["dpp_edge"] < record["random_edge"]
        assert record["unpruned"] < record["importance_edge"]


def test_the_gap_to_the_equations_of_motion_falls_as_the_root_of_the_inputs() -> None:
    grid = [{"process": "overlaps", "inputs": n} for n in (256, 4096)]
    few, many = (run("sgd-against-ode", [condition], 40) for condition in grid)
    gaps = [np.sqrt(np.mean([r["squared_gap"] for r in found])) for found in (few, many)]
    # ratio 4; each root mean square has a relative standard error of 11 %, so 6 errors are 2.5
    assert 2.0 < gaps[0] / gaps[1] < 8.0
    weights = run("sgd-against-ode", [{"process": "weights", "inputs": 256}], 20)
    for place in (0, 3, 5):
        mine = [{"error": record["errors"][place]} for record in weights]
        motion = theory.generalization_error(module_of("sgd-against-ode").motion()[place])
        assert_near(mine, "error", motion, 0.05 * motion)  # a bias of O(1/N)
