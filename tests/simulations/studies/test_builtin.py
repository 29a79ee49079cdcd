"""The built-in studies: plain records, no dependence on order, laws met, figures in order."""

from __future__ import annotations

import hashlib
import importlib
import itertools
import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import invwishart

from pruneproof import theory
from pruneproof.simulations.decays import power_law
from pruneproof.simulations.figures import rendered
from pruneproof.simulations.studies import builtin
from pruneproof.simulations.studies.builtin import layers
from pruneproof.simulations.studies.builtin.curves import means, values, where
from pruneproof.simulations.studies.study import Study
from pruneproof.simulations.teachers import haar_rotation

OWN = (
    "dof-scaling", "compression-error", "sampling-lemma", "coherence", "bbp", "random-features",
    "pruned-least-squares", "scaling-exponents", "bias-variance", "width-tails",
)  # fmt: skip


def module_of(name: str) -> Any:
    return importlib.import_module(f"{builtin.__name__}.{builtin.STUDIES[name]}")


def conditions(grid: Any) -> list[dict[str, Any]]:
    if isinstance(grid, dict):
        return [dict(zip(grid, found)) for found in itertools.product(*grid.values())]
    return list(grid)


def run(study: Study, grid: Any, replicates: int, root: int = 0) -> list[dict[str, Any]]:
    number = int.from_bytes(hashlib.sha256(study.name.encode()).digest()[:4], "big")
    records = []
    for place, condition in enumerate(conditions(grid)):
        for replicate in range(replicates):
            seed = np.random.SeedSequence(root, spawn_key=(number, place, replicate))
            record = study.replicate(condition, np.random.default_rng(seed))
            assert not {*condition, "replicate"} & set(record)
            records.append({**condition, "replicate": replicate, **record})
    return records


@pytest.fixture(scope="module")
def quick() -> dict[str, list[dict[str, Any]]]:
    """Records of every study on the grid of a quick run, twice each."""
    found = {}
    for name in OWN:
        study = module_of(name).STUDY
        found[name] = run(study, study.quick.get("grid", study.grid), 2)
    return found


@pytest.mark.parametrize("name", OWN)
def test_the_module_says_what_its_study_is(name) -> None:
    module = module_of(name)
    study = module.STUDY
    assert study == Study(
        name, module.replicate, module.GRID, module.REPLICATES, module.TITLE, module.figure,
        module.QUICK,
    )  # fmt: skip
    assert conditions(study.quick["grid"])[0].keys() == conditions(study.grid)[0].keys()
    document = tomllib.loads(Path(module.__file__).with_suffix(".toml").read_text("utf-8"))
    assert document == {
        "study": {"replicate": name, "replicates": study.replicates, "seed": 0},
        "grid": dict(study.grid),
    }


@pytest.mark.parametrize("name", OWN)
def test_records_are_flat_and_depend_on_the_seed_alone(name, quick) -> None:
    for record in quick[name]:
        for entry, value in record.items():
            assert type(value) in (int, float, bool, str), entry
            assert not isinstance(value, float) or math.isfinite(value), entry
    study = module_of(name).STUDY
    first, last = quick[name][0], quick[name][-1]
    grid = conditions(study.quick.get("grid", study.grid))
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    for place, record in ((len(grid) - 1, last), (0, first)):  # in another order, alone
        seed = np.random.SeedSequence(0, spawn_key=(number, place, record["replicate"]))
        again = study.replicate(dict(grid[place]), np.random.default_rng(seed))
        assert again == {entry: record[entry] for entry in again}


@pytest.mark.parametrize("name", OWN)
def test_figures_have_labelled_axes_and_theory_beside_points(name, quick) -> None:
    figure = module_of(name).figure(quick[name])
    shown = [ax for ax in figure.axes if ax.axison]
    assert 1 <= len(shown) <= 4
    for ax in shown:
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.get_title(loc="left")
        styles = {line.get_linestyle() for line in ax.get_lines() if len(line.get_xdata()) > 1}
        assert styles & {"-", "--"}
    assert any(container.has_yerr for ax in shown for container in ax.containers)
    assert rendered(figure, "svg")


