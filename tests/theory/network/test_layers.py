"""Layers and networks against independent oracles, on every array library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.network.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    Residual,
)
from pruneproof.theory.network.network import Network

#: A sum of s products rounds to within s eps times the sum of their magnitudes.
EPS = float(np.finfo(np.float64).eps)


def convolution_oracle(
    x: NDArray[np.float64], w: NDArray[np.float64], padding: Any, stride: Any
) -> NDArray[np.float64]:
    """Sum of scipy's two-dimensional correlations, one pair of channels at a time."""
    from scipy.signal import correlate2d

    (ph, pw), (sh, sw) = padding, stride
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    return np.array(
        [
            [
                sum(correlate2d(image[c], kernel[c], mode="valid") for c in range(w.shape[1]))
                for kernel in w
            ]
            for image in x
        ]
    )[:, :, ::sh, ::sw]


@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_convolution_is_the_sum_of_scipy_correlations(
    seed: int, size: Any, padding: Any, stride: Any
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, 3, rng.integers(3, 7), rng.integers(3, 7)))
    w = rng.standard_normal((4, 3, *size))
    b = rng.standard_normal(4)
    layer = Conv2d(w, b, padding=padding, stride=stride)
    expected = convolution_oracle(x, w, padding, stride) + b[None, :, None, None]
    scale = convolution_oracle(abs(x), abs(w), padding, stride).max() + abs(b).max()
    np.testing.assert_allclose(
        layer.forward(x), expected, rtol=0, atol=(w[0].size + 1) * EPS * scale
    )


def test_blocks_of_samples_do_not_change_a_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    layer = Conv2d(rng.standard_normal((4, 3, 2, 2)), padding=1)
    x = rng.standard_normal((7, 3, 5, 4))
    whole = layer.forward(x)
    monkeypatch.setattr("pruneproof.theory.network.convolution.COLUMN_ENTRIES", 3 * 12 * 30)
    np.testing.assert_allclose(layer.forward(x), whole, rtol=0, atol=12 * EPS * abs(whole).max())


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_pooling_is_the_mean_or_maximum_of_every_window(
    seed: int, height: int, width: int, stride: int
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, 2, 5, 6))
    rows, columns = (5 - height) // stride + 1, (6 - width) // stride + 1
    mean = np.empty((2, 2, rows, columns))
    largest = np.empty_like(mean)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            window = x[:, :, top : top + height, left : left + width]
            mean[:, :, i, j] = window.mean(axis=(2, 3))
            largest[:, :, i, j] = window.max(axis=(2, 3))
    tolerance = height * width * EPS * abs(x).max()
    np.testing.assert_allclose(
        AvgPool2d((height, width), stride).forward(x), mean, rtol=0, atol=tolerance
    )
    np.testing.assert_array_equal(MaxPool2d((height, width), stride).forward(x), largest)


def test_flatten_is_channel_row_column() -> None:
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(Flatten().forward(x)[0], np.arange(24.0))


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "erf", "logistic"])
def test_activations_agree_with_the_standard_library(
    activation: str, to_backend: Callable[[Any], Any]
) -> None:
    import math

    exact: dict[str, Callable[[float], float]] = {
        "identity": lambda t: t,
        "relu": lambda t: max(t, 0.0),
        "tanh": math.tanh,
        "erf": math.erf,
        "logistic": lambda t: 1 / (1 + math.exp(-t)) if t > 0 else math.exp(t) / (1 + math.exp(t)),
    }
    t = np.concatenate([np.linspace(-6, 6, 41), [-700.0, 700.0]])
    out = Dense([[1.0]], activation=activation).forward(to_backend(t[:, None]))
    expected = np.array([[exact[activation](v)] for v in t])
    # Elementary functions are good to a few units in the last place of numbers up to 1.
    np.testing.assert_allclose(to_numpy(out), expected, rtol=8 * EPS, atol=8 * EPS)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_forward_is_predict_of_a_fitted_scikit_learn_network(activation: str) -> None:
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(5)
    x = rng.standard_normal((60, 7))
    y = np.stack([np.sin(x[:, 0]), x[:, 1] * x[:, 2]], axis=1)
    fitted = MLPRegressor(
        hidden_layer_sizes=(11, 9), activation=activation, max_iter=8, random_state=0
    )
    with pytest.warns(UserWarning, match="iterations"):
        fitted.fit(x, y)
    names = [activation, activation, "identity"]
    network = Network(
        [Dense(w.T, b, a) for w, b, a in zip(fitted.coefs_, fitted.intercepts_, names)]
    )
    # Three layers of at most 11 terms each, outputs of order one.
    np.testing.assert_allclose(network.forward(x), fitted.predict(x), rtol=0, atol=1e3 * EPS)
    assert network.parameter_count == sum(a.size for a in fitted.coefs_ + fitted.intercepts_)


def statistics(rng: np.random.Generator, m: int) -> tuple[Any, Any, Any, Any]:
    """Scale, shift, mean and variance of a normalisation."""
    scale, shift, mean, variance = rng.uniform(0.5, 1.5, (4, m))
    return scale, shift, mean, variance


