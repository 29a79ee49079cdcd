"""Pruned networks against explicit oracles: what is folded, what is lost, what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.bounds.layer import dof_bound, tail_bound, volume_bound
from pruneproof.theory.bounds.network import convolution_bound, layer_errors
from pruneproof.theory.bounds.paper import paper_bound
from pruneproof.theory.errors import InapplicableError
from pruneproof.theory.network.compress import compress
from pruneproof.theory.network.compressed import CompressedLayer, Compression
from pruneproof.theory.network.folding import loss_parts
from pruneproof.theory.network.layers import (
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    MaxPool2d,
    Residual,
)
from pruneproof.theory.network.network import Network
from pruneproof.theory.network.selectors import METHODS
from pruneproof.theory.network.sites import layer_inputs, parametric, prunable_sites
from pruneproof.theory.objective import information_loss, reconstruction

EPS = float(np.finfo(np.float64).eps)


def normal(seed: int, *shape: int) -> NDArray[np.float64]:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def dense_chain() -> tuple[Network, NDArray[np.float64]]:
    layers: list[Layer] = [
        Dense(normal(0, 14, 6) / 2, normal(1, 14), "relu"),
        Dense(normal(2, 10, 14) / 4, normal(3, 10), "tanh"),
        Dense(normal(4, 3, 10) / 3, normal(5, 3)),
    ]
    return Network(layers), normal(6, 400, 6)


def plain_convolutions() -> tuple[Network, NDArray[np.float64]]:
    layers: list[Layer] = [
        Conv2d(normal(0, 8, 2, 3, 3) / 3, normal(1, 8), "relu", padding=1),
        MaxPool2d(2),
        Conv2d(normal(2, 9, 8, 3, 2) / 5, normal(3, 9), "tanh", padding=(1, 0), stride=(1, 2)),
        Conv2d(normal(4, 7, 9, 2, 2) / 4, normal(5, 7), "relu"),
        AvgPool2d((2, 1), 1),
        Flatten(),
        Dense(normal(6, 5, 14) / 4, normal(7, 5), "relu"),
        Dense(normal(8, 3, 5), normal(9, 3)),
    ]
    return Network(layers), normal(10, 60, 2, 8, 8)


def residual_convolutions() -> tuple[Network, NDArray[np.float64]]:
    def block(seed: int) -> Residual:
        first = Conv2d(normal(seed, 7, 6, 3, 3) / 6, normal(seed + 1, 7), "relu", padding=1)
        last = Conv2d(normal(seed + 2, 6, 7, 1, 1) / 3, normal(seed + 3, 6))
        return Residual([first, last], "relu")

    layers: list[Layer] = [
        Conv2d(normal(0, 6, 1, 3, 3) / 2, normal(1, 6), "relu"),
        block(10),
        block(20),
        Conv2d(normal(2, 8, 6, 2, 2) / 4, normal(3, 8), "tanh", stride=2),
        Flatten(),
        Residual([Dense(normal(4, 9, 32) / 6, normal(5, 9), "relu"), Dense(normal(6, 32, 9))]),
        Dense(normal(7, 3, 32)),
    ]
    return Network(layers), normal(8, 80, 1, 6, 6)


NETWORKS = [dense_chain, plain_convolutions, residual_convolutions]


def replaced(layers: Sequence[Layer], x: Any, folds: dict[Any, Any], prefix: Any = ()) -> Any:
    """ORIGINAL layers, every reader's input replaced by A phi_J + c channel by channel."""
    for place, layer in enumerate(layers):
        path = (*prefix, place)
        if isinstance(layer, Residual):
            inner = replaced(layer.layers, x, folds, path)
            x = x + inner if layer.activation == "identity" else np.maximum(x + inner, 0)
            continue
        if path in folds:
            fold = folds[path]
            channels = x.reshape(x.shape[0], fold.coefficients.shape[0], -1)
            rebuilt = np.einsum("cj,njp->ncp", fold.coefficients, channels[:, fold.kept])
            x = (rebuilt + fold.offset[:, None]).reshape(x.shape)
        x = layer.forward(x)
    return x


