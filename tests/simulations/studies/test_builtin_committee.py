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
from pruneproof.simulations.studies import builtin
from pruneproof.simulations.studies.study import Study

OWN = (
    "crossover", "divnet-digits", "dpp-degrees-of-freedom", "node-against-edge", "reweighting",
    "sgd-against-ode",
)  # fmt: skip
#: One small condition a study: the quick grids train networks.
SMALL: dict[str, list[dict[str, Any]]] = {
    "crossover": [{"copies": 6}, {"copies": 10}],
    "divnet-digits": [{"share": 0.4}],
    "dpp-degrees-of-freedom": [{"exponent": 2.5, "nodes": 4}, {"exponent": 2.5, "nodes": 16}],
    "node-against-edge": [{"units": 6, "schedule": s} for s in ("constant", "annealed")],
    "reweighting": [{"teachers": 2, "copies": 3, "nodes": k} for k in (2, 4)],
    "sgd-against-ode": [{"process": "weights", "inputs": n} for n in (64, 128)]
    + [{"process": "overlaps", "inputs": n} for n in (64, 1024)],
}


def module_of(name: str) -> Any:
    return importlib.import_module(f"{builtin.__name__}.{builtin.STUDIES[name]}")


@pytest.fixture(autouse=True)
def _smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less training and shorter masks than the studies have, which no law here asks for."""
    node = module_of("node-against-edge")
    monkeypatch.setattr(node, "SAMPLES", 50_000)
    monkeypatch.setitem(node.KEPT, 6, (2, 4))
    monkeypatch.setattr(module_of("divnet-digits"), "EPOCHS", 5)
    monkeypatch.setattr(module_of("crossover"), "EDGES", 200_000)


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


def test_a_trained_student_is_pruned_by_the_law_of_its_own_overlaps() -> None:
    """Means of exact laws over the draws, edges to O(1/N); an eighth of the paper's training."""
    mine = run("node-against-edge", SMALL["node-against-edge"][:1], 12)
    for k in (2, 4):
        for rule in module_of("node-against-edge").LAWS:
            gaps = [{"gap": r[f"{rule} {k}"] - r[f"{rule} {k} law"]} for r in mine]
            scale = mine[0][f"{rule} {k} law"]
            assert_near(gaps, "gap", 0.0, 0.0 if rule.endswith("node") else 0.02 * scale)
        for record in mine:
            edges = [record[f"{rule}-edge {k}"] for rule in ("importance", "dpp", "random")]
            assert edges == sorted(edges)


def test_the_gap_to_the_equations_of_motion_falls_as_the_root_of_the_inputs() -> None:
    module = module_of("sgd-against-ode")
    grid = [{"process": "overlaps", "inputs": n} for n in (128, 1024)]
    slope, error = module.fitted_slope(
        [r for each in grid for r in run(module.STUDY.name, [each], 40)]
    )
    # the mean gap is N^{-1/2} to a relative O(N^{-1/2}), a tenth at 128
    assert abs(slope + 0.5) < 7 * error + math.log(1.1) / math.log(8.0)
    assert error < 0.06
    weights = run("sgd-against-ode", [{"process": "weights", "inputs": 128}], 30)
    for t in (1.0, 7.0, 20.0):
        motion = theory.generalization_error(module.motion()[module.TIMES.index(t)])
        assert_near(weights, f"error {t:g}", motion, 0.1 * motion)  # a bias of O(1/N)


def test_conditions_that_no_machine_has_are_refused() -> None:
    with pytest.raises(ValueError, match="units must be one of 6, 20, not 8"):
        run("node-against-edge", [{"units": 8, "schedule": "constant"}], 1)
    with pytest.raises(ValueError, match="schedule must be one of constant, annealed, not 'slow'"):
        run("node-against-edge", [{"units": 6, "schedule": "slow"}], 1)
