"""Studies of trained students: plain records, laws and bounds met, figures in order."""

from __future__ import annotations

import contextlib
import importlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pruneproof.simulations.figures import rendered
from pruneproof.simulations.studies import builtin
from pruneproof.simulations.studies.builtin import generalization_gap, trained
from pruneproof.simulations.studies.builtin.curves import where
from pruneproof.simulations.studies.configuration import builtin_study, read_study
from pruneproof.simulations.studies.study import Study, plain_record

OWN = ("feature-learning", "theta", "generalization-gap")
THEORY = {
    "feature-learning": {"before training, population", "before training, law (L6)"},
    "theta": {"bound (B1), median, k = 2", "bound (B1), median, k = 8"},
    "generalization-gap": {"G1 slow", "G2 fast", "Occam (K8)", "held out (G3)", "held out, kl"},
}


def module_of(name: str) -> Any:
    return importlib.import_module(f"{builtin.__name__}.{builtin.STUDIES[name]}")


def record_of(study: Study, place: int, replicate: int) -> dict[str, Any]:
    """One record as a ledger hands it on."""
    condition = study.conditions[place]
    made = study.replicate(dict(condition), study.rng(0, place, replicate))
    return {**condition, "replicate": replicate, **plain_record(made, condition)}


@contextlib.contextmanager
def briefly() -> Iterator[None]:
    """Students are trained a tenth as long: enough for all that no training changes."""
    with pytest.MonkeyPatch.context() as patch:
        for name in OWN:
            patch.setattr(module_of(name), "VISITS", 3e4)
        yield


@pytest.fixture(scope="module")
def quick() -> dict[str, list[dict[str, Any]]]:
    """Records of every study on the grid of a quick run, twice each, briefly trained."""
    studies = {name: builtin_study(name).quickened for name in OWN}
    with briefly():
        return {
            name: [
                record_of(study, place, replicate)
                for place in range(len(study.conditions))
                for replicate in range(2)
            ]
            for name, study in studies.items()
        }


def assert_mean_zero(differences: list[float], allowance: float) -> None:
    """Mean within the allowance of 0, but for chance: Student's interval of 1 - 1e-7."""
    y = np.array(differences)
    error = y.std(ddof=1) / math.sqrt(y.size)
    reach = stats.t.isf(0.5e-7, y.size - 1) * error
    assert abs(y.mean()) <= allowance + reach, (y.mean(), error)


@pytest.mark.parametrize("name", OWN)
def test_the_file_describes_the_study(name) -> None:
    module = module_of(name)
    study = builtin_study(name)
    assert study == Study(
        name, module.replicate, module.GRID, module.REPLICATES, module.TITLE, module.figure,
        module.QUICK,
    )  # fmt: skip
    read = read_study(Path(module.__file__).with_suffix(".toml"))
    assert read.seed == 0
    assert read.study.conditions == study.conditions
    assert read.study.replicates == study.replicates
    assert study.quickened.parameters == study.parameters


@pytest.mark.parametrize("name", OWN)
def test_records_are_finite_and_depend_on_the_seed_alone(name, quick) -> None:
    for record in quick[name]:
        for entry, value in record.items():
            for number in value if isinstance(value, list) else [value]:
                assert isinstance(number, str) or math.isfinite(number), entry
    study = builtin_study(name).quickened
    last = quick[name][-1]  # alone, after others had been drawn
    with briefly():
        assert record_of(study, len(study.conditions) - 1, last["replicate"]) == last


@pytest.mark.parametrize("name", OWN)
def test_figures_have_labelled_axes_and_theory_beside_points(name, quick) -> None:
    figure = module_of(name).figure(quick[name])
    shown = [ax for ax in figure.axes if ax.axison]
    for ax in shown:
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.get_title(loc="left")
    labels = {label for ax in shown for label in ax.get_legend_handles_labels()[1]}
    assert THEORY[name] <= labels
    assert any(container.has_yerr for ax in shown for container in ax.containers)


@pytest.mark.parametrize("name", OWN)
def test_figures_of_one_condition_and_one_replicate(name, quick) -> None:
    assert rendered(module_of(name).figure(quick[name][:1]), "svg")


def test_widths_above_the_students_are_refused() -> None:
    for name, rest in (("theta", {"thetas": [0.0]}), ("generalization-gap", {"samples": 32})):
        with briefly(), pytest.raises(ValueError, match=r"101.*100|100.*101"):
            builtin_study(name).replicate({"width": 101, **rest}, np.random.default_rng(0))


def test_the_teacher_has_the_stated_mean_and_variance() -> None:
    rng = np.random.default_rng(1)
    y = trained.outputs(trained.relu_teacher(4.0, rng), rng.standard_normal((200_000, 10)))
    # six standard errors of each: false alarms 4e-9 in all
    assert abs(y.mean()) < 6.0 * y.std() / math.sqrt(y.size)
    squares = (y - y.mean()) ** 2
    assert abs(squares.mean() - 4.0) < 6.0 * squares.std() / math.sqrt(y.size)