def half(network: Network) -> list[int]:
    return [max(1, site.width // 2) for site in prunable_sites(network)]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("make", NETWORKS)
def test_pruned_network_is_the_original_with_features_replaced(
    make: Callable[[], Any], affine: bool
) -> None:
    network, x = make()
    found = compress(network, x, half(network), affine=affine)
    folds = {fold.reader.path: fold for layer in found.layers for fold in layer.folds}
    expected = replaced(network.layers, x, folds)
    scale = abs(expected).max() * max(abs(f.coefficients).sum(axis=1).max() for f in folds.values())
    # Sums of a few hundred terms, regrouped by the folding, through at most eight layers.
    np.testing.assert_allclose(found.network.forward(x), expected, rtol=0, atol=1e4 * EPS * scale)
    before, after = found.parameters
    assert after < before == network.parameter_count
    assert [layer.width for layer in found.layers] == half(network)
    error = np.sqrt(((expected - network.forward(x)) ** 2).sum() / len(x))
    np.testing.assert_allclose(found.output_error, error, rtol=1e-9)


def features_of(network: Network, x: Any, layer: CompressedLayer) -> list[NDArray[np.float64]]:
    """Rows phi of every reader, made without the package's own reader_features."""
    seen, _ = layer_inputs(network, x)
    rows = []
    for path in layer.site.readers:
        channels = seen[path].reshape(len(x), layer.size, -1)
        rows.append(np.moveaxis(channels, 1, 2).reshape(-1, layer.size))
    return rows


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("make", NETWORKS)
def test_loss_is_that_of_least_squares_on_the_raw_samples(
    make: Callable[[], Any], affine: bool
) -> None:
    network, x = make()
    found = compress(network, x, half(network), affine=affine, theta=0.3)
    for layer in found.layers:
        inputs, outputs = 0.0, 0.0
        for fold, phi in zip(layer.folds, features_of(network, x, layer)):
            kept = phi[:, to_numpy(fold.kept)]
            if fold.reader.centered:
                kept = np.column_stack([kept, np.ones(len(phi))])
            gap = phi - kept @ np.linalg.lstsq(kept, phi, rcond=None)[0]
            inputs += (gap**2).sum() / len(phi) / len(layer.folds)
            outputs += ((gap @ fold.reader.output_weights.T) ** 2).sum() / len(phi)
        trace = layer.spectrum.trace * (1 + (layer.moments.output_weights**2).sum())
        # Closed forms subtract: absolute error of order eps * width * Tr(Q Sigma).
        tolerance = 100 * layer.size * EPS * trace
        np.testing.assert_allclose(layer.input_loss, inputs, rtol=0, atol=tolerance)
        np.testing.assert_allclose(layer.output_loss, outputs, rtol=0, atol=tolerance)
        mixed = 0.3 * inputs + 0.7 * outputs
        np.testing.assert_allclose(layer.predicted_loss, mixed, rtol=0, atol=tolerance)
        np.testing.assert_allclose(layer.measured_loss, mixed, rtol=0, atol=tolerance)


@pytest.mark.parametrize("make", NETWORKS)
def test_a_ridge_is_paid_in_the_prediction_only(make: Callable[[], Any]) -> None:
    network, x = make()
    for layer in compress(network, x, half(network), ridge=0.05).layers:
        paid = sum(
            0.05 * (0.1 * (f.coefficients**2).sum() / len(layer.folds))
            + 0.05 * 0.9 * ((f.reader.output_weights @ f.coefficients) ** 2).sum()
            for f in layer.folds
        )
        assert layer.measured_loss < layer.predicted_loss
        np.testing.assert_allclose(layer.measured_loss + paid, layer.predicted_loss, rtol=1e-9)


@pytest.mark.parametrize("make", NETWORKS)
def test_a_constant_never_raises_the_loss_of_the_same_nodes(make: Callable[[], Any]) -> None:
    network, x = make()
    affine, plain = (
        compress(network, x, half(network), method="random", rng=3, affine=a) for a in (True, False)
    )
    for with_constant, without in zip(affine.layers, plain.layers):
        np.testing.assert_array_equal(with_constant.selection.kept, without.selection.kept)
        assert with_constant.input_loss <= without.input_loss * (1 + 1e-12)
        if any(fold.reader.centered for fold in with_constant.folds):
            assert with_constant.input_loss < without.input_loss


@pytest.mark.parametrize("method", ["greedy", "magnitude"])
@pytest.mark.parametrize("make", NETWORKS)
def test_keeping_all_nodes_changes_nothing(make: Callable[[], Any], method: str) -> None:
    network, x = make()
    few = x[:3]  # singular second moments
    widths = {site.name: site.width for site in prunable_sites(network)}
    found = compress(network, few, widths, method=method)
    np.testing.assert_allclose(
        found.network.forward(x), network.forward(x), rtol=0, atol=1e4 * EPS * abs(x).max()
    )
    assert found.parameters[0] == found.parameters[1]
    assert all(layer.predicted_loss == layer.input_loss == 0.0 for layer in found.layers)


def test_duplicated_nodes_are_pruned_without_loss() -> None:
    """Nodes 0-3 written twice, once at another scale: relu keeps the span, also off the sample."""
    w, b = normal(0, 4, 3), normal(1, 4)
    first = Dense(np.concatenate([w, 2.5 * w]), np.concatenate([b, 2.5 * b]), "relu")
    network = Network([first, Dense(normal(2, 2, 8), normal(3, 2))])
    found = compress(network, normal(4, 200, 3), 4)
    fresh = normal(5, 50, 3)
    scale = abs(network.forward(fresh)).max()
    np.testing.assert_allclose(
        found.network.forward(fresh), network.forward(fresh), rtol=0, atol=1e-10 * scale
    )  # eps times the condition number of four kept nodes, about 1e2, squared


def test_losses_that_rounding_made_negative_count_as_none() -> None:
    assert loss_parts(np.diag([1.0, -1e-3]), np.diag([2.0, 3.0])) == (1.0, 4.0)


def test_convolution_outputs_obey_their_bound() -> None:
    """Pruning one site: the squared error at its reader, over the number of input positions."""
    network, x = plain_convolutions()
    sites = {site.name: site for site in prunable_sites(network)}
    for name in ("layer 0", "layer 2", "layer 3"):
        found = compress(network, x, {name: 3})
        layer = next(a for a in found.layers if a.name == name)
        path = sites[name].readers[0]
        before, after = (layer_inputs(n, x)[0][path] for n in (network, found.network))
        reader, pruned = parametric(network, path), parametric(found.network, path)
        linear = [replace(r, activation="identity") for r in (reader, pruned)]
        gap = linear[0].forward(before) - linear[1].forward(after)
        positions = before[0].size // layer.size
        size = reader.size if isinstance(reader, Conv2d) else (positions, positions)
        bound = convolution_bound(layer.output_loss, size)
        assert (
            0
            < (gap**2).sum() / len(x) / (positions if isinstance(reader, Conv2d) else 1)
            <= bound.value
        )


def test_a_stream_loses_no_more_than_with_one_reconstruction_for_all() -> None:
    network, x = residual_convolutions()
    layer = compress(network, x, {"stream 0": 3}).layers[0]
    assert len(layer.folds) == 3
    assert layer.notes[-1].startswith("several readers: bounds and law are of their mean")
    assert {tuple(to_numpy(f.kept)) for f in layer.folds} == {tuple(layer.selection.kept)}
    pooled = information_loss(layer.moments.cov, layer.selection.kept)
    assert layer.input_loss < pooled
    for fold in layer.folds:
        own = reconstruction(fold.reader.cov, layer.selection.kept)
        np.testing.assert_allclose(fold.coefficients, own, rtol=0, atol=1e-12 * abs(own).max())


def test_error_of_a_chain_is_within_its_bound_and_attains_it_for_one_pruned_layer() -> None:
    network, x = dense_chain()
    found = compress(network, x, [6, 5])
    assert found.error_bound is not None
    assert 0 < found.output_error <= found.error_bound.value < found.error_bound.trivial
    whole = np.sqrt((network.forward(x) ** 2).sum() / len(x))  # error of the zero network
    np.testing.assert_allclose(found.error_bound.trivial, whole, rtol=1e-12)
    np.testing.assert_allclose(found.error_bound.value, chain_bound(network, found, x), rtol=1e-9)
    single = compress(network, x, {"layer 1": 5})
    assert single.error_bound is not None
    # One pruned layer before a linear output: equality, up to the rounding of a few sums.
    np.testing.assert_allclose(single.output_error, single.error_bound.value, rtol=1e-9)


def chain_bound(network: Network, found: Compression, x: Any) -> float:
    """B1's right-hand side from the raw activations."""
    folds = [layer.folds[0] for layer in found.layers]
    errors = layer_errors(
        [parametric(network, fold.reader.path).weight for fold in folds],
        network.activations(x)[:-1],
        [fold.kept for fold in folds],
        [fold.coefficients for fold in folds],
        [fold.offset for fold in folds],
    )
    weights = [parametric(found.network, fold.reader.path).weight for fold in folds]
    norms = [np.linalg.norm(w, 2) for w in weights]
    return float(sum(r * np.prod(norms[place + 1 :]) for place, r in enumerate(errors)))


@pytest.mark.parametrize(
    ("make", "why"), [(plain_convolutions, "layer 0 is Conv2d"), (residual_convolutions, "Conv2d")]
)
def test_networks_outside_the_theorem_get_a_reason_instead_of_a_bound(
    make: Callable[[], Any], why: str
) -> None:
    network, x = make()
    found = compress(network, x, half(network))
    assert found.error_bound is None
    assert why in found.error_bound_note
    steep = Network([Dense(normal(0, 4, 3), activation="erf"), Dense(normal(1, 2, 4))])
    note = compress(steep, normal(2, 9, 3), 2).error_bound_note
    assert "Lipschitz constant 1.128" in note


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_is_reconstructed_alike(method: str) -> None:
    network, x = dense_chain()
    found = compress(network, x, [7, 5], method=method, rng=1)
    again = compress(network, x, [7, 5], method=method, rng=1)
    for layer, same, wanted in zip(found.layers, again.layers, [7, 5]):
        np.testing.assert_array_equal(layer.selection.kept, same.selection.kept)
        assert layer.width <= wanted if method == "leverage" else layer.width == wanted
        tau = layer.selection.ridge if method == "leverage" else 0.0
        loss = information_loss(
            layer.moments.cov,
            layer.selection.kept,
            ridge=tau,
            theta=layer.theta,
            output_weights=layer.moments.output_weights,
        )
        np.testing.assert_allclose(layer.predicted_loss, loss, rtol=1e-9)
        below = layer.measured_loss < layer.predicted_loss
        assert below if method == "leverage" else np.isclose(layer.measured_loss, loss, rtol=1e-9)
        assert set(layer.bounds) == {"paper", "dof", "volume", "tail"}
        assert layer.law > 0
        assert layer.selection.guarantee
    if method == "leverage":
        assert "lam_N(width), as none was given" in " ".join(found.layers[0].notes)


@pytest.mark.parametrize("theta", [0.0, 0.4, 1.0])
def test_law_weighs_every_eigenvector_by_the_objective(theta: float) -> None:
    network, x = dense_chain()
    for layer, k in zip(compress(network, x, [7, 5], theta=theta).layers, [7, 5]):
        check_law(layer, k, theta)


def check_law(layer: CompressedLayer, k: int, theta: float) -> None:
    """kappa Tr(Q H_kappa) at kappa (1 - N(kappa)/k) = lam_N(k), both roots by plain bisection."""
    cov, z = layer.moments.cov, layer.moments.output_weights

    def smoothed(ridge: float) -> NDArray[np.float64]:
        return np.asarray(cov @ np.linalg.inv(cov + ridge * np.eye(len(cov))))

    lam = bisected(lambda r: k - np.trace(smoothed(r)), np.trace(cov))
    np.testing.assert_allclose(layer.law_ridge, lam, rtol=1e-9)
    kappa = bisected(lambda r: r * (1 - np.trace(smoothed(r)) / k) - lam, lam + np.trace(cov) / k)
    q = theta * np.eye(len(cov)) + (1 - theta) * z.T @ z
    np.testing.assert_allclose(layer.law, kappa * np.trace(q @ smoothed(kappa)), rtol=1e-9)
    np.testing.assert_allclose(layer.input_law, kappa * np.trace(smoothed(kappa)), rtol=1e-9)


def bisected(rising: Callable[[float], float], high: float) -> float:
    """Largest root below `high` of a function that rises there, to rounding."""
    low = 1e-12 * high
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return high


def test_magnitude_counts_all_writers_of_a_stream() -> None:
    network, x = residual_convolutions()
    layer = compress(network, x, {"stream 0": 3}, method="magnitude").layers[0]
    squares = np.zeros(6)
    for path in layer.site.writers:
        squares += (parametric(network, path).weight.reshape(6, -1) ** 2).sum(axis=1)
    assert set(layer.selection.kept.tolist()) == set(np.argsort(-squares)[:3].tolist())


def test_compression_on_every_library(to_backend: Callable[[Any], Any]) -> None:
    for make in NETWORKS:
        network, x = make()
        moved = to_backend(x)
        found = compress(network, moved, half(network), theta=0.5)
        expected = compress(network, x, half(network), theta=0.5)
        assert type(found.network.forward(moved)) is type(moved)
        for layer, other in zip(found.layers, expected.layers):
            np.testing.assert_array_equal(to_numpy(layer.selection.kept), other.selection.kept)
            np.testing.assert_allclose(layer.measured_loss, other.measured_loss, rtol=1e-8)
        np.testing.assert_array_equal(to_numpy(moved), x)
        np.testing.assert_allclose(found.output_error, expected.output_error, rtol=1e-8)


def test_held_out_losses_are_measured_on_the_inputs_given() -> None:
    network, x = dense_chain()
    found: Compression = compress(network, x, [6, 5])
    same, other = found.measure(x), found.measure(normal(7, 100, 6))
    assert same.losses == tuple(layer.measured for layer in found.layers)
    assert same.output_error == found.output_error
    assert other.losses[0].mixed > same.losses[0].mixed


def test_width_beyond_the_rank_is_said() -> None:
    network, x = dense_chain()
    found = compress(network, x[:5], {"layer 0": 9}, method="volume", rng=0)
    assert found.layers[0].width == 4  # five centred samples
    assert "4 nodes kept where 9 were asked for" in " ".join(found.layers[0].notes)


def test_draws_and_distinct_nodes_are_told_apart() -> None:
    """Leverage sampling: the paper's bound is at the draws, the others at the nodes left."""
    network, x = dense_chain()
    found = compress(network, x, [12, 9], method="leverage", ridge=0.3, rng=1)
    for layer, draws in zip(found.layers, (12, 9)):
        assert layer.width < draws
        mixture = {"theta": 0.1, "output_weights": layer.moments.output_weights}
        assert layer.bounds == {
            "paper": paper_bound(layer.spectrum, draws, **mixture),
            "dof": dof_bound(layer.spectrum, layer.width, **mixture),
            "volume": volume_bound(layer.spectrum, layer.width, **mixture),
            "tail": tail_bound(layer.spectrum, layer.width),
        }
        words = f"at ridge 0.3 (as given): {draws} draws, {layer.width} distinct nodes"
        assert words in " ".join(layer.notes)
        assert "several readers" not in " ".join(layer.notes)
    w = normal(0, 4, 3)
    twice = Network([Dense(np.concatenate([w, w]), None, "relu"), Dense(normal(2, 2, 8))])
    notes = compress(twice, normal(4, 50, 3), 7, method="random", rng=0).layers[0].notes
    assert "the block of kept nodes has rank 4, so a pseudo-inverse" in " ".join(notes)


def test_a_layer_whose_features_do_not_vary_can_only_be_left_whole() -> None:
    dead = Dense(np.ones((4, 3)), -100 * np.ones(4), "relu")
    network = Network([dead, Dense(normal(0, 6, 4), activation="tanh"), Dense(normal(1, 2, 6))])
    with pytest.raises(InapplicableError, match="layer 0 do not vary over the inputs"):
        compress(network, normal(2, 20, 3), 2)
    one = Network([Dense(normal(3, 5, 3)), Dense(normal(1, 2, 5))])
    with pytest.raises(InapplicableError, match="give more inputs"):
        compress(one, normal(2, 1, 3), 2)
    assert compress(one, normal(2, 1, 3), 2, affine=False).layers[0].width == 2
    whole = compress(one, normal(2, 1, 3), 5)
    assert whole.layers[0].bounds == {}
    assert whole.layers[0].law == whole.layers[0].law_ridge == whole.layers[0].coherence == 0.0
    assert whole.output_error < 1e-12


def test_small_features_are_pruned_like_large_ones() -> None:
    """Sigma scales by 4^-30; the last weights make up for it, so all outputs are the same."""
    small, w = 2.0**-30, normal(0, 9, 3)
    network = Network([Dense(w, None, "relu"), Dense(normal(1, 2, 9))])
    scaled = Network([Dense(small * w, None, "relu"), Dense(normal(1, 2, 9) / small)])
    x = normal(2, 60, 3)
    one, other = (compress(n, x, 4, theta=0.0) for n in (network, scaled))
    assert set(one.layers[0].selection.kept) == set(other.layers[0].selection.kept)
    np.testing.assert_allclose(other.output_error, one.output_error, rtol=1e-9)
    np.testing.assert_allclose(other.layers[0].law, one.layers[0].law, rtol=1e-9)


def chain_call(**changes: Any) -> Any:
    network, x = dense_chain()
    arguments: dict[str, Any] = {"network": network, "inputs": x, "widths": 3} | changes
    return compress(**arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": 0}, "width of layer 0 must be at least 1 and at most 14, but is 0"),
        ({"widths": 12}, "width of layer 1 must be at least 1 and at most 10, but is 12"),
        ({"widths": 2.5}, "must be a whole number, but is 2.5"),
        ({"widths": [3]}, r"1 entries, but the network has 2 sites: layer 0 \(14\), layer 1 \(10"),
        ({"widths": {"layer 7": 3}}, "names 'layer 7', but the sites are layer 0, layer 1"),
        ({"method": "best"}, "method must be one of greedy, backward, .*, but is 'best'"),
        ({"theta": 1.5}, r"theta must lie in \[0, 1\]"),
        ({"ridge": -1.0}, "ridge must be at least 0"),
        ({"inputs": np.full((3, 6), np.nan)}, "inputs has 18 entries that are NaN"),
        ({"inputs": np.ones((3, 5))}, r"needs inputs of shape \(n, 6\), but got \(3, 5\)"),
        ({"inputs": np.ones((0, 6))}, "inputs is empty"),
        ({"network": Network([Dense(np.ones((2, 6)))])}, "no hidden layer"),
    ],
)
def test_bad_calls_are_refused_in_one_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chain_call(**changes)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(TypeError, match="network must be a Network, but is list"):
        chain_call(network=[Dense(np.ones((2, 6)))])
