"""Studies of soft sparsity and sparsification: records, laws and bounds met, figures in order."""

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
from pruneproof.simulations.studies.builtin import (
    allocation,
    coherence_crossover,
    convolution_spectrum,
    soft_sparsity,
    spectrum_after_pruning,
)
from pruneproof.simulations.studies.study import Study, plain_record

#: Conditions that tests run, once each, those of laws twice.
SMALL: dict[str, list[dict[str, Any]]] = {
    "coherence-crossover": [
        {"large": large, "coherence": c} for large in (0.1, 0.05) for c in (0.0, 1.0)
    ],
    "spectrum-after-pruning": [
        {"weight": kind, "density": 0.25} for kind in ("random", "coherent")
    ],
    "convolution-spectrum": [
        {"kernel": kind, "grid": 4, "density": 0.2} for kind in ("gaussian", "coherent", "smooth")
    ],
    "allocation": [{"tail": tail, "density": 0.1} for tail in ("normal", "cauchy")],
    "soft-sparsity": [{"tail": tail, "density": 0.5} for tail in ("normal", "cauchy")],
}  # fmt: skip

LAWFUL = ("coherence-crossover", "spectrum-after-pruning")


def module_of(name: str) -> Any:
    return importlib.import_module(f"{builtin.__name__}.{builtin.STUDIES[name]}")


@pytest.fixture(scope="module")
def found() -> dict[str, list[dict[str, Any]]]:
    """Records of every condition of SMALL."""
    records: dict[str, list[dict[str, Any]]] = {}
    with pytest.MonkeyPatch.context() as patch:
        for module in (soft_sparsity, allocation):  # means of 400 inputs do as well here
            patch.setattr(module, "SAMPLES", 400)
        for name, conditions in SMALL.items():
            study = module_of(name).STUDY
            for place, condition in enumerate(conditions):
                for number in range(2 if name in LAWFUL else 1):
                    made = study.replicate(condition, study.rng(0, place, number))
                    made = plain_record(made, condition)
                    records.setdefault(name, []).append({**condition, "replicate": number, **made})
    return records


@pytest.mark.parametrize("name", SMALL)
def test_the_file_describes_the_study(name) -> None:
    module = module_of(name)
    study = module.STUDY
    assert study == Study(
        name, module.replicate, module.GRID, module.REPLICATES, module.TITLE, module.figure,
        module.QUICK,
    )  # fmt: skip
    document = tomllib.loads(Path(module.__file__).with_suffix(".toml").read_text("utf-8"))
    assert document == {
        "study": {"replicate": name, "replicates": study.replicates, "seed": 0},
        "grid": dict(study.grid),
    }


@pytest.mark.parametrize("name", SMALL)
def test_records_are_finite_and_figures_have_theory_beside_points(name, found) -> None:
    for record in found[name]:
        for entry, value in record.items():
            assert isinstance(value, str) or np.all(np.isfinite(value)), entry
    figure = module_of(name).figure(found[name])
    shown = [ax for ax in figure.axes if ax.axison]
    assert 1 <= len(shown) <= 4
    for ax in shown:
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        styles = {line.get_linestyle() for line in ax.get_lines()}
        assert styles & {"-", "--"}
    assert any(container.has_yerr for ax in shown for container in ax.containers)


def test_norms_of_coherent_weights_follow_the_law_of_a_spike(found) -> None:
    """Edges of 200 x 200 noise scatter by about n^(-2/3) = 3 %; the mean of two within 4 %."""
    for large in (0.1, 0.05):
        for coherence in (0.0, 1.0):
            condition = {"large": large, "coherence": coherence}
            mine = [
                r for r in found["coherence-crossover"]
                if all(r[k] == v for k, v in condition.items())
            ]  # fmt: skip
            for name in coherence_crossover.METHODS:
                law = coherence_crossover.norm_law(name, coherence, large)
                assert np.mean([r[name] for r in mine]) == pytest.approx(law, rel=0.04, abs=0)
            for name in ("magnitude", "sampled"):
                for entry, fixed in (("sums", False), ("fixed", True)):
                    law = coherence_crossover.sums_law(name, coherence, large, fixed=fixed)
                    got = np.mean([r[f"{entry}_{name}"] for r in mine])
                    assert got == pytest.approx(law, rel=0.04, abs=0)


def test_the_laws_cross_where_they_are_said_to() -> None:
    assert coherence_crossover.crossover_law(0.1) == pytest.approx(0.57, abs=0.015)
    assert coherence_crossover.crossover_law(0.05) == pytest.approx(0.49, abs=0.015)
    records = [
        {"coherence": c, "magnitude": m, "sampled": 2.0}
        for c, m in ((0.0, 1.0), (0.5, 1.5), (1.0, 3.5))
    ]
    assert coherence_crossover.crossover(records) == pytest.approx(0.5 + 0.5 * 0.25, abs=0)
    assert coherence_crossover.crossover(records[:2]) is None


