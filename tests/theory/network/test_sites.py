"""Which channels are pruned together, and what their readers see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pruneproof.theory.network.layers import (
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    Residual,
)
from pruneproof.theory.network.network import BATCH_SIZE, Network
from pruneproof.theory.network.site_moments import site_moments
from pruneproof.theory.network.sites import (
    layer_inputs,
    parametric,
    prunable_sites,
    reader_features,
    reader_weights,
    site_output_weights,
)

EPS = float(np.finfo(np.float64).eps)


def dense(out: int, inputs: int, seed: int = 0, activation: str = "relu") -> Dense:
    rng = np.random.default_rng([seed, out, inputs])
    return Dense(rng.standard_normal((out, inputs)), rng.standard_normal(out), activation)


def conv(out: int, inputs: int, size: int = 3, padding: int = 0, seed: int = 0) -> Conv2d:
    rng = np.random.default_rng([seed, out, inputs])
    weight = rng.standard_normal((out, inputs, size, size)) / size
    return Conv2d(weight, rng.standard_normal(out), "relu", padding)


def table(network: Network) -> list[tuple[Any, ...]]:
    return [(s.name, s.writers, s.readers, s.width) for s in prunable_sites(network)]


def test_a_chain_has_one_site_a_hidden_layer() -> None:
    assert table(Network([dense(4, 3), dense(5, 4), dense(2, 5)])) == [
        ("layer 0", ((0,),), ((1,),), 4),
        ("layer 1", ((1,),), ((2,),), 5),
    ]


def test_a_network_without_hidden_layers_has_no_site() -> None:
    assert prunable_sites(Network([dense(4, 3)])) == []


def test_pooling_and_flatten_keep_the_channels() -> None:
    network = Network(
        [conv(4, 1), MaxPool2d(2), conv(6, 4, 1), AvgPool2d(2), Flatten(), dense(3, 24)]
    )
    assert table(network) == [
        ("layer 0", ((0,),), ((2,),), 4),
        ("layer 2", ((2,),), ((5,),), 6),
    ]


def test_a_residual_stream_is_one_site() -> None:
    block = [conv(5, 4, 3, 1), conv(4, 5, 1)]
    network = Network(
        [conv(4, 1, 3, 1), Residual(block), Residual(block[:]), Flatten(), dense(2, 4 * 9)]
    )
    assert table(network) == [
        ("stream 0", ((0,), (1, 1), (2, 1)), ((1, 0), (2, 0), (4,)), 4),
        ("layer 1.0", ((1, 0),), ((1, 1),), 5),
        ("layer 2.0", ((2, 0),), ((2, 1),), 5),
    ]


def test_nested_residual_blocks_join_one_stream() -> None:
    inner = Residual([dense(7, 4), dense(4, 7)])
    network = Network([dense(4, 3), Residual([inner, dense(4, 4)]), dense(2, 4)])
    assert table(network)[0] == (
        "stream 0",
        ((0,), (1, 0, 1), (1, 1)),
        ((1, 0, 0), (1, 1), (2,)),
        4,
    )
    assert table(network)[1] == ("layer 1.0.0", ((1, 0, 0),), ((1, 0, 1),), 7)


def test_channels_of_the_input_and_the_output_stay() -> None:
    onto_input = Network([Residual([dense(6, 3), dense(3, 6)]), dense(2, 3)])
    assert table(onto_input) == [("layer 0.0", ((0, 0),), ((0, 1),), 6)]
    onto_output = Network([dense(3, 2), Residual([dense(6, 3), dense(3, 6)])])
    assert table(onto_output) == [("layer 1.0", ((1, 0),), ((1, 1),), 6)]


def test_a_block_that_mixes_channels_and_entries_is_left_alone() -> None:
    block = Residual([dense(7, 8), dense(8, 7)])  # adds 8 entries onto 2 channels of 4
    network = Network([conv(2, 1, 2), Flatten(), block, dense(3, 8)])
    assert table(network) == [("layer 2.0", ((2, 0),), ((2, 1),), 7)]


def test_output_weights_hold_every_weight_of_a_channel_in_its_column() -> None:
    layer = conv(3, 4, 2)
    z = reader_weights(layer, 4)
    assert z.shape == (12, 4)
    for o, a, b, c in np.ndindex(3, 2, 2, 4):
        assert z[(o * 2 + a) * 2 + b, c] == layer.weight[o, c, a, b]
    flat = dense(2, 12)
    z = reader_weights(flat, 3)
    for o, p, c in np.ndindex(2, 4, 3):
        assert z[o * 4 + p, c] == flat.weight[o, c * 4 + p]


def test_features_are_the_readers_inputs_by_sample_and_position() -> None:
    network = Network([conv(3, 1, 2), AvgPool2d(2), Flatten(), dense(2, 12)])
    x = np.random.default_rng(0).standard_normal((5, 1, 5, 5))
    seen, outputs = layer_inputs(network, x)
    np.testing.assert_array_equal(outputs, network.forward(x))
    pooled = network.activations(x)[1]
    rows = reader_features(parametric(network, (3,)), seen[(3,)], 3)
    assert rows.shape == (5 * 4, 3)
    for n, i, j in np.ndindex(5, 2, 2):
        np.testing.assert_array_equal(rows[(n * 2 + i) * 2 + j], pooled[n, :, i, j])


def test_moments_are_those_of_all_features_at_once() -> None:
    """More samples than a batch, features with a mean far above their spread."""
    rng = np.random.default_rng(1)
    n = 3 * BATCH_SIZE + 17
    x = np.sort(rng.standard_normal((n, 3)), axis=0)  # batches of unequal means
    first = Dense(rng.standard_normal((6, 3)), 1e6 + np.arange(6.0))
    network = Network([first, dense(2, 6)])
    features = network.activations(x)[0]
    (affine,) = site_moments(network, x)
    (plain,) = site_moments(network, x, affine=False)
    centred = features - features.mean(axis=0)
    expected = centred.T @ centred / n
    # The features carry an error of eps * 1e6 from their own rounding, the covariance twice that.
    tolerance = 8 * EPS * 1e6 * np.sqrt(expected.max()) + 100 * EPS * expected.max()
    np.testing.assert_allclose(affine.cov, expected, rtol=0, atol=tolerance)
    np.testing.assert_allclose(affine.readers[0].mean, features.mean(axis=0), rtol=100 * EPS)
    np.testing.assert_allclose(plain.cov, features.T @ features / n, rtol=n * EPS)
    assert affine.readers[0].centered
    assert not plain.readers[0].centered


@pytest.mark.parametrize(("padding", "centered"), [(0, True), (1, False)])
def test_only_readers_without_zero_padding_are_centred(padding: int, centered: bool) -> None:
    network = Network([conv(3, 1, 2), conv(2, 3, 3, padding)])
    (site,) = site_moments(network, np.random.default_rng(0).standard_normal((4, 1, 6, 6)))
    assert site.readers[0].centered is centered
    assert ("zero padding" in site.readers[0].note) is not centered


def test_a_stream_averages_its_readers_and_stacks_their_weights() -> None:
    block = Residual([dense(5, 4), dense(4, 5)], "relu")
    network = Network([dense(4, 3), block, dense(2, 4)])
    x = np.random.default_rng(0).standard_normal((50, 3))
    stream = site_moments(network, x)[0]
    before, after, _ = network.activations(x)
    expected = (np.cov(before.T, bias=True) + np.cov(after.T, bias=True)) / 2
    np.testing.assert_allclose(stream.cov, expected, rtol=1e-12)  # 50 terms, no cancellation
    weights = np.concatenate([parametric(network, p).weight for p in ((1, 0), (2,))])
    np.testing.assert_array_equal(stream.output_weights, weights)
    np.testing.assert_array_equal(site_output_weights(network, stream.site), weights)
