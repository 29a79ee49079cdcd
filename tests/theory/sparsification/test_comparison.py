"""Comparison at equal non-zeros against errors found one by one."""

from __future__ import annotations

import numpy as np
import pytest

from pruneproof.theory import (
    SPARSIFIERS,
    Conv2d,
    Dense,
    Flatten,
    Network,
    compare_sparsifiers,
    sparsify,
)

RNG = np.random.default_rng(0)
W = RNG.standard_normal((6, 8))
X = np.abs(RNG.standard_normal((50, 8)))


def rms(rows: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(np.sqrt((rows**2).sum() / len(rows)))


def test_matrix() -> None:
    found = compare_sparsifiers(W, 20, inputs=X, rng=3)
    assert [e.method for e in found] == list(SPARSIFIERS)
    magnitude = found[0]
    d = W - sparsify(W, 20, method="magnitude")
    assert magnitude.nonzeros == 20
    assert magnitude.spectral == pytest.approx(np.linalg.norm(d, 2), rel=1e-13, abs=0)
    assert magnitude.frobenius == pytest.approx(np.linalg.norm(d), rel=1e-13, abs=0)
    sums = X @ d.T
    assert magnitude.layer == pytest.approx(rms(sums), rel=1e-13, abs=0)
    assert magnitude.layer_fixed == pytest.approx(rms(sums - sums.mean(0)), rel=1e-13, abs=0)
    assert np.isnan(magnitude.network)
    assert all(magnitude.frobenius <= e.frobenius for e in found)
    assert np.isnan(compare_sparsifiers(W, 20, methods=["magnitude"])[0].layer)


def test_network() -> None:
    head = Dense(RNG.standard_normal((3, 6)), activation="identity")
    network = Network([Dense(W, activation="relu"), head])
    (found,) = compare_sparsifiers(network, 20, inputs=X, methods=["magnitude"])
    sparse = sparsify(W, 20, method="magnitude")
    pruned = Network([Dense(sparse, activation="relu"), head])
    change = network.forward(X) - pruned.forward(X)
    assert found.network == pytest.approx(rms(change), rel=1e-13, abs=0)
    fixed = Network([Dense(sparse, X.mean(0) @ (W - sparse).T, activation="relu"), head])
    change = network.forward(X) - fixed.forward(X)
    assert found.network_fixed == pytest.approx(rms(change), rel=1e-12, abs=0)
    # The last layer is linear: there the network's error is the layer's.
    (last,) = compare_sparsifiers(network, 9, inputs=X, layer=1, methods=["l1"], rng=0)
    assert last.network == pytest.approx(last.layer, rel=1e-12, abs=0)
    assert last.network_fixed == pytest.approx(last.layer_fixed, rel=1e-12, abs=0)


@pytest.mark.parametrize("unit", [2.0**-700, 2.0**700])
def test_errors_are_in_the_unit_of_the_weights(unit: float) -> None:
    """Powers of two move no digit, though squares of these errors are no floats."""
    head = Dense(RNG.standard_normal((3, 6)), activation="identity")
    plain, scaled = (
        compare_sparsifiers(
            Network([Dense(c * W, activation="relu"), head]), 20, inputs=X, methods=["magnitude"]
        )[0]
        for c in (1.0, unit)
    )
    for name in ("frobenius", "layer", "layer_fixed", "network", "network_fixed"):
        expected = unit * getattr(plain, name)
        assert getattr(scaled, name) == pytest.approx(expected, rel=1e-13, abs=0)


def test_convolution_in_a_network() -> None:
    conv = Conv2d(RNG.standard_normal((4, 2, 3, 3)), activation="relu", padding=1)
    network = Network([conv, Flatten(), Dense(RNG.standard_normal((2, 4 * 25)))])
    images = RNG.standard_normal((7, 2, 5, 5))
    for e in compare_sparsifiers(network, 30, inputs=images, rng=1):
        assert e.layer_fixed <= e.layer
        assert e.network > 0
        assert e.spectral <= e.frobenius


def test_other_libraries() -> None:
    import array_api_strict as xp

    weight, inputs = xp.asarray(W), xp.asarray(X)
    ours = compare_sparsifiers(W, 20, inputs=X, rng=3)
    theirs = compare_sparsifiers(weight, 20, inputs=inputs, rng=3)
    for a, b in zip(ours, theirs):
        assert a.nonzeros == b.nonzeros
        assert a.layer_fixed == pytest.approx(b.layer_fixed, rel=1e-12, abs=0)
    network = Network([Dense(weight, activation="relu")])
    (found,) = compare_sparsifiers(network, 20, inputs=inputs, methods=["uniform"], rng=0)
    assert found.network_fixed > 0


def test_refusals() -> None:
    network = Network([Flatten(), Dense(W)])
    with pytest.raises(ValueError, match="inputs are needed"):
        compare_sparsifiers(Network([Dense(W)]), 5, rng=0)
    with pytest.raises(ValueError, match=r"Flatten\(\), which has no weight"):
        compare_sparsifiers(network, 5, inputs=X, rng=0)
    with pytest.raises(ValueError, match="a bare kernel has no padding"):
        compare_sparsifiers(np.ones((2, 2, 3, 3)), 5, inputs=X, rng=0)
    with pytest.raises(ValueError, match="rng must be a numpy"):
        compare_sparsifiers(W, 5, rng=0.5)