def small_convolutional_network(rng: np.random.Generator) -> list[Any]:
    """Layers of every kind: 2 x 6 x 5 images to 3 outputs."""
    block = Residual(
        [
            Conv2d(rng.standard_normal((4, 6, 3, 3)) / 6, rng.standard_normal(4), padding=1),
            BatchNorm(*statistics(rng, 4), activation="relu"),
            Conv2d(rng.standard_normal((6, 4, 1, 1)) / 2, rng.standard_normal(6)),
        ],
        activation="relu",
    )
    return [
        Conv2d(rng.standard_normal((6, 2, 3, 2)) / 3, None, padding=(1, 0), stride=(1, 1)),
        BatchNorm(*statistics(rng, 6), epsilon=0.1, activation="tanh"),
        block,
        MaxPool2d(2),
        AvgPool2d((2, 1), 1),
        Flatten(),
        Dense(rng.standard_normal((5, 24)) / 5, rng.standard_normal(5), "erf"),
        Residual([Dense(rng.standard_normal((5, 5)), None, "logistic")]),
        Dense(rng.standard_normal((3, 5))),
    ]


def test_every_library_gives_the_same_network(to_backend: Callable[[Any], Any]) -> None:
    rng = np.random.default_rng(2)
    layers = small_convolutional_network(rng)
    x = rng.standard_normal((4, 2, 6, 5))
    expected = Network(layers).forward(x)
    moved = to_backend(x)
    outputs = Network(layers).activations(moved)
    assert type(outputs[-1]) is type(moved)
    # BatchNorms are folded in, so there are two layers fewer than given (one of them inside).
    assert [a.shape[1] for a in outputs] == [6, 6, 6, 6, 24, 5, 5, 3]
    np.testing.assert_allclose(to_numpy(outputs[-1]), expected, rtol=0, atol=1e4 * EPS)
    np.testing.assert_array_equal(to_numpy(moved), x)


def test_weights_of_any_library_are_taken(to_backend: Callable[[Any], Any]) -> None:
    rng = np.random.default_rng(3)
    w, b, x = rng.standard_normal((2, 3)), rng.standard_normal(2), rng.standard_normal((5, 3))
    network = Network([Dense(to_backend(w), to_backend(b))])
    np.testing.assert_allclose(to_numpy(network.forward(to_backend(x))), x @ w.T + b, atol=50 * EPS)
    np.testing.assert_allclose(network.forward(x), x @ w.T + b, atol=50 * EPS)


@pytest.mark.parametrize("image", [True, False])
def test_batch_norm_is_folded_exactly(image: bool) -> None:
    rng = np.random.default_rng(4)
    scale, shift, mean, variance = rng.uniform(0.5, 1.5, (4, 6))
    norm = BatchNorm(scale, shift, mean, variance, epsilon=0.25, activation="tanh")
    layer: Any = Dense(rng.standard_normal((6, 2)), rng.standard_normal(6))
    x = rng.standard_normal((3, 2))
    shape: tuple[int, ...] = (6,)
    if image:
        layer = Conv2d(rng.standard_normal((6, 2, 3, 2)), rng.standard_normal(6), padding=1)
        x = rng.standard_normal((3, 2, 4, 5))
        shape = (6, 1, 1)
    y, scale, shift, mean, variance = (
        layer.forward(x),
        *(a.reshape(shape) for a in (scale, shift, mean, variance)),
    )
    expected = np.tanh((y - mean) / np.sqrt(variance + 0.25) * scale + shift)
    network = Network([layer, norm])
    assert len(network.layers) == 1
    np.testing.assert_allclose(network.forward(x), expected, rtol=0, atol=100 * EPS)
    np.testing.assert_allclose(norm.forward(y), expected, rtol=0, atol=100 * EPS)


def test_residual_adds_its_input_and_then_activates() -> None:
    rng = np.random.default_rng(6)
    w, v, x = rng.standard_normal((4, 3)), rng.standard_normal((3, 4)), rng.standard_normal((9, 3))
    block = Residual([Dense(w, activation="relu"), Dense(v)], activation="tanh")
    expected = np.tanh(x + np.maximum(x @ w.T, 0) @ v.T)
    np.testing.assert_allclose(Network([block]).forward(x), expected, atol=100 * EPS)


def test_integers_and_single_precision_are_raised() -> None:
    layer = Dense(np.ones((2, 3), dtype=np.int64), np.ones(2, dtype=np.float32))
    assert layer.weight.dtype == layer.bias.dtype == np.float64
    assert Network([layer]).forward(np.ones((1, 3), dtype=np.int32)).dtype == np.float64


