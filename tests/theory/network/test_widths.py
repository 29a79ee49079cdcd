"""Advised widths: budgets are met, tightly, and the rules order as they should."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pruneproof.theory.bounds.layer import dof_bound
from pruneproof.theory.network.compress import compress
from pruneproof.theory.network.layers import Conv2d, Dense, Flatten, Layer, MaxPool2d, Residual
from pruneproof.theory.network.network import Network
from pruneproof.theory.network.parameter_budget import parameter_counter, widths_for_parameters
from pruneproof.theory.network.site_moments import site_moments
from pruneproof.theory.network.sites import prunable_sites
from pruneproof.theory.network.widths import widths_for_error, widths_for_ridge


def normal(seed: int, *shape: int) -> NDArray[np.float64]:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def chain(*sizes: int) -> Network:
    return Network(
        [
            Dense(normal(i, b, a) / np.sqrt(a), normal(i, b) / 3, "tanh")
            for i, (a, b) in enumerate(pairwise(sizes))
        ]
    )


def residual_network() -> tuple[Network, NDArray[np.float64]]:
    block = [Conv2d(normal(0, 9, 6, 3, 3) / 6, None, "relu", 1), Conv2d(normal(1, 6, 9, 1, 1))]
    layers: list[Layer] = [
        Conv2d(normal(2, 6, 1, 2, 2), normal(3, 6), "relu"),
        Residual(block, "relu"),
        MaxPool2d(2),
        Flatten(),
        Dense(normal(4, 7, 24) / 5, normal(5, 7), "relu"),
        Dense(normal(6, 3, 7)),
    ]
    return Network(layers), normal(7, 90, 1, 5, 5)


def eigenvalues(network: Network, x: Any) -> list[NDArray[np.float64]]:
    return [np.clip(np.linalg.eigvalsh(m.cov)[::-1], 0, None) for m in site_moments(network, x)]


def test_widths_for_a_ridge_are_the_formulas() -> None:
    network, x = chain(5, 20, 16, 3), normal(0, 300, 5)
    dof, paper, volume = (
        widths_for_ridge(network, x, [0.02, 0.3], rule=rule) for rule in ("dof", "paper", "volume")
    )
    for name, mu, lam in zip(("layer 0", "layer 1"), eigenvalues(network, x), (0.02, 0.3)):
        n = (mu / (mu + lam)).sum()
        assert dof[name].width == dof[name].dof_width == math.ceil(n)
        wanted = math.ceil(5 * n * math.log(80 * n))
        assert dof[name].paper_width == paper[name].paper_width == wanted
        assert paper[name].width == min(wanted, paper[name].size)
        assert volume[name].width == math.ceil(np.minimum(1, mu / lam).sum())
        for advice in (dof[name], paper[name], volume[name]):
            assert (advice.dof_width, advice.paper_width) == (math.ceil(n), wanted)
            assert (advice.ridge, advice.budget) == (lam, None)


def test_widths_fall_with_the_ridge_down_to_one_and_rise_to_the_rank() -> None:
    network, x = chain(5, 20, 16, 3), normal(0, 300, 5)
    grid = [widths_for_ridge(network, x, lam)["layer 0"].width for lam in (0.0, 1e-3, 0.1, 1, 1e6)]
    assert grid == sorted(grid, reverse=True)
    assert grid[0] == 20
    for rule in ("dof", "volume"):  # at ridge 0 both are the rank
        assert widths_for_ridge(network, x[:9], 0.0, rule=rule)["layer 0"].width == 8
    assert grid[-1] == 1


@pytest.mark.parametrize("rule", ["dof", "volume", "greedy", "floor"])
@pytest.mark.parametrize("theta", [0.1, 1.0])
def test_error_budgets_are_met_and_one_node_less_is_too_few(rule: str, theta: float) -> None:
    network, x = residual_network()
    widths = [
        widths_for_error(network, x, budget, rule=rule, theta=theta) for budget in (0.3, 0.1, 0.02)
    ]
    for name, first in widths[0].items():
        found = [w[name].width for w in widths]
        assert found == sorted(found)  # a smaller budget never asks for less
        assert first.width <= first.size
        if rule in ("greedy", "floor"):  # keeping any node loses less than keeping none
            assert widths_for_error(network, x, 1.0, rule=rule, theta=theta)[name].width == 1
    if rule == "dof":
        for m in site_moments(network, x):
            advice = widths[1][m.site.name]
            assert advice.budget is not None
            z = m.output_weights
            q = theta * m.cov + (1 - theta) * z.T @ z @ m.cov
            np.testing.assert_allclose(advice.budget, 0.1 * np.trace(q), rtol=1e-9)
            loss = [
                dof_bound(m.cov, k, theta=theta, output_weights=z).value
                for k in (advice.width, advice.width - 1)
                if k
            ]
            assert loss[0] <= advice.budget < (loss[1] if len(loss) > 1 else math.inf)
    if rule == "greedy":
        for layer in compress(network, x, widths[1], theta=theta).layers:
            allowed = widths[1][layer.name].budget
            assert allowed is not None
            if len(layer.folds) == 1:
                assert layer.measured_loss <= allowed


def test_paper_style_widths_are_shown_where_there_are_none() -> None:
    network, x = chain(5, 20, 16, 3), normal(0, 300, 5)
    advice = widths_for_error(network, x, 0.1, rule="paper")["layer 0"]
    assert advice.paper_width is None
    assert advice.width == advice.size
    assert advice.dof_width < advice.size


@pytest.mark.parametrize(
    "make", [residual_network, lambda: (chain(5, 20, 16, 3), normal(0, 50, 5))]
)
def test_parameters_are_counted_as_the_pruned_network_has_them(make: Callable[[], Any]) -> None:
    network, x = make()
    sites = prunable_sites(network)
    count = parameter_counter(network, sites)
    assert count([site.width for site in sites]) == network.parameter_count
    rng = np.random.default_rng(0)
    for _ in range(4):
        widths = [int(rng.integers(1, site.width + 1)) for site in sites]
        found = compress(network, x, widths, method="random", rng=rng)
        assert count(widths) == found.network.parameter_count


@pytest.mark.parametrize("rule", ["direct", "paper"])
@pytest.mark.parametrize(
    "make", [residual_network, lambda: (chain(5, 20, 16, 12, 3), normal(0, 99, 5))]
)
def test_parameter_budgets_are_met_tightly(make: Callable[[], Any], rule: str) -> None:
    network, x = make()
    sites = prunable_sites(network)
    count = parameter_counter(network, sites)
    ranks = [int((mu > 1e-9 * mu[0]).sum()) for mu in eigenvalues(network, x)]
    before = np.zeros(len(sites))
    for share in (0.15, 0.3, 0.6):
        budget = int(share * network.parameter_count)
        advice = widths_for_parameters(network, x, budget, rule=rule)
        widths = [advice[site.name].width for site in sites]
        assert count(widths) <= budget
        assert compress(network, x, advice).network.parameter_count == count(widths)
        if rule == "paper":  # no site can grow by itself
            for place, rank in enumerate(ranks):
                more = [w + (place == i) for i, w in enumerate(widths)]
                assert widths[place] == rank or count(more) > budget
        else:  # the next lower level widens the site that loses most, and does not fit
            assert all(np.array(widths) >= before)
            before = np.array(widths)
            layers = compress(network, x, advice).layers
            worst = max(range(len(sites)), key=lambda i: relative_loss(layers[i]))
            more = [w + (worst == i) for i, w in enumerate(widths)]
            assert count(more) > budget


def relative_loss(layer: Any) -> float:
    """Greedy loss on the site's mean second moment, over Tr(Q Sigma)."""
    z = layer.moments.output_weights
    whole = 0.1 * np.trace(layer.moments.cov) + 0.9 * np.trace(z @ layer.moments.cov @ z.T)
    return float(layer.selection.losses[-1] / whole)