def assert_near(records: Any, entry: str, law: float, relative: float, sigmas: float = 7.0) -> None:
    """Mean within the stated error of the law and `sigmas` standard errors.

    Seven of them, with 20 replicates and more (Student), make false alarms of about 1e-6 a test.
    """
    y = np.array([record[entry] for record in records])
    error = y.std(ddof=1) / math.sqrt(y.size)
    assert abs(y.mean() - law) <= relative * law + sigmas * error, (entry, y.mean(), law, error)


def test_degrees_of_freedom_follow_their_law() -> None:
    module = module_of("dof-scaling")
    grid = {**module.GRID, "samples": [50, 400], "ridge": [1e-2]}
    for condition in conditions(grid):
        mine = run(module.STUDY, [condition], 10)
        mu = module.eigenvalues(condition["decay"])
        law = theory.empirical_degrees_of_freedom(mu, condition["ridge"], condition["samples"])
        assert_near(mine, "sample_dof", law, 0.01)
        kappa = np.mean([record["population_ridge"] for record in mine])
        assert theory.degrees_of_freedom(mu, kappa) == pytest.approx(law, rel=0.05)


def test_neurons_on_a_sphere_lie_about_their_tail() -> None:
    """A sample's best functions fit it, neurons drawn serve worse: the tail lies between."""
    module = module_of("width-tails")
    for neuron, d in (("relu", 3), ("sign", 5), ("tanh 10", 2)):
        condition = {"neuron": neuron, "dimension": d, "samples": 250}
        mine = [r for r in module.by_width(run(module.STUDY, [condition], 6)) if r["width"] == 4]
        law = module.tail(neuron, d, 4)
        best, drawn = (np.array([record[entry] for record in mine]) for entry in ("best", "random"))
        noise = 5 * best.std(ddof=1) / math.sqrt(6)
        # eigenvalues of samples spread, and the largest gain: a tenth at 250 (2 % at 1500)
        assert (1 - 0.1) * law - noise < best.mean() < law + noise
        assert drawn.mean() > law


