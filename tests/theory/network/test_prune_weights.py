"""Pruned networks: numbers of weights, errors predicted, bounded and measured, scopes, methods."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from pruneproof.theory import (
    AvgPool2d,
    Compression,
    Conv2d,
    Dense,
    Flatten,
    Network,
    Residual,
    output_error,
    prune_weights,
)
from pruneproof.theory.network import weight_masks

OWN = ("magnitude", "weighted-magnitude", "adaptive", "sap", "obs")


def dense_network(seed: int = 0) -> tuple[Network, Any]:
    rng = np.random.default_rng(seed)
    sizes = (6, 12, 9, 2)
    layers = [
        Dense(rng.standard_t(3, (b, a)), rng.standard_normal(b), "relu")
        for a, b in itertools.pairwise(sizes)
    ]
    return Network(layers), rng.standard_normal((300, 6))


def image_network(seed: int = 0) -> tuple[Network, Any]:
    rng = np.random.default_rng(seed)
    layers = [
        Conv2d(rng.standard_t(3, (4, 2, 3, 3)), rng.standard_normal(4), "relu", 1, (1, 2)),
        Residual([Conv2d(rng.standard_t(3, (4, 4, 1, 3)), None, "tanh", (0, 1))], "relu"),
        AvgPool2d(2),
        Flatten(),
        Dense(rng.standard_t(3, (3, 4 * 3 * 2)), rng.standard_normal(3)),
    ]
    return Network(layers), rng.standard_normal((40, 2, 6, 7))


@pytest.mark.parametrize("made", [dense_network, image_network])
@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("fixed", [False, True])
def test_predicted_is_measured_and_bounds_hold(made: Any, refit: bool, fixed: bool) -> None:
    net, x = made()
    for method in ("magnitude", "weighted-magnitude", "adaptive", "sap"):
        found = prune_weights(net, x, 0.4, method=method, bias_fix=fixed, refit=refit)
        assert isinstance(found, Compression)
        for layer in found.layers:
            bounds = layer.bounds
            trivial = bounds["largest eigenvalue"].trivial
            # moments of a few hundred samples, singular ones refitted by a pseudo-inverse
            close = {"rel": 1e-9, "abs": 1e-9 * trivial}
            assert layer.predicted_loss == pytest.approx(layer.measured_loss, **close)
            for bound in bounds.values():
                assert layer.measured_loss <= bound.value * (1 + 1e-9) + 1e-9 * trivial
        error = output_error(net, found.network, x)
        assert found.output_error == pytest.approx(error, rel=1e-12, abs=0)
        assert found.error_bound is not None
        assert found.soft_sparsity_bound is not None
        assert error <= found.error_bound.value <= found.soft_sparsity_bound.value * (1 + 1e-9)
        first = found.layers[0]
        assert first.accumulated_loss == pytest.approx(first.measured_loss, rel=1e-9, abs=0)
        again = found.measure(x)
        assert again.losses == tuple(layer.measured_loss for layer in found.layers)
        assert found.measure(x[:7]).output_error == pytest.approx(
            output_error(net, found.network, x[:7]), rel=1e-12, abs=0
        )


@pytest.mark.parametrize("method", OWN)
def test_shares_are_kept_where_they_belong(method: str) -> None:
    net, x = dense_network()
    total = sum(layer.weight.size for layer in net.layers)  # type: ignore[union-attr]
    for density in (0.1, 0.5, 1.0):
        found = prune_weights(net, x, density, method=method)
        if method != "sap" or density == 0.5:  # SAP may stop before
            assert found.nonzeros == (total, int(density * total + 0.5))
        for layer, pruned in zip(found.layers, found.network.layers):
            weight = np.asarray(pruned.weight)  # type: ignore[union-attr]
            np.testing.assert_array_equal(weight != 0, layer.kept)
        if method == "sap":
            continue
        found = prune_weights(net, x, density, method=method, scope="layer")
        for layer in found.layers:
            assert layer.width == max(1, int(density * layer.size + 0.5))
        if method == "adaptive":
            continue
        found = prune_weights(net, x, density, method=method, scope="neuron")
        for layer in found.layers:
            rows = np.sum(layer.kept, axis=1)
            assert set(rows) == {max(1, int(density * layer.kept.shape[1] + 0.5))}


def test_everything_kept_changes_nothing() -> None:
    net, x = image_network()
    for method in ("magnitude", "adaptive", "sap"):
        found = prune_weights(net, x, 1.0, method=method)
        assert found.output_error == 0.0
        assert found.density == 1.0


def test_global_magnitude_is_one_threshold() -> None:
    net, x = dense_network(3)
    found = prune_weights(net, x, 0.3)
    kept = [np.abs(layer.weight)[p.kept] for layer, p in zip(net.layers, found.layers)]  # type: ignore[union-attr]
    lost = [np.abs(layer.weight)[~p.kept] for layer, p in zip(net.layers, found.layers)]  # type: ignore[union-attr]
    assert min(map(np.min, (k for k in kept if k.size))) >= max(map(np.max, lost))


def test_bias_fix_and_refit_help_layer_by_layer() -> None:
    net, x = dense_network(1)
    plain, fixed, best = (
        prune_weights(net, x, 0.4, bias_fix=f, refit=r)
        for f, r in ((False, False), (True, False), (True, True))
    )
    for a, b, c in zip(plain.layers, fixed.layers, best.layers):
        assert c.measured_loss <= b.measured_loss <= a.measured_loss
    inputs = [x, *net.activations(x)[:-1]]
    for h, layer, a, b in zip(inputs, net.layers, plain.layers, fixed.layers):
        removed = np.where(a.kept, 0.0, layer.weight)  # type: ignore[union-attr]
        drop = np.sum((removed @ h.mean(axis=0)) ** 2)
        expected = a.measured_loss - drop
        assert b.measured_loss == pytest.approx(expected, rel=1e-9, abs=1e-9 * a.measured_loss)


def test_surgeon_is_better_than_magnitude_with_refit() -> None:
    net, x = dense_network(2)
    ours = prune_weights(net, x, 0.5, method="obs", scope="neuron").layers[0]
    other = prune_weights(net, x, 0.5, scope="neuron", refit=True).layers[0]
    assert ours.predicted_loss == pytest.approx(ours.measured_loss, rel=1e-9, abs=0)
    assert ours.measured_loss <= other.measured_loss * 1.05  # greedy: not always the best


def test_surgeon_takes_inputs_that_others_determine_first_and_at_no_loss() -> None:
    """Input 4 is the sum of two others, input 5 does not vary: 24 removals are free."""
    net, x = dense_network(2)
    x[:, 4], x[:, 5] = x[:, 0] - 2.0 * x[:, 1], 3.0
    layer = Network(net.layers[:1])
    scale = float(np.sum(layer.layers[0].weight ** 2))  # type: ignore[union-attr]
    for removals in (0, 1, 12, 24):
        found = prune_weights(layer, x, 1.0 - removals / 72, method="obs")
        assert found.nonzeros == (72, 72 - removals)
        # squares of sums of weights, each known to some hundred eps
        assert found.layers[0].measured_loss <= (1e3 * np.finfo(float).eps) ** 2 * scale
    rest = np.flatnonzero(found.layers[0].kept.any(axis=0))
    assert rest.size == 4
    smaller = Network([Dense(found.network.layers[0].weight[:, rest], None, "relu")])  # type: ignore[union-attr]
    for removals in (1, 10, 30):
        ours = prune_weights(layer, x, 1.0 - (24 + removals) / 72, method="obs").layers[0]
        other = prune_weights(smaller, x[:, rest], 1.0 - removals / 48, method="obs").layers[0]
        np.testing.assert_array_equal(ours.kept[:, rest], other.kept)
        assert ours.measured_loss == pytest.approx(other.measured_loss, rel=1e-9, abs=0)


def test_refit_of_a_convolution_is_least_squares_on_patches() -> None:
    net, x = image_network()
    found = prune_weights(net, x, 0.3, scope="neuron", refit=True)
    conv, pruned = net.layers[0], found.network.layers[0]
    y, z = conv.forward(x), pruned.forward(x)
    linear = Conv2d(conv.weight, conv.bias, "identity", 1, (1, 2))  # type: ignore[union-attr]
    sums = linear.forward(x)[:, 0].reshape(-1)
    columns = []
    for c, i, j in np.argwhere(found.layers[0].kept[0]):
        one = np.zeros((1, 2, 3, 3))
        one[0, c, i, j] = 1.0
        columns.append(Conv2d(one, None, "identity", 1, (1, 2)).forward(x).reshape(-1))
    design = np.stack([*columns, np.ones(sums.size)], axis=1)
    best = design @ np.linalg.lstsq(design, sums, rcond=None)[0]
    ours = Conv2d(pruned.weight, pruned.bias, "identity", 1, (1, 2))  # type: ignore[union-attr]
    np.testing.assert_allclose(ours.forward(x)[:, 0].reshape(-1), best, atol=1e-9)
    assert y.shape == z.shape


@pytest.mark.parametrize("made", [dense_network, image_network])
@pytest.mark.parametrize("method", [*OWN, "l2", "threshold-poisson"])
def test_one_sample_is_fitted_by_the_biases_alone(made: Any, method: str) -> None:
    """Inputs that do not vary: every weight may go, but the share asked for is kept."""
    net, x = made()
    found = prune_weights(net, x[:1], 0.3, method=method, rng=0)
    first = found.layers[0]
    # sums of some ten products, of a scale told by the loss of the empty layer's moment
    scale = float(np.sum(net.layers[0].weight ** 2) * np.max(x[0] ** 2)) * first.kept.size  # type: ignore[union-attr]
    if made is dense_network:  # patches of one image do vary
        assert first.measured_loss <= (1e3 * np.finfo(float).eps) ** 2 * scale
    if method in OWN:
        total, kept = found.nonzeros
        assert kept == int(0.3 * total + 0.5)


@pytest.mark.parametrize("method", [*OWN, "l1", "quantise"])
@pytest.mark.parametrize("scope", ["neuron", "layer", "global"])
def test_rows_layers_and_networks_of_zeros(method: str, scope: str) -> None:
    if (method, scope) == ("adaptive", "neuron"):
        return
    net, x = dense_network()
    for rows in ([3], list(range(9))):
        weight = net.layers[1].weight.copy()  # type: ignore[union-attr]
        weight[rows] = 0.0
        holed = Network([net.layers[0], Dense(weight, net.layers[1].bias, "relu"), net.layers[2]])  # type: ignore[union-attr]
        found = prune_weights(holed, x, 0.5, method=method, scope=scope, rng=0)
        if method != "quantise":
            assert not found.layers[1].kept[rows].any()
        assert "keep no weight" in "".join(found.layers[1].notes) or method == "quantise"
        assert found.error_bound is not None
        error = found.output_error  # a bound of 0 is met up to the rounding of outputs
        assert error <= found.error_bound.value + 1e-12 * np.abs(net.forward(x)).max()
    empty = Network([Dense(0 * layer.weight, layer.bias, "relu") for layer in net.layers])  # type: ignore[union-attr]
    found = prune_weights(empty, x, 0.5, method=method, scope=scope, rng=0)
    assert found.output_error == 0.0
    assert found.density == 0.0


def test_sap_says_where_it_stopped() -> None:
    net, x = dense_network()
    found = prune_weights(net, x, 0.01, method="sap")
    left = found.nonzeros[1]
    assert left > 2
    for layer in found.layers:
        assert f"SAP stopped at {left} weights of the network, above the 2 asked" in layer.notes[-1]
    for layer in prune_weights(net, x, 0.5, method="sap").layers:
        assert "stopped" not in "".join(layer.notes)


@pytest.mark.parametrize("scope", ["neuron", "layer", "global"])
def test_samplers_see_rows_layers_or_the_whole(monkeypatch: pytest.MonkeyPatch, scope: str) -> None:
    """A stand-in sampler that draws uniformly and rescales, and remembers what it was asked."""
    asked = []

    def sampler(weight: Any, nonzeros: int, *, method: str, rng: Any) -> Any:
        asked.append((weight.shape, nonzeros, method))
        keep = nonzeros / weight.size
        return np.where(rng.random(weight.shape) < keep, weight / keep, 0.0)

    monkeypatch.setattr(weight_masks, "sparsify", sampler)
    net, x = dense_network()
    found = prune_weights(net, x, 0.5, method="l1", scope=scope, rng=0)
    expected = {
        "neuron": [((1, 6), 3, "l1")] * 12 + [((1, 12), 6, "l1")] * 9 + [((1, 9), 5, "l1")] * 2,
        "layer": [((12, 6), 36, "l1"), ((9, 12), 54, "l1"), ((2, 9), 9, "l1")],
        "global": [((1, 198), 99, "l1")],
    }
    assert asked == expected[scope]
    assert found.soft_sparsity_bound is None
    assert found.error_bound is not None
    assert found.output_error <= found.error_bound.value
    for layer in found.layers:
        assert layer.predicted_loss == pytest.approx(layer.measured_loss, rel=1e-9, abs=0)
        assert layer.measured_loss <= layer.bounds["largest eigenvalue"].value * (1 + 1e-9)
        assert "T7 says nothing" in layer.notes[0]
    if scope == "global":
        with pytest.raises(ValueError, match="use scope layer"):
            prune_weights(net, x, 0.5, method="row-l1", rng=0)


def test_any_library(to_backend: Any) -> None:
    net, x = dense_network()
    layers = [
        Dense(to_backend(layer.weight), to_backend(layer.bias), layer.activation)  # type: ignore[union-attr]
        for layer in net.layers
    ]
    found = prune_weights(Network(layers), to_backend(x), 0.5, method="weighted-magnitude")
    same = prune_weights(net, x, 0.5, method="weighted-magnitude")
    assert found.output_error == pytest.approx(same.output_error, rel=1e-9, abs=0)
    assert type(found.network.layers[0].weight) is type(layers[0].weight)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"density": 0.0}, ValueError, "density must be above 0"),
        ({"density": 1.5}, ValueError, "at most 1"),
        ({"density": np.nan}, ValueError, "density must be finite"),
        ({"inputs": np.full((3, 6), np.nan)}, ValueError, "18 entries that are NaN"),
        ({"method": "best"}, ValueError, "method must be one of magnitude"),
        ({"scope": "row"}, ValueError, "scope must be"),
        ({"method": "adaptive", "scope": "neuron"}, ValueError, "nothing to share"),
        ({"inputs": np.ones((3, 5))}, ValueError, "needs inputs of shape"),
        ({"network": Network([Flatten()])}, ValueError, "nothing to prune"),
    ],
)
def test_wrong_arguments(arguments: Any, error: Any, sentence: str) -> None:
    net, x = dense_network()
    call = {"network": net, "inputs": x, "density": 0.5} | arguments
    with pytest.raises(error, match=sentence):
        prune_weights(**call)