def test_the_untrained_layer_follows_the_law_of_samples(quick) -> None:
    # L6 is known to 1 %; its law is drawn of the same weights
    records = quick["feature-learning"]
    ratios = [record["first_before"] / record["first_law"] - 1.0 for record in records]
    assert_mean_zero(ratios, 0.01)
    for record in records:  # n = 1000 of 100 nodes: the spectrum itself, to 2 sqrt(m/n) at most
        seen, law = (record[f"first_spectrum_{end}"][:10] for end in ("before", "law"))
        np.testing.assert_allclose(seen, law, rtol=2.0 * math.sqrt(100 / 1000))


@pytest.fixture(scope="module")
def learned() -> dict[tuple[str, float], dict[str, Any]]:
    """Records of feature learning by regime and weight decay, trained as long as the study does."""
    study = builtin_study("feature-learning").quickened
    found = [record_of(study, place, 0) for place in range(len(study.conditions))]
    return {(record["regime"], record["weight_decay"]): record for record in found}


def test_lazy_layers_keep_their_spectra_and_learned_ones_collapse(learned) -> None:
    for record in learned.values():  # all really train
        assert record["train_risk"] < 0.1
        assert record["test_risk"] < 0.15 * module_of("feature-learning").VARIANCE
    # a lazy network of scale 10 moves its weights by a tenth, and N by less
    for decay in (1e-4, 1e-2):
        record = learned["lazy", decay]
        for layer in ("first", "second"):
            assert record[f"{layer}_after"] == pytest.approx(
                record[f"{layer}_before"], rel=0.1, abs=0
            )
    record = learned["small", 1e-2]
    assert record["first_after"] < 0.7 * record["first_before"]
    assert record["second_after"] < 3.0 < 15.0 < record["second_before"]
    assert record["second_fifth_after"] < 1e-3 < record["second_fifth_before"]


def test_the_change_of_output_keeps_to_its_bound(quick) -> None:
    for record in quick["theta"]:
        for entry in [entry for entry in record if entry.endswith("_bound")]:
            # B1 is certain; both sides are sums of 1000 terms, good to 1e-12 of the output
            assert record[entry.removesuffix("_bound")] <= record[entry] + 1e-12, entry


def test_all_nodes_kept_change_nothing_whatever_theta() -> None:
    study = module_of("theta").STUDY
    condition = {"width": trained.WIDTH, "thetas": [0.0, 0.5]}
    with briefly():
        record = study.replicate(condition, np.random.default_rng(3))
    for name in ("theta_0", "theta_0.5", "magnitude", "random"):
        # the blocks are singular up to the rank's cut, 1e-13 of mu_1 or less, so outputs agree to
        # its root times their number
        assert record[f"{name}_change"] < 1e-10
        assert record[name] == pytest.approx(record["unpruned"], rel=1e-4, abs=0)


def test_the_premises_of_the_bounds_hold() -> None:
    rng = np.random.default_rng(5)
    teacher = trained.relu_teacher(1.0, rng)
    x, truth = generalization_gap._drawn(teacher, 20_000, rng)
    y = generalization_gap._noisy(truth, rng)
    np.testing.assert_allclose(np.sum(x**2, axis=1), 10.0, rtol=1e-14)
    assert np.max(np.abs(y)) <= generalization_gap.LARGEST
    squares = (y - truth) ** 2
    error = squares.std() / math.sqrt(y.size)
    assert abs(squares.mean() - trained.NOISE**2) < 6.0 * error  # false alarms 2e-9
    assert abs(np.mean((y - truth) * truth)) < 6.0 * np.std((y - truth) * truth) / y.size**0.5


def test_risks_keep_to_their_bounds(quick) -> None:
    records = quick["generalization-gap"]
    for name in generalization_gap._BOUNDS:
        violated = sum(record["test_risk"] > record[f"{name}_bound"] for record in records)
        # each with probability at most .05: six or more of eight by chance 4e-7
        assert len(records) == 8
        assert violated <= 5
    for record in records:
        assert record["gap"] == record["test_risk"] - record["train_risk"]
        assert record["parameters"] == {8: 169, 100: 11_301}[record["width"]]


def test_samples_needed_are_where_the_bound_crosses(quick) -> None:
    horizon = np.array(generalization_gap.HORIZON)
    for record in quick["generalization-gap"]:
        for name in generalization_gap._BOUNDS:
            curve = np.array(record[f"{name}_curve"])
            assert np.all(np.diff(curve) <= 0.0)
            for level, entry in (
                (generalization_gap.LOSS, "samples"),
                (record["variance"], "samples_learned"),
            ):
                assert np.all((curve < level) == (horizon >= record[f"{name}_{entry}"]))


def test_fewer_parameters_need_fewer_samples(quick) -> None:
    records = quick["generalization-gap"]
    for name in ("slow", "fast", "occam"):
        few, many = (
            np.median([r[f"{name}_samples_learned"] for r in where(records, width=k)])
            for k in (8, trained.WIDTH)
        )
        assert few < many
    # the held-out bound asks for fewer than any of them
    for record in records:
        others = [record[f"{name}_samples_learned"] for name in ("slow", "fast", "occam")]
        assert record["held_out_samples_learned"] < min(others)