W = np.ones


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense([[np.nan, 1.0]]), "Dense weight has 1 entries that are NaN"),
        (lambda: Dense([1.0, 2.0]), "Dense weight must have 2 axes"),
        (lambda: Dense(W((2, 3)), [1.0]), "2 entries, one an output, but has 1"),
        (lambda: Dense(np.ones((2, 2)) * 1j), "complex128"),
        (lambda: Dense(W((2, 2)), activation="gelu"), "one of identity, relu.*'gelu'"),
        (lambda: Conv2d(W((2, 2, 3))), "Conv2d weight must have 4 axes"),
        (lambda: Conv2d(W((1, 1, 1, 1)), padding=-1), "padding must be at least 0, but is -1"),
        (lambda: Conv2d(W((1, 1, 1, 1)), stride=0), "stride must be at least 1, but is 0"),
        (lambda: Conv2d(W((1, 1, 1, 1)), stride=(1, 2, 3)), "stride must be a whole number or a"),
        (lambda: AvgPool2d(1.5), "AvgPool2d size must be a whole number, but is 1.5"),
        (lambda: BatchNorm([1.0], [1.0, 2.0], [0.0], [1.0]), "one length, but .*shift has 2"),
        (lambda: BatchNorm([1.0], [0.0], [0.0], [-1.0]), "variance .* down to -1"),
        (lambda: BatchNorm([1.0], [0.0], [0.0], [1.0], epsilon=0.0), "epsilon must be above 0"),
        (lambda: Residual([]), "layers is empty"),
        (lambda: Network([]), "layers is empty"),
        (
            lambda: Network([Dense(W((4, 3))), Dense(W((2, 5)))]),
            r"layer 1, Dense\(5 -> 2\), needs 5 inputs, but layer 0, Dense\(3 -> 4\), gives 4",
        ),
        (lambda: Network([Conv2d(W((4, 1, 1, 1))), Dense(W((2, 4)))]), "put a Flatten between"),
        (lambda: Network([Dense(W((4, 1))), Conv2d(W((2, 4, 1, 1)))]), "images, but .* vectors"),
        (lambda: Network([Dense(W((4, 1))), AvgPool2d(2)]), "images, but .* vectors"),
        (
            lambda: Network([Conv2d(W((4, 1, 1, 1))), Flatten(), Dense(W((2, 6)))]),
            "no multiple of the 4 channels",
        ),
        (
            lambda: Network(
                [
                    Conv2d(W((4, 1, 1, 1))),
                    Flatten(),
                    Residual([Dense(W((8, 8)))]),
                    Dense(W((2, 12))),
                ]
            ),
            r"needs 12 inputs, but layer 2, Residual\(Dense\(8 -> 8\)\), gives 8",
        ),
        (
            lambda: Network([Conv2d(W((4, 1, 1, 1))), Flatten(), Residual([Dense(W((6, 8)))])]),
            "keep its width, but takes 4 .* give 6",
        ),
        (lambda: Network([Residual([Dense(W((4, 3)))])]), "keep its width, but takes 3 .* give 4"),
        (
            lambda: Network([Conv2d(W((4, 1, 1, 1))), Residual([Flatten(), Dense(W((4, 4)))])]),
            "takes images but its layers give vectors",
        ),
        (lambda: Network([BatchNorm([1.0], [1.0], [1.0], [1.0])]), "comes first"),
        (
            lambda: Network(
                [Dense(W((1, 1)), activation="relu"), BatchNorm([1.0], [1.0], [1.0], [1.0])]
            ),
            "activation relu; give that layer the identity",
        ),
        (
            lambda: Network([Dense(W((2, 1))), BatchNorm([1.0], [1.0], [1.0], [1.0])]),
            r"1 channels, but Dense\(1 -> 2\) before it gives 2",
        ),
        (lambda: Network([Dense(W((2, 3)))]).forward(W((5, 4))), r"\(n, 3\), but got \(5, 4\)"),
        (lambda: Network([Dense(W((2, 3)))]).forward(W((5, 1, 1, 3))), "put a Flatten before it"),
        (lambda: Network([Dense(W((2, 3)))]).forward(W(3)), "inputs must have shape"),
        (lambda: Network([Dense(W((2, 3)))]).forward(W((0, 3))), "inputs is empty"),
        (
            lambda: Network([Conv2d(W((2, 1, 3, 3)))]).forward(W((1, 1, 2, 5))),
            "at least 3 x 3, padding included, but got 2 x 5",
        ),
        (lambda: Network([Conv2d(W((2, 1, 1, 1)))]).forward(W((1, 2, 2, 5))), "1 channels"),
        (
            lambda: Network([Residual([Conv2d(W((1, 1, 2, 2)))])]).forward(W((1, 1, 3, 3))),
            r"keep the shape .* turned \(1, 1, 3, 3\) into \(1, 1, 2, 2\)",
        ),
    ],
)
def test_bad_networks_and_inputs_are_refused_in_one_sentence(
    make: Callable[[], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_things_that_are_not_layers_are_refused() -> None:
    not_layers: list[Any] = [[Dense([[1.0]]), 3], Dense([[1.0]])]
    with pytest.raises(TypeError, match=r"layers\[1\] is not a layer but int"):
        Network(not_layers[0])
    with pytest.raises(TypeError, match="layers must be a list"):
        Network(not_layers[1])
