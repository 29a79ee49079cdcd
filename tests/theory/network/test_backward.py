"""Small networks read off a teacher: exact where the teacher is sparse, close where asked."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from pruneproof.theory import (
    BackwardApproximation,
    Conv2d,
    Dense,
    InapplicableError,
    Network,
    backward_approx,
    output_error,
)

METHODS = ("omp", "budget", "lasso") if importlib.util.find_spec("sklearn") else ("omp", "budget")


def sparse_teacher() -> tuple[Network, Any]:
    """The output reads nodes 1 and 3 of four, which read inputs 0 and 2 of five."""
    first = np.random.default_rng(0).standard_normal((4, 5))
    first[[1, 3]] = [[1.0, 0, 0, 0, 0], [0, 0, -2.0, 0, 0]]
    layers = [Dense(first, [0.1, 0.2, 0.3, 0.4], "relu"), Dense([[0, 1.5, 0, -1.0]], [0.7])]
    return Network(layers), np.random.default_rng(1).standard_normal((200, 5))


@pytest.mark.parametrize("method", ["omp", "budget"])
def test_sparse_teachers_are_found_exactly(method: str) -> None:
    net, x = sparse_teacher()
    found = backward_approx(net, x, method=method, tolerance=0.01)
    assert isinstance(found, BackwardApproximation)
    assert [list(k) for k in found.kept] == [[0, 2], [1, 3], [0]]
    assert found.edges == 4
    assert found.squared_error == pytest.approx(0.0, abs=1e-24)
    assert [layer.label for layer in found.network.layers] == ["Dense(5 -> 2)", "Dense(2 -> 1)"]


@pytest.mark.parametrize("method", METHODS)
def test_finer_tolerance_costs_edges_and_buys_accuracy(method: str) -> None:
    rng = np.random.default_rng(2)
    net = Network(
        [
            Dense(rng.standard_cauchy((12, 6)), rng.standard_normal(12), "relu"),
            Dense(rng.standard_cauchy((8, 12)) / 9, rng.standard_normal(8), "tanh"),
            Dense(rng.standard_cauchy((2, 8))),
        ]
    )
    x = rng.standard_normal((100, 6))
    coarse, fine = (backward_approx(net, x, method=method, tolerance=t) for t in (0.3, 0.01))
    assert coarse.edges <= fine.edges
    assert fine.squared_error <= coarse.squared_error
    for found in (coarse, fine):
        error = output_error(net, found.network, x)
        assert error**2 == pytest.approx(found.squared_error, rel=1e-9, abs=1e-24)
        assert found.edges == sum(np.count_nonzero(k.weight) for k in found.network.layers)  # type: ignore[union-attr]
    variance = float(np.sum(np.var(net.forward(x), axis=0)))
    assert fine.squared_error < 0.1 * variance


def test_constant_outputs_need_no_edges() -> None:
    net = Network([Dense(np.eye(3), None, "relu"), Dense(np.zeros((1, 3)), [2.0])])
    for method in METHODS:
        found = backward_approx(
            net, np.random.default_rng(0).standard_normal((20, 3)), method=method
        )
        assert found.squared_error == pytest.approx(0.0, abs=1e-25)


@pytest.mark.parametrize("method", METHODS)
def test_a_layer_used_twice(method: str) -> None:
    same = Dense(2.0 * np.eye(4), [0.0, 0.0, 0.0, 1.0], "relu")
    x = np.random.default_rng(0).standard_normal((50, 4))
    twin = Dense(same.weight.copy(), same.bias.copy(), "relu")
    for inputs in (x, x[:1]):  # one sample: all nodes are constant, and no edges are needed
        found = backward_approx(Network([same, same]), inputs, method=method)
        apart = backward_approx(Network([same, twin]), inputs, method=method)
        assert [list(k) for k in found.kept] == [list(k) for k in apart.kept]
        assert (found.edges, found.squared_error) == (apart.edges, apart.squared_error)


def test_wrong_arguments() -> None:
    net, x = sparse_teacher()
    with pytest.raises(ValueError, match="tolerance must lie"):
        backward_approx(net, x, tolerance=1.0)
    with pytest.raises(ValueError, match="method must be one of lasso, omp, budget"):
        backward_approx(net, x, method="ridge")
    with pytest.raises(ValueError, match="chains of Dense layers"):
        backward_approx(Network([Conv2d(np.ones((1, 1, 1, 1)))]), np.ones((1, 1, 2, 2)))


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    net, x = sparse_teacher()
    with pytest.raises(InapplicableError, match="needs scikit-learn"):
        backward_approx(net, x)
