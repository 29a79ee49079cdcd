"""Initial networks: variances, the homogeneous small regime, the known function of the lazy one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pruneproof.simulations.students import initial, train
from pruneproof.theory import Network

EPS = float(np.finfo(np.float64).eps)


def weights(network: Network) -> list[NDArray[np.float64]]:
    return [layer.weight for layer in network.layers]  # type: ignore[union-attr]


@pytest.mark.parametrize("activation", ["relu", "erf", "tanh"])
def test_standard_weights_have_the_stated_variance(activation: str) -> None:
    network = initial([50, 200, 100, 3], activation, rng=0)
    gain = 2.0 if activation == "relu" else 1.0
    for weight, g in zip(weights(network), [gain, gain, 1.0]):
        scaled = weight * math.sqrt(weight.shape[1] / g)
        # Mean square of N normal numbers: standard error sqrt(2/N); 5 of them, 9 checks.
        assert abs(np.mean(scaled**2) - 1) <= 5 * math.sqrt(2 / scaled.size)
        assert abs(np.mean(scaled)) <= 5 / math.sqrt(scaled.size)
    assert all(not layer.bias.any() for layer in network.layers)  # type: ignore[union-attr]
    kinds = [layer.activation for layer in network.layers]  # type: ignore[union-attr]
    assert kinds == [activation, activation, "identity"]


def test_small_relu_networks_are_scaled_standard_ones() -> None:
    x = np.random.default_rng(1).standard_normal((20, 6))
    standard = initial([6, 30, 20, 1], "relu", rng=5).forward(x)
    small = initial([6, 30, 20, 1], "relu", regime="small", scale=0.25, rng=5).forward(x)
    # Powers of two are exact, so homogeneity is too; three layers of at most 30 terms.
    np.testing.assert_allclose(small, 0.25**3 * standard, rtol=0, atol=100 * EPS)
    default = initial([6, 30, 20, 1], "relu", regime="small", rng=5)
    for ours, base in zip(weights(default), weights(initial([6, 30, 20, 1], "relu", rng=5))):
        np.testing.assert_array_equal(ours, 0.3 * base)


@pytest.mark.parametrize("widths", [[6, 40, 1], [6, 30, 20, 2]])
@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_lazy_networks_start_at_the_zero_function(widths: list[int], activation: str) -> None:
    x = np.random.default_rng(2).standard_normal((50, 6))
    network = initial(widths, activation, regime="lazy", scale=100.0, rng=3)
    *_, features, outputs = network.activations(x)
    magnitude = np.abs(features) @ np.abs(weights(network)[-1]).T
    # A sum of `width` terms that cancel in pairs, each pair within a few eps (BLAS may treat the
    # two halves in different lanes).
    assert (np.abs(outputs) <= 3 * widths[-2] * EPS * magnitude).all()
    assert magnitude.min() > 1.0


def test_lazy_weights_move_by_one_over_the_scale() -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((60, 5))
    y = np.sin(x[:, 0]) + x[:, 1]
    moved, fits = [], []
    for scale in (30.0, 300.0):
        start = initial([5, 100, 1], "tanh", regime="lazy", scale=scale, rng=6)
        student = train(
            start, x, y, epochs=200, batch=60, learning_rate=1.0 / scale**2, momentum=0.0, rng=7
        )
        change = [np.linalg.norm(a - b) for a, b in zip(weights(start), weights(student.network))]
        moved.append(change[0] / np.linalg.norm(weights(start)[0]))
        fits.append(student.losses[-1])
    # Both follow the same linear flow up to a relative 1/scale (3 %), which moves the first layer
    # by c/scale; twice that is left for the constant.
    assert moved[1] / moved[0] == pytest.approx(0.1, rel=0.07, abs=0)
    assert fits[1] == pytest.approx(fits[0], rel=0.07, abs=0)


def test_the_same_seed_gives_the_same_network() -> None:
    first, second = (initial([4, 8, 1], "erf", regime="lazy", rng=9) for _ in range(2))
    for a, b in zip(weights(first), weights(second)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([4], "relu"), {}, "widths must be two or more"),
        (([4, 0, 1], "relu"), {}, "of at least 1"),
        (([4, 3, 1], "sine"), {}, "activation must be one of"),
        (([4, 3, 1], "relu"), {"regime": "rich"}, "regime must be one of standard, small, lazy"),
        (([4, 3, 1], "relu"), {"scale": 2.0}, "the standard regime has no scale"),
        (([4, 3, 1], "relu"), {"regime": "small", "scale": 0.0}, "scale must be positive"),
        (([4, 3, 1], "relu"), {"regime": "lazy"}, "there are 3; give an even width"),
        (([4, 1], "relu"), {"regime": "lazy"}, "at least three widths"),
    ],
)
def test_refusals(arguments: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initial(*arguments, **options, rng=0)
