"""T6 on chains, convolutions, pooling and residual blocks; the refuted reading and its witness."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.theory import (
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    InapplicableError,
    MaxPool2d,
    Network,
    Residual,
    output_error,
    propagated_error_bound,
)
from pruneproof.theory.network.propagation import _padded_norm


def chain(rng: Any, activation: str = "relu") -> Network:
    sizes = rng.integers(2, 7, 4)
    layers = [
        Dense(rng.standard_cauchy((b, a)), rng.standard_normal(b), activation)
        for a, b in itertools.pairwise(sizes)
    ]
    return Network([*layers[:-1], replace(layers[-1], activation="identity")])


def images(rng: Any) -> Network:
    inner = [
        Conv2d(rng.standard_normal((3, 3, 3, 2)), rng.standard_normal(3), "tanh", padding=(1, 0)),
        Conv2d(rng.standard_normal((3, 3, 1, 2)), None, "identity", padding=(0, 1)),
    ]
    return Network(
        [
            Conv2d(rng.standard_normal((3, 2, 3, 3)), rng.standard_normal(3), "relu", 2, (2, 1)),
            Residual(inner, "relu"),
            AvgPool2d((2, 3), (1, 2)),
            MaxPool2d(2, 1),
            Flatten(),
            Dense(rng.standard_normal((2, 6)), rng.standard_normal(2)),
        ]
    )


@pytest.mark.parametrize(
    ("after", "image"),
    [
        (MaxPool2d(2, 1), [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),  # one pixel in four windows
        (MaxPool2d(2), [[1, 0], [0, 0]]),
        (MaxPool2d((2, 3), (1, 3)), [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        (AvgPool2d(2), [[1, 1], [1, 1]]),
        (AvgPool2d((1, 3)), [[2, 2, 2], [5, 5, 5]]),
        (Residual([Conv2d([[[[1.0]]]])]), [[1, 2], [3, 4]]),  # the same error twice
    ],
)
def test_layers_that_attain_their_norms(after: Any, image: Any) -> None:
    x = np.array([[image]], dtype=float)
    layers = [(Conv2d([[[[kept]]]]), after, Flatten()) for kept in (1.0, 0.0)]
    before, pruned = (Network(list(some)) for some in layers)
    error = output_error(before, pruned, x)
    for form in "ABD":
        bound = propagated_error_bound(before, pruned, x, form=form)
        # sums of at most nine terms
        assert error == pytest.approx(bound.value, rel=1e-14, abs=0)


def shrunk(layer: Any, rng: Any) -> Any:
    """Weights zeroed or shrunk, the bias moved."""
    if isinstance(layer, Residual):
        return replace(layer, layers=[shrunk(inner, rng) for inner in layer.layers])
    if not isinstance(layer, (Dense, Conv2d)):
        return layer
    keep = (rng.random(layer.weight.shape) < 0.7) * rng.choice([1.0, 0.8], layer.weight.shape)
    return replace(layer, weight=layer.weight * keep, bias=layer.bias + 0.1 * rng.standard_normal())


@pytest.mark.parametrize("norm", ["2", "inf"])
@pytest.mark.parametrize("activation", ["relu", "erf", "logistic"])
def test_forms_hold_on_chains(activation: str, norm: str) -> None:
    worst = dict.fromkeys("ABD", 0.0)
    for seed in range(15):
        rng = np.random.default_rng(seed)
        net = chain(rng, activation)
        small = Network([shrunk(layer, rng) for layer in net.layers])
        x = rng.standard_normal((30, net.layers[0].inputs))  # type: ignore[union-attr]
        error = output_error(net, small, x, norm=norm)
        for form in "ABD":
            bound = propagated_error_bound(net, small, x, form=form, norm=norm)
            assert bound.value == pytest.approx(sum(bound.terms.values()), rel=1e-12, abs=0)
            worst[form] = max(worst[form], error / bound.value)
    assert max(worst.values()) <= 1.0 + 1e-12, worst
    assert min(worst.values()) > 0.01, worst


def test_forms_hold_beyond_chains() -> None:
    worst = 0.0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        net = images(rng)
        small = Network([shrunk(layer, rng) for layer in net.layers])
        x = rng.standard_normal((8, 2, 5, 4))
        for form in "ABD":
            for norm in ("2", "inf"):
                bound = propagated_error_bound(net, small, x, form=form, norm=norm)
                worst = max(worst, output_error(net, small, x, norm=norm) / bound.value)
    assert 0.001 < worst <= 1.0


def test_one_pruned_layer_of_one_node_is_exact() -> None:
    net = Network([Dense([[2.0, 1.0]]), Dense([[3.0]])])
    small = Network([Dense([[2.0, 0.0]]), Dense([[3.0]])])
    x = np.random.default_rng(0).standard_normal((20, 2))
    error = output_error(net, small, x)
    for form in "ABD":
        found = propagated_error_bound(net, small, x, form=form)
        assert found.value == pytest.approx(error, rel=1e-14, abs=0)


@pytest.mark.parametrize(("z", "ratio"), [(1.0, 1.14412), (0.999, 1.14400)])
def test_original_norms_with_original_activations_fail(z: float, ratio: float) -> None:
    net, small, x = theory.spectral_reading_witness(z)
    bound = propagated_error_bound(net, small, x, form="C")
    error = output_error(net, small, x)
    assert error / bound.value == pytest.approx(ratio, rel=5e-6, abs=0)
    golden = (1 + math.sqrt(5)) / 2
    norm = np.linalg.norm(net.layers[1].weight, 2)  # type: ignore[union-attr]
    assert error / bound.value == pytest.approx(golden / norm, rel=1e-12, abs=0)
    for form in "ABD":
        assert error <= propagated_error_bound(net, small, x, form=form).value * (1 + 1e-12)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_convolution_norm(stride: int, padding: int) -> None:
    rng = np.random.default_rng(padding)
    weight = rng.standard_normal((2, 3, 3, 2))
    layer = Conv2d(weight, None, "identity", padding, stride)
    basis = np.eye(3 * 5 * 4).reshape(-1, 3, 5, 4)
    matrix = layer.forward(basis).reshape(60, -1)
    bound = _padded_norm(weight, (5, 4))
    assert np.linalg.norm(matrix, 2) <= bound * (1 + 1e-12)
    if stride == 1 and padding == 3:
        assert np.linalg.norm(matrix, 2) >= 0.8 * bound


def test_wrong_arguments() -> None:
    net = Network([Dense([[1.0, 2.0]])])
    x = np.ones((2, 2))
    with pytest.raises(InapplicableError, match="enlarged by 1"):
        propagated_error_bound(net, Network([Dense([[1.0, 3.0]])]), x, form="D")
    with pytest.raises(ValueError, match="form must be"):
        propagated_error_bound(net, net, x, form="E")
    with pytest.raises(ValueError, match="norm must be"):
        output_error(net, net, x, norm="1")
    with pytest.raises(ValueError, match="only weights and biases may differ"):
        propagated_error_bound(net, Network([Dense([[1.0, 2.0]], None, "relu")]), x)


def test_what_is_no_network_is_refused_by_name() -> None:
    network = theory.Network([theory.Dense(np.eye(2))])
    inputs = np.ones((3, 2))
    for ask in (theory.output_error, theory.propagated_error_bound):
        with pytest.raises(TypeError, match="pruned must be a Network, but is list"):
            ask(network, [np.eye(2)], inputs)  # type: ignore[operator]
    with pytest.raises(TypeError, match="network must be a Network, but is ndarray"):
        theory.backward_approx(np.eye(2), inputs)  # type: ignore[arg-type]


@pytest.mark.parametrize("norm", ["2", "inf"])
@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_errors_have_the_units_of_the_output(scale: float, norm: str) -> None:
    """Squares of 1e-200 are 0: an error of that size was reported as none."""
    rng = np.random.default_rng(1)
    weight, inputs = rng.standard_normal((3, 3)), rng.standard_normal((5, 3))
    nothing = theory.Network([theory.Dense(np.zeros((3, 3)))])
    for ask in (
        theory.output_error,
        lambda *given, norm: theory.propagated_error_bound(*given, norm=norm).value,
    ):
        plain = ask(theory.Network([theory.Dense(weight)]), nothing, inputs, norm=norm)
        other = ask(theory.Network([theory.Dense(scale * weight)]), nothing, inputs, norm=norm)
        assert other == pytest.approx(scale * plain, rel=1e-14, abs=0)