def test_moments_below_a_size_by_quadrature() -> None:
    from scipy.integrate import quad

    density = math.sqrt(2.0 / math.pi)
    for size in (0.05, 0.15, 1.3):
        for power, value in enumerate(coherence_crossover.below(size, 0.1)):
            small = quad(lambda x, p=power: x**p / 0.15, 0.0, min(size, 0.15))[0]
            normal = quad(lambda x, p=power: x**p * density * math.exp(-x * x / 2), 0.0, size)[0]
            # quad's own relative error is 1.5e-8 at most
            assert value == pytest.approx(0.9 * small + 0.1 * normal, rel=2e-8, abs=0)


def test_no_singular_value_leaves_its_band_and_samplers_inflate(found) -> None:
    rounding = 1.0 + 1e-12  # singular values are good to some n eps of the largest
    for record in found["spectrum-after-pruning"]:
        for name in (*theory.SPARSIFIERS, "mean-removed"):
            assert record[f"weyl_{name}"] <= rounding
            assert record[f"mirsky_{name}"] <= rounding
            assert record[f"frobenius_{name}"] >= record["frobenius_mean-removed"] / rounding
        assert record["frobenius_magnitude"] == min(
            record[f"frobenius_{m}"] for m in theory.SPARSIFIERS
        )
    for name in ("threshold-poisson", "uniform", "l1"):
        grown = [r[f"nuclear_{name}"] for r in found["spectrum-after-pruning"]]
        assert np.mean(grown) > 1.0


def test_convolutions_stay_within_the_ends_of_the_reshaped_kernel(found) -> None:
    rounding = 1.0 + 1e-12
    for record in found["convolution-spectrum"]:
        for when in ("before", "after", "difference"):
            assert 1.0 / rounding <= record[f"low_{when}"]
            assert record[f"circular_{when}"] <= 3.0 * rounding
            assert record[f"roomy_{when}"] <= rounding
        for entry in ("circular", "zero", "reshaped"):
            spectrum = record[f"spectrum_{entry}_after"]
            assert spectrum == sorted(spectrum, reverse=True)


def test_bounds_hold_for_every_allocation(found) -> None:
    for record in found["allocation"]:
        for name in allocation.RULES:
            assert record[name] <= record[f"bound_{name}"] * (1.0 + 1e-12)
        assert record["needed_tolerance"] <= record["used_tolerance"] <= 0.1
        assert record["weighted"] < record["uniform"]


def test_the_least_tolerance_is_within_the_budget_and_nearly_all_of_it() -> None:
    rng = np.random.default_rng(0)
    w, gains = rng.standard_normal((6, 40)), rng.uniform(0.5, 2.0, 6)
    for rule in (theory.neuron_budget, theory.exact_budget):
        eps = allocation.least_tolerance(w, gains, 60, rule)
        assert np.sum(rule(w, gains, eps)) <= 60 < np.sum(rule(w, gains, eps * 0.98))


def test_teachers_are_pruned_as_stated(found) -> None:
    """Each rule keeps half; the fixed networks are those of the biases of the full formula."""
    for record in found["soft-sparsity"]:
        for name in soft_sparsity.RULES:
            assert record[f"{name}_fixed"] <= record[f"{name}_bound"]
    cauchy, normal = (
        [r["uniform"] for r in found["soft-sparsity"] if r["tail"] == tail]
        for tail in ("cauchy", "normal")
    )
    assert max(cauchy) < min(normal)
    rng = np.random.default_rng(1)
    teacher = soft_sparsity.HeavyTailed.random(5, (8,), "t3", rng=rng)
    x = teacher.inputs(50, rng=rng)
    pruned = theory.prune_weights(teacher.network, x, 0.5, scope="neuron")
    before = soft_sparsity.unfixed(pruned)
    for old, plain, new in zip(teacher.network.layers, before.layers, pruned.network.layers):
        np.testing.assert_array_equal(plain.weight, new.weight)
        np.testing.assert_array_equal(plain.bias, old.bias)


def test_medians_and_their_table() -> None:
    y = np.random.default_rng(0).standard_normal(101)
    centre, low, high = soft_sparsity.median(list(y))
    assert low < centre == np.median(y) < high
    # asymptotic half-width 1.96 sqrt(pi/2)/sqrt(n) = .24; the bootstrap's scatters by a third
    assert 0.12 < (high - low) / 2 < 0.4
    record = {"tail": "t3", "density": 0.5}
    for name in soft_sparsity.RULES:
        record |= {name: 0.5, f"{name}_fixed": 0.4}
    ((tail, density, *cells),) = soft_sparsity.table([record])
    assert (tail, density, len(cells)) == ("t3", "50%", 8)
    assert cells[:2] == ["0.5 (0.477) [0.5, 0.5]", "0.4 (0.355) [0.4, 0.4]"]


@pytest.mark.slow
def test_the_trained_layer_is_the_same_every_time_and_reads_digits() -> None:
    from pruneproof.simulations.studies.builtin.digits import digits_network, images

    pixels, labels = images()
    scores = np.asarray(digits_network().forward(pixels))
    assert np.mean(scores.argmax(axis=1) == labels) > 0.99
    w = spectrum_after_pruning.weight_of("trained", np.random.default_rng(0))
    np.testing.assert_array_equal(w, digits_network.__wrapped__().layers[1].weight)
    assert convolution_spectrum.kernel_of("smooth", np.random.default_rng(0)).shape == (6, 6, 3, 3)