def test_the_papers_rule_is_optimal_over_all_pairs_of_widths() -> None:
    """Brute force over both widths; spectra of unequal decay, so that shares differ."""
    network, x = chain(4, 14, 11, 2), normal(0, 80, 4) * [3, 1, 0.3, 0.1]
    count = parameter_counter(network, prunable_sites(network))
    roots = []
    for mu in eigenvalues(network, x):
        rank = int((mu > mu.size * np.finfo(float).eps * mu[0]).sum())
        roots.append([root_of_dof(mu, k) if k < rank else 0.0 for k in range(1, rank + 1)])
    for budget in (15, 17, 24, 30, 40, 90, 150):  # the least have room for one channel a site
        advice = widths_for_parameters(network, x, budget, rule="paper")
        found = sum(math.sqrt(a.ridge or 0.0) for a in advice.values())
        best = min(
            math.sqrt(roots[0][i]) + math.sqrt(roots[1][j])
            for i, j in product(range(len(roots[0])), range(len(roots[1])))
            if count([i + 1, j + 1]) <= budget
        )
        np.testing.assert_allclose(found, best, rtol=1e-6)  # bisection below is good to 1e-9
        assert count([a.width for a in advice.values()]) <= budget


def root_of_dof(mu: NDArray[np.float64], k: int) -> float:
    """Ridge with N(lam) = k, by bisection in log lam."""
    low, high = 1e-18 * float(mu[0]), float(mu.sum())
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if (mu / (mu + middle)).sum() > k else (low, middle)
    return low