def test_volume_sampling_loses_what_the_formula_says(monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_of("compression-error")
    monkeypatch.setattr(module, "NODES", 64)
    for condition in conditions({"exponent": [1.5, 3.0], "width": [4, 16]}):
        mine = run(module.STUDY, [condition], 16)
        mu, k = power_law(module.NODES, condition["exponent"]), condition["width"]
        assert_near(mine, "volume", theory.volume_loss(mu, k) / mu.sum(), 0.0)
        floor = theory.tail_sum(mu, k) / mu.sum()
        for entry in module.SELECTORS:
            # each loss is a difference of numbers below 1, and good to some eps m of them
            assert all(record[entry] >= floor - 1e-12 for record in mine)
            assert all(record[f"worst_{entry}"] >= mu[k] - 1e-12 for record in mine)
        if k == 16:  # the law's own 8 % where the score does not warn (laws.L2)
            lam = theory.ridge_for_degrees_of_freedom(mu, k)
            assert_near(mine, "leverage", theory.sampled_loss_law(mu, lam, k) / mu.sum(), 0.08)
        some = k * theory.ridge_for_degrees_of_freedom(mu, k) / mu.sum()
        assert all(record["derandomised"] <= some for record in mine)
        assert all(record["exchange"] <= record["greedy"] + 1e-12 for record in mine)


def test_the_sampling_lemma_holds_and_its_law() -> None:
    module = module_of("sampling-lemma")
    mu = power_law(module.NODES, module.EXPONENT)
    lam = theory.ridge_for_degrees_of_freedom(mu, module.DOF)
    assert module.width_of(5.0) == theory.paper_width(mu, lam)
    for basis in ("rotated", "diagonal"):
        promised = run(module.STUDY, [{"basis": basis, "multiple": 5.0}], 60)
        # P1: at most 1/15 fail, so that 18 or more of 60 do with probability 1e-7
        assert sum(record["failed"] for record in promised) < 18
        assert all(record["loss"] <= record["worst"] + 1e-9 for record in promised)
    mine = run(module.STUDY, [{"basis": "rotated", "multiple": 0.5}], 60)
    law = theory.sampled_loss_law(mu, lam, module.width_of(0.5)) / (lam * module.DOF)
    assert_near(mine, "loss", law, 0.02)


def test_the_law_of_the_sampled_loss_holds_for_incoherent_nodes_only(quick) -> None:
    for k in values(quick["coherence"], "draws"):
        mine = where(quick["coherence"], draws=k)
        mixed = where(mine, block=256)
        assert all(record["chi"] <= theory.COHERENCE_WARNING for record in mixed)
        assert all(record["chi"] > theory.COHERENCE_WARNING for record in where(mine, block=1))
    module = module_of("coherence")
    assert_near(run(module.STUDY, [{"block": 256, "draws": 64}], 20), "ratio", 1.0, 0.03)
    coherent = run(module.STUDY, [{"block": 1, "draws": 64}], 40)
    assert max(record["ratio"] for record in coherent) > 2.0


def test_a_spike_is_found_where_the_law_says() -> None:
    module = module_of("bbp")
    for g, spike in ((0.25, 4.0), (1.0, 5.0)):
        mine = run(module.STUDY, [{"aspect": g, "spike": spike}], 20)
        # limits are off by O(1/n): 2 % at n = 300
        assert_near(mine, "eigenvalue", theory.spike_location(spike, g), 0.02)
        assert_near(mine, "overlap", theory.spike_overlap(spike, g), 0.02)
    (one,) = run(module.STUDY, [{"aspect": 2.0, "spike": 3.0}], 1)
    variances = np.where(np.arange(module.NODES) == 0, 3.0, 1.0)
    x = layers.gaussian(150, variances, module.STUDY.rng(0, 0, 0))
    top, vectors = np.linalg.eigh(x.T @ x / 150)
    assert one["eigenvalue"] == pytest.approx(top[-1], rel=1e-12, abs=0)
    assert one["overlap"] == pytest.approx(vectors[0, -1] ** 2, rel=1e-9, abs=0)
    drowned = run(module.STUDY, [{"aspect": 1.0, "spike": 1.2}], 20)
    assert np.mean([record["overlap"] for record in drowned]) < 0.1
    # the top of the noise moves on the scale n^(-2/3) = 2 %
    assert np.mean([record["eigenvalue"] for record in drowned]) == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize(("ridge", "features"), [(1e-2, 40), (1e-2, 100), (1.0, 200), (1e-6, 400)])
def test_random_features_follow_their_law(ridge, features) -> None:
    module = module_of("random-features")
    condition = {"noise": 0.25, "ridge": ridge, "features": features}
    mu = power_law(module.FUNCTIONS, module.CAPACITY)
    law = theory.random_feature_law(
        mu, module.target(), ridge, module.SAMPLES, features, noise=0.25
    )
    assert_near(run(module.STUDY, [condition], 30), "excess_risk", law.excess, 0.03)


@pytest.mark.parametrize("method", ["magnitude", "hessian"])
@pytest.mark.parametrize("kept", [0.02, 0.1, 1.0])
def test_pruned_least_squares_follow_their_law(method, kept) -> None:
    module = module_of("pruned-least-squares")
    condition = {"samples": 400, "method": method, "kept": kept}
    law = theory.pruned_least_squares_law(
        *module.problem(), 400, kept, noise=module.NOISE, method=method
    )
    assert_near(run(module.STUDY, [condition], 20), "risk", law.risk, 0.04)


@pytest.mark.parametrize("source", [0.25, 1.5])
def test_simulated_risks_lie_on_the_law(source) -> None:
    module = module_of("scaling-exponents")
    mine = run(module.STUDY, [{"source": source, "samples": 100}], 30)
    assert_near(mine, "excess_risk", module.tuned(source, 100)[1], 0.03)


@pytest.mark.parametrize(("samples", "width"), [(100, 8), (100, 32), (400, 64)])
def test_refitted_risks_are_those_of_the_formula(samples, width, monkeypatch) -> None:
    """Exact at every size: only Monte Carlo's error is allowed for."""
    module = module_of("bias-variance")
    monkeypatch.setattr(module, "VISITS", 1.0)  # another student's training
    mine = run(module.STUDY, [{"samples": samples, "width": width}], 60)
    assert_near(mine, "folded", module.missed(width), 0.0)
    assert_near(mine, "refitted", module.refitted(width, samples), 0.0)


def test_the_trained_student_learns_and_learns_more_from_more() -> None:
    module = module_of("bias-variance")
    few, many = (
        np.mean([r["trained"] for r in run(module.STUDY, [{"samples": n, "width": 8}], 6)])
        for n in (100, 400)
    )
    total = float(power_law(module.NODES, module.EXPONENT).sum())  # the risk of the function 0
    assert many < few < total / 2
    # variances of at least s^2 d/n cannot be had below: about d = 1 directions stand out of noise
    assert many > module.NOISE / 400


def test_the_law_of_leverage_draws_is_pale_where_its_score_warns(quick) -> None:
    module = module_of("compression-error")
    warned = where(quick["compression-error"], exponent=3.0)
    assert all(record["chi"] > theory.COHERENCE_WARNING for record in warned)
    trusted = where(quick["compression-error"], exponent=1.5, width=16)
    assert all(record["chi"] <= theory.COHERENCE_WARNING for record in trusted)
    figure = module.figure(quick["compression-error"])
    law = "law of leverage draws (L2)"
    for panel, label, pale in ((0, law, False), (1, f"{law}, its score warns", True)):
        bars = {c.get_label(): c.lines[0] for c in figure.axes[panel].containers}
        assert (bars[label].get_alpha() < 1.0) == pale


@pytest.mark.parametrize(("samples", "width"), [(5, 1), (12, 8), (100, 64)])
def test_the_formula_of_refitting_by_the_inverse_wishart_law(samples, width) -> None:
    """Given the kept nodes, the risk is the noise times 1 + Tr of an inverse Wishart matrix."""
    module = module_of("bias-variance")
    inverse = invwishart(df=samples, scale=np.eye(width)).mean()
    noise = module.NOISE + module.missed(width)
    wanted = noise * (1 + float(np.trace(np.atleast_2d(inverse)))) - module.NOISE
    assert module.refitted(width, samples) == pytest.approx(wanted, rel=1e-12)


def test_rotations_are_uniform_and_blocks_keep_the_spectrum() -> None:
    rng = np.random.default_rng(0)
    q = np.array([haar_rotation(4, rng=rng) for _ in range(4000)])
    np.testing.assert_allclose(q[0] @ q[0].T, np.eye(4), atol=1e-14)
    # entries of a uniform rotation: mean 0, E q^2 = 1/m, E q^4 = 3/(m (m + 2)); 6 standard errors
    for power, moment, spread in ((1, 0.0, 0.5), (2, 0.25, 0.25), (4, 0.125, 0.2)):
        assert np.all(np.abs(np.mean(q**power, axis=0) - moment) < 6 * spread / math.sqrt(4000))
    mu = power_law(10, 1.5)
    for block in (1, 3, 10):
        cov = layers.block_rotated(mu, block, rng)
        np.testing.assert_allclose(np.linalg.eigvalsh(cov)[::-1], mu, rtol=1e-12)
        assert np.all(cov[: min(block, 10), block:] == 0.0)


def test_bars() -> None:
    records = [{"x": 1, "y": float(y), "z": y > 3, "replicate": y} for y in range(4)]
    across, centres, bars = means(records, "x", "y")
    assert (across, centres) == ([1], [1.5])
    assert bars == pytest.approx([2 * math.sqrt(5 / 3) / 2])
    _, shares, reach = means(records, "x", "z")
    # none of 4: up to 1 - .025^(1/4)
    assert shares == [0.0]
    assert reach[0] == pytest.approx((0.0, 1 - 0.025**0.25))
    assert means(records[:1], "x", "y")[2] == [None]
