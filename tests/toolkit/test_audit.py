"""The audit against raw samples, enumeration of its own rules, and bad input."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pruneproof.audit_data import Audit, LayerAudit, LossRow
from pruneproof.audit_network import METHODS
from pruneproof.auditing import audit
from pruneproof.digits import digits, split
from pruneproof.generalizing import network_class, rounded
from pruneproof.theory.network.compress import compress
from pruneproof.theory.network.layers import Conv2d, Dense, Flatten, Residual
from pruneproof.theory.network.network import Network
from pruneproof.theory.selection.greedy import select_greedy

THETA = 0.3


def dense(rng: np.random.Generator, out: int, inner: int, activation: str = "relu") -> Dense:
    weight = rng.standard_normal((out, inner)) / math.sqrt(inner)
    return Dense(weight, rng.standard_normal(out) / 4, activation)


def network_of(seed: int, *widths: int) -> Network:
    rng = np.random.default_rng(seed)
    layers = [dense(rng, out, inner) for inner, out in pairwise(widths[:-1])]
    return Network([*layers, dense(rng, widths[-1], widths[-2], "identity")])


@pytest.fixture(scope="module")
def case() -> tuple[Network, dict[str, Any], Audit]:
    network = network_of(1, 6, 24, 14, 3)
    rng = np.random.default_rng(2)
    x, test_x = rng.standard_normal((200, 6)), rng.standard_normal((90, 6))
    noisy = [network.forward(z) + 0.1 * rng.standard_normal((len(z), 3)) for z in (x, test_x)]
    samples = {
        "inputs": x,
        "targets": noisy[0].argmax(1),
        "test_inputs": test_x,
        "test_targets": noisy[1].argmax(1),
    }
    for array in samples.values():
        array.flags.writeable = False
    found = audit(network, **samples, widths=[9, 3, 14], theta=THETA, seed=5)
    return network, samples, found


def affine_loss(
    features: np.ndarray[Any, Any], test: np.ndarray[Any, Any], kept: Any, z: Any
) -> tuple[float, float]:
    """Mixed loss of least squares on the kept nodes and a constant, on raw samples."""

    def design(phi: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.column_stack([phi[:, kept], np.ones(len(phi))])

    solution = np.linalg.lstsq(design(features), features, rcond=None)[0]
    losses = []
    for phi in (features, test):
        gap = phi - design(phi) @ solution
        losses.append(
            THETA * np.mean(np.sum(gap**2, axis=1))
            + (1 - THETA) * np.mean(np.sum((gap @ z.T) ** 2, axis=1))
        )
    return losses[0], losses[1]


def test_losses_are_those_of_least_squares_on_raw_samples(
    case: tuple[Network, dict[str, Any], Audit],
) -> None:
    network, samples, found = case
    train, test = (network.activations(samples[k]) for k in ("inputs", "test_inputs"))
    for place, layer in enumerate(found.layers):
        phi, test_phi = train[place], test[place]
        z = network.layers[place + 1].weight  # type: ignore[union-attr]
        cov = np.cov(phi.T, bias=True)
        for row in layer.losses:
            kept = select_greedy(cov, row.width, theta=THETA, output_weights=z).kept
            on_train, on_test = affine_loss(phi, test_phi, kept, z)
            # the closed form is a difference of squares: eps * m * Tr(Q Sigma), m = 24
            rounding = 1e-13 * layer.trivial
            assert row.predicted == pytest.approx(on_train, abs=rounding)
            assert row.train == pytest.approx(on_train, abs=rounding)
            # coefficients err by eps * cond(Sigma_JJ) <= 1e-16 * 1e5 relatively
            assert row.held_out == pytest.approx(on_test, rel=1e-9, abs=0)
        assert layer.trace == pytest.approx(np.trace(cov), rel=1e-12, abs=0)
        q = THETA * np.eye(len(cov)) + (1 - THETA) * z.T @ z
        assert layer.trivial == pytest.approx(np.trace(q @ cov), rel=1e-12, abs=0)
        np.testing.assert_allclose(
            layer.eigenvalues, np.linalg.eigvalsh(cov)[::-1], atol=1e-13 * layer.trace
        )


def test_rows_obey_the_ladder(case: tuple[Network, dict[str, Any], Audit]) -> None:
    for layer in case[2].layers:
        for row in layer.losses:
            slack = 1e-12 * layer.trivial
            assert row.floor <= min(row.predicted, row.volume_mean) + slack
            assert row.volume_mean <= min(row.dof, row.volume) + slack
            # the sampled loss has the mean lam Tr(Q H_lam) below it at every width (Jensen)
            assert row.sampled.mean + 5 * row.sampled.error > row.four_ridge_dof / 4
            assert row.law >= row.four_ridge_dof / 4
        for one, other in pairwise(layer.decay):
            assert one.index * 2 == other.index
            assert one.tail_share > other.tail_share
            assert one.degrees_of_freedom < other.degrees_of_freedom


def test_decay_rows_by_their_definition(case: tuple[Network, dict[str, Any], Audit]) -> None:
    for layer in case[2].layers:
        mu = np.asarray(layer.eigenvalues)
        for row in layer.decay:
            lam = mu[row.index - 1]
            assert row.eigenvalue == lam
            assert row.degrees_of_freedom == pytest.approx(
                np.sum(mu / (mu + lam)), rel=1e-12, abs=0
            )
            assert row.tail_share == pytest.approx(np.sum(mu[row.index :]) / mu.sum(), abs=1e-12)


def paper_draws(layer: LayerAudit, cov: Any, z: Any) -> int:
    """Bisection on 4 lam Tr(Q H_lam) = budget by plain linear algebra."""
    q = THETA * np.eye(len(cov)) + (1 - THETA) * z.T @ z
    low, high = 1e-12, 1e3 * layer.trace
    for _ in range(200):
        lam = math.sqrt(low * high)
        smooth = np.linalg.solve(cov + lam * np.eye(len(cov)), cov)
        low, high = (low, lam) if 4 * lam * np.trace(q @ smooth) > layer.budget else (lam, high)
    dof = float(np.trace(np.linalg.solve(cov + low * np.eye(len(cov)), cov)))
    return max(1, math.ceil(5 * dof * math.log(80 * dof)))


def test_advised_widths_meet_the_budget(case: tuple[Network, dict[str, Any], Audit]) -> None:
    network, samples, found = case
    train = network.activations(samples["inputs"])
    for place, layer in enumerate(found.layers):
        cov = np.cov(train[place].T, bias=True)
        z = network.layers[place + 1].weight  # type: ignore[union-attr]
        assert layer.budget == pytest.approx(0.1 * layer.trivial)
        greedy = layer.advised["greedy"]
        assert greedy is not None
        losses = select_greedy(cov, greedy, theta=THETA, output_weights=z).losses
        assert losses is not None
        assert losses[-1] <= layer.budget
        assert np.all(losses[:-1] > layer.budget)
        # the draws jump where 5 N log(80 N) passes a whole number: one more or less by rounding
        assert abs(layer.paper_draws - paper_draws(layer, cov, z)) <= 1
        assert layer.paper_draws > layer.width
        assert layer.advised["paper"] is None
        order = [layer.advised[rule] for rule in ("floor", "greedy", "volume-mean", "dof")]
        assert None not in order
        assert order == sorted(order)  # type: ignore[type-var]


def test_scores_are_those_of_the_pruned_networks(
    case: tuple[Network, dict[str, Any], Audit],
) -> None:
    network, samples, found = case
    x, y = samples["test_inputs"], samples["test_targets"]
    whole = float(np.mean(network.forward(x).argmax(1) == y))
    for row in found.rows:
        widths = [min(row.width, 24), min(row.width, 14)]
        for method in ("greedy", "magnitude"):
            pruned = compress(network, samples["inputs"], widths, method=method, theta=THETA)
            score = row.scores[method]
            assert score.mean == np.mean(pruned.network.forward(x).argmax(1) == y)
            assert score.draws == 1
        assert row.parameters == sum(
            out * (inner + 1) for inner, out in zip([6, *widths], [*widths, 3])
        )
        assert {m for m in METHODS if row.scores[m].draws > 1} == {"leverage", "volume", "random"}
        assert row.output_error <= (row.error_bound or 0) * (1 + 1e-12)
    assert all(found.unpruned.scores[m] == found.unpruned.scores["greedy"] for m in METHODS)
    assert found.unpruned.scores["greedy"].mean == whole
    assert found.rows[0].width == 3  # sorted


def test_the_seed_decides_everything(case: tuple[Network, dict[str, Any], Audit]) -> None:
    network, samples, found = case
    options: dict[str, Any] = {"widths": [9, 3, 14], "theta": THETA}
    assert audit(network, **samples, **options, seed=5) == found
    other = audit(network, **samples, **options, seed=6)
    assert other.layers[0].losses[0].sampled != found.layers[0].losses[0].sampled
    assert other.layers[0].losses[0].predicted == found.layers[0].losses[0].predicted
    # a width's draws do not depend on which other widths are asked for
    alone = audit(network, **samples, widths=[9], theta=THETA, seed=5)
    assert alone.layers[0].losses[0] == found.layers[0].losses[1]
    assert alone.rows[0].scores == found.rows[1].scores


def test_a_quarter_is_held_out_where_no_rows_are_given() -> None:
    network = network_of(3, 4, 9, 2)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((61, 4)), rng.standard_normal((61, 2))
    found = audit(network, x, y, widths=[4], seed=9)
    train, test = split(61, 9)
    given = audit(
        network, x[train], y[train], test_inputs=x[test], test_targets=y[test], widths=[4], seed=9
    )
    assert "15 of 61" in found.held_out
    assert dataclasses.replace(found, held_out="") == dataclasses.replace(given, held_out="")
    assert found.score == "mean squared error"
    whole = found.unpruned.scores["greedy"]
    assert whole is not None
    expected = np.mean(np.sum((network.forward(x[test]) - y[test]) ** 2, axis=1))
    assert whole.mean == pytest.approx(expected, rel=1e-12, abs=0)


def test_without_targets_there_are_no_scores() -> None:
    found = audit(network_of(3, 4, 9, 2), np.random.default_rng(0).standard_normal((40, 4)))
    assert found.score == ""
    assert all(not row.scores and not row.generalization for row in found.rows)
    assert found.layers[0].losses


def test_generalization_bounds_by_their_formulas(
    case: tuple[Network, dict[str, Any], Audit],
) -> None:
    from scipy.stats import binom

    network, samples, found = case
    x, y = samples["inputs"], samples["targets"]
    named = {claimed.name: claimed for claimed in found.unpruned.generalization}
    assert list(named) == ["held-out", "Occam", "G1 slow"]
    score = found.unpruned.scores["greedy"]
    assert score is not None
    errors = round(90 * (1 - score.mean))
    # root of a smooth function: the chance is right to the root finder's 1e-8
    assert binom.cdf(errors, 90, named["held-out"].value) == pytest.approx(0.05, abs=1e-8)
    coded = rounded(network)
    assert coded.layers[0].weight.astype(np.float16).astype(float).tolist() == (  # type: ignore[union-attr]
        coded.layers[0].weight.tolist()  # type: ignore[union-attr]
    )
    risk = np.mean(coded.forward(x).argmax(1) != y)
    p, choices = network.parameter_count, 4
    price = 16 * p * math.log(2) + math.log(p + 1) + math.log(choices / 0.05)
    assert named["Occam"].value == pytest.approx(risk + math.sqrt(price / 400), rel=1e-12, abs=0)
    assert named["Occam"].vacuous
    assert named["G1 slow"].vacuous
    around = network_class(network, x, choices)
    assert around is not None
    for layer, norm in zip(network.layers, around.operator_norms):
        assert np.linalg.norm(layer.weight, 2) <= norm  # type: ignore[union-attr]


def test_bounds_are_left_out_where_they_do_not_speak() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((4, 3))
    assert network_class(Network([dense(rng, 2, 3, "logistic")]), x, 1) is None
    images = Network([Conv2d(np.ones((2, 1, 2, 2))), Flatten(), dense(rng, 2, 2)])
    assert network_class(images, np.ones((1, 1, 2, 2)), 1) is None
    one_output = audit(
        network_of(4, 3, 8, 1), rng.standard_normal((40, 3)), rng.standard_normal(40), widths=[2]
    )
    assert [c.name for c in one_output.rows[0].generalization] == [
        "held-out",
        "Occam",
        "G1 slow",
        "G2 fast",
    ]


def test_bounds_say_what_they_take_as_known() -> None:
    """The longest input and target stand for bounds on the population; outputs are projected."""
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
    found = audit(
        network_of(4, 3, 8, 1), x, y, widths=[2], test_inputs=x[:9], test_targets=2 * y[:9]
    )
    radius, most = np.max(np.linalg.norm(x, axis=1)), max(np.max(np.abs(y)), np.max(2 * abs(y[:9])))
    for row in (*found.rows, found.unpruned):
        for claimed in row.generalization:
            assert f"projected onto ||f|| <= {most:.4g}" in claimed.note
            about_inputs = f"no input is longer than {radius:.4g}" in claimed.note
            assert about_inputs == claimed.name.startswith("G")


def test_streams_and_convolutions_are_audited() -> None:
    rng = np.random.default_rng(7)

    def kernel(out: int, inner: int) -> Any:
        return rng.standard_normal((out, inner, 3, 3)) / 3

    block = Residual([Conv2d(kernel(4, 5), None, "relu", 1), Conv2d(kernel(5, 4), padding=1)])
    network = Network(
        [Conv2d(kernel(5, 1), None, "relu", 1), block, Flatten(), dense(rng, 2, 80, "identity")]
    )
    found = audit(network, rng.standard_normal((30, 1, 4, 4)), rng.integers(0, 2, 30), widths=[3])
    assert [layer.name for layer in found.layers] == ["stream 0", "layer 1.0"]
    assert any("2 readers" in note for note in found.layers[0].notes)
    for layer in found.layers:
        # formula, floor and bounds are of one second moment, so they keep their order
        assert layer.losses[0].floor <= layer.losses[0].predicted


def test_sklearn_classifier_with_its_own_labels() -> None:
    neural = pytest.importorskip("sklearn.neural_network")
    rng = np.random.default_rng(3)
    x = rng.standard_normal((120, 3))
    y = np.where(x[:, 0] + 0.3 * x[:, 1] > 0, "up", "down")
    model = neural.MLPClassifier((12,), max_iter=300, random_state=0).fit(x, y)
    found = audit(model, x, y, widths=[6], seed=1)
    _, test = split(120, 1)
    whole = found.unpruned.scores["greedy"]
    assert whole is not None
    assert whole.mean == pytest.approx(model.score(x[test], y[test]))
    with pytest.raises(ValueError, match="labels that the model does not know"):
        audit(model, x, np.where(y == "up", "left", y))


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_digits_show_what_the_theory_expects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setenv("PRUNEPROOF_CACHE", str(tmp_path))
    network, data = digits()
    found = audit(
        network,
        data.inputs,
        data.targets,
        widths=[22, 64],
        test_inputs=data.test_inputs,
        test_targets=data.test_targets,
    )
    trusted = [row for layer in found.layers for row in layer.losses if row.coherence <= 0.12]
    assert trusted
    for row in trusted:
        # the law was seen to err by at most 7 % at small chi; 4 standard errors of 20 draws more
        assert abs(row.sampled.mean - row.law) <= 0.07 * row.law + 4 * row.sampled.error
    rows: list[tuple[LayerAudit, LossRow]] = [
        (layer, row) for layer in found.layers for row in layer.losses
    ]
    for layer, row in rows:
        assert row.predicted < row.volume_mean < row.dof < row.volume < row.law
        assert row.paper > layer.trivial  # nothing is said at 256 nodes
    greedy = found.rows[0].scores["greedy"]
    whole = found.unpruned.scores["greedy"]
    assert greedy is not None
    assert whole is not None
    assert greedy.mean > whole.mean - 0.05
    assert all(
        claimed.vacuous == (claimed.name != "held-out")
        for row in found.rows
        for claimed in row.generalization
    )


X = np.random.default_rng(8).standard_normal((20, 4))
LABELS = np.arange(20) % 2


@pytest.mark.parametrize("unit", [2.0**-500, 2.0**400])
def test_what_an_audit_advises_does_not_depend_on_units(unit: float) -> None:
    """Powers of two scale without rounding."""
    rng = np.random.default_rng(8)
    w, v = rng.standard_normal((9, 4)), rng.standard_normal((2, 9))
    plain, scaled = (
        audit(Network([Dense(u * w, None, "relu"), Dense(v)]), X, widths=[3]).layers[0]
        for u in (1.0, unit)
    )
    assert scaled.advised == plain.advised
    assert scaled.paper_draws == plain.paper_draws
    share, wanted = (layer.losses[0].train / layer.trivial for layer in (scaled, plain))
    assert scaled.losses[0].sampled.error < np.inf
    assert abs(share - wanted) < 1e-12  # traces of 9 nodes round to within 81 eps each


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"inputs": np.where(X > 2, np.nan, X)}, "inputs has .* NaN or infinite"),
        ({"inputs": X[:, :3]}, r"needs inputs of shape \(n, 4\), but got \(20, 3\)"),
        ({"inputs": X[:3], "targets": LABELS[:3]}, "3 rows, too few"),
        ({"targets": LABELS[:7]}, "targets have 7 rows, but the inputs have 20"),
        ({"targets": LABELS + 1}, "10 labels out of range .the first is 2 in row 1.*0 to 1"),
        ({"targets": LABELS - 1}, "the first is -1 in row 0"),
        ({"targets": LABELS * 1.0}, "targets have shape .20,., .* stored as integers"),
        ({"targets": np.ones((20, 3))}, r"shape \(20, 3\), but the network has 2 outputs"),
        ({"targets": np.array(["a"] * 20)}, "targets has entries of type"),
        ({"widths": [0]}, "width must be at least 1 and at most 9, but is 0"),
        ({"widths": [10]}, "at most 9, but is 10"),
        ({"widths": []}, "widths is empty"),
        ({"widths": 4}, "widths must be a list of whole numbers, but is 4"),
        ({"widths": [2.5]}, "whole number"),
        ({"budget": 0.0}, "budget must lie strictly between 0 and 1"),
        ({"theta": 1.5}, "theta must lie in"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"test_targets": LABELS}, "without test_inputs"),
        ({"test_inputs": X}, "without test_targets"),
        ({"test_inputs": X * np.inf, "test_targets": LABELS}, "test_inputs has .* NaN"),
        ({"test_inputs": X, "test_targets": np.ones((20, 2))}, "both be labels or both be"),
        ({"network": Network([Dense(np.ones((2, 4)))])}, "no hidden layer"),
        ({"network": "digits"}, "the network is a str"),
        ({"inputs": np.ones((20, 4))}, "do not vary"),
        ({"inputs": X * 1e200}, "^layer 0 gives values up to .*e.200 on the inputs, whose squares"),
        ({"test_inputs": np.ones((999, 3)), "test_targets": LABELS}, "^test_inputs: .*.999, 3."),
    ],
)
def test_bad_calls_get_one_sentence(changed: dict[str, Any], sentence: str) -> None:
    call: dict[str, Any] = {"network": network_of(3, 4, 9, 2), "inputs": X, "targets": LABELS}
    with pytest.raises(ValueError, match=sentence) as caught:
        audit(**(call | changed))
    assert "\n" not in str(caught.value)