def test_a_single_site_takes_what_fits() -> None:
    network, x = chain(3, 30, 2), normal(0, 80, 3)
    for rule in ("direct", "paper"):
        advice = widths_for_parameters(network, x, 50, rule=rule)
        assert advice["layer 0"].width == 8  # 4 k + 2 (k + 1) = 6 k + 2 <= 50


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rule", ["direct", "paper"])
def test_a_site_that_never_varies_is_given_one_channel(rule: str) -> None:
    dead = Dense(np.ones((4, 3)), -100 * np.ones(4), "relu")
    last = Dense(normal(1, 2, 9))
    network = Network([dead, Dense(normal(0, 9, 4), normal(2, 9), "tanh"), last])
    x = normal(3, 30, 3)
    found = widths_for_parameters(network, x, 40, rule=rule)
    assert [a.width for a in found.values()] == [1, 1]  # the next one sees constants only
    alive = Network(
        [
            Dense(normal(4, 9, 3), activation="tanh"),
            Dense(-np.ones((4, 9)), -9 * np.ones(4), "relu"),
            Dense(normal(5, 2, 4)),
        ]
    )
    found = widths_for_parameters(alive, x, 40, rule=rule)
    # 4 k + (k + 1) + 2 (1 + 1) <= 40 with k <= 9
    assert [a.width for a in found.values()] == [7, 1]


_HALF: Any = 99.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n, x: widths_for_ridge(n, x, -1.0), "ridge must be at least 0"),
        (lambda n, x: widths_for_ridge(n, x, [1.0]), "ridge has 1 entries, .* 2 sites"),
        (lambda n, x: widths_for_ridge(n, x, 1.0, rule="x"), "rule must be one of dof, volume"),
        (lambda n, x: widths_for_error(n, x, 1.5), "at most 1, but is 1.5"),
        (lambda n, x: widths_for_error(n, x, -0.5), "budget must be at least 0"),
        (lambda n, x: widths_for_error(n, x, 0.5, rule="x"), "rule must be one of"),
        (lambda n, x: widths_for_error(n, x, 0.5, theta=2), "theta must lie"),
        (lambda n, x: widths_for_parameters(n, x, 3), "3 parameters are too few: .* 12"),
        (lambda n, x: widths_for_parameters(n, x, _HALF), "whole number"),
        (lambda n, x: widths_for_parameters(n, x, 99, rule="x"), "one of direct, paper"),
        (lambda n, x: widths_for_ridge(chain(5, 2), x, 0.1), "no hidden layer"),
        (lambda n, x: widths_for_error(n, x[:, :4], 0.1), r"needs inputs of shape \(n, 5\)"),
    ],
)
def test_bad_calls_are_refused(call: Callable[[Any, Any], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(chain(5, 8, 7, 2), normal(0, 30, 5))


def test_widths_on_every_library(to_backend: Callable[[Any], Any]) -> None:
    network, x = residual_network()
    moved = to_backend(x)
    calls: list[Callable[[Any], Any]] = [
        lambda a: widths_for_ridge(network, a, 0.05),
        lambda a: widths_for_error(network, a, 0.1),
        lambda a: widths_for_parameters(network, a, 300, rule="paper"),
        lambda a: widths_for_parameters(network, a, 300),
    ]
    for advise in calls:
        expected, found = advise(x), advise(moved)
        assert [a.width for a in found.values()] == [a.width for a in expected.values()]
