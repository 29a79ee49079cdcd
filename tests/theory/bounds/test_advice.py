"""Advised widths are the least that do, by a scan over all widths with independent formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pruneproof.theory import (
    InapplicableError,
    advised_widths,
    decompose,
    degrees_of_freedom,
    dof_bound,
    floor,
    information_loss,
    leverage_scores,
    paper_width,
    ridge_for_degrees_of_freedom,
    sampled_loss_law,
    sampling_bound,
    select_greedy,
    volume_bound,
    volume_loss,
    volume_residual,
    width_for_budget,
)

M = 40
SHARES = (0.3, 0.05, 0.003)


def layer() -> NDArray[np.float64]:
    u = np.linalg.qr(np.random.default_rng(0).standard_normal((M, M)))[0]
    cov = (u * np.arange(1.0, M + 1) ** -1.7) @ u.T
    return np.asarray((cov + cov.T) / 2)


COV = layer()
Z = np.random.default_rng(1).standard_normal((3, M))


def scan(loss: Any, budget: float) -> int:
    return next((k for k in range(1, M) if loss(k) <= budget), M)


@pytest.mark.parametrize("theta", [1.0, 0.4])
@pytest.mark.parametrize("share", SHARES)
def test_widths_are_the_least_that_do(theta: float, share: float) -> None:
    mixture = {"theta": theta, "output_weights": Z}
    form = theta * np.eye(M) + (1 - theta) * Z.T @ Z
    budget = share * np.trace(form @ COV)
    greedy = select_greedy(COV, M, **mixture).losses
    assert greedy is not None
    wanted = {
        "dof": lambda k: dof_bound(COV, k, **mixture).value,
        "volume": lambda k: volume_bound(COV, k, **mixture).value,
        "volume-mean": lambda k: np.trace(form @ volume_residual(COV, k)),
        "floor": lambda k: floor(COV, k, **mixture).value,
        "greedy": lambda k: greedy[k - 1],
    }
    widths = advised_widths(COV, budget, **mixture)
    for rule, loss in wanted.items():
        assert widths[rule] == scan(loss, budget), rule
        assert widths[rule] == width_for_budget(COV, budget, rule=rule, **mixture)
    assert widths["floor"] <= widths["greedy"]
    assert widths["floor"] <= widths["volume-mean"] <= min(widths["dof"], widths["volume"])


@pytest.mark.parametrize("share", SHARES)
def test_law_uses_the_least_ridge_of_its_range(share: float) -> None:
    budget = share * np.trace(COV)

    def law(k: int) -> float:
        return float(sampled_loss_law(COV, ridge_for_degrees_of_freedom(COV, k), k))

    assert width_for_budget(COV, budget, rule="law") == scan(law, budget)
    lam = 1e-3
    fixed = scan(lambda k: sampled_loss_law(COV, lam, k), budget)
    if sampled_loss_law(COV, lam, M) <= budget:
        assert width_for_budget(COV, budget, rule="law", ridge=lam) == fixed
    else:
        with pytest.raises(InapplicableError, match="lower the ridge"):
            width_for_budget(COV, budget, rule="law", ridge=lam)


@pytest.mark.parametrize("theta", [1.0, 0.3])
def test_sampling_at_the_law_width_meets_the_budget(theta: float) -> None:
    """Mean loss of 40 leverage samples: within 3 % of the law, plus 5 standard errors."""
    m, rng = 200, np.random.default_rng(8)
    u = np.linalg.qr(rng.standard_normal((m, m)))[0]
    cov = (u * np.arange(1.0, m + 1) ** -1.5) @ u.T
    cov = (cov + cov.T) / 2
    mixture = {"theta": theta, "output_weights": rng.standard_normal((4, m))}
    form = theta * np.eye(m) + (1 - theta) * mixture["output_weights"].T @ mixture["output_weights"]
    budget = 0.2 * float(np.trace(form @ cov))
    k = width_for_budget(cov, budget, rule="law", **mixture)
    lam = ridge_for_degrees_of_freedom(cov, k)
    q = leverage_scores(cov, lam) / k
    losses = []
    for _ in range(40):
        nodes, counts = np.unique(rng.choice(m, size=k, p=q / q.sum()), return_counts=True)
        ridge = k * lam * q[nodes] / counts
        losses.append(information_loss(cov, nodes, ridge=ridge, **mixture))
    error = 5 * float(np.std(losses)) / np.sqrt(40)
    assert np.mean(losses) <= 1.03 * budget + error
    assert np.mean(losses) >= 0.85 * budget - error  # one node less would not have done


@pytest.mark.parametrize("k", [1, 7, 33])
def test_a_budget_met_exactly_is_met(k: int) -> None:
    for rule, bound in {"dof": dof_bound, "volume": volume_bound, "floor": floor}.items():
        spectrum = decompose(COV)
        assert width_for_budget(spectrum, bound(spectrum, k).value, rule=rule) == k


def test_dof_width_is_about_the_degrees_of_freedom() -> None:
    """X1 in one line: k = ceil(N(lam)) at the lam with lam N(lam) = budget."""
    for lam in (0.1, 0.01, 0.001):
        dof = degrees_of_freedom(COV, lam)
        width = width_for_budget(COV, lam * dof * (1 + 1e-9), rule="dof")
        assert width == int(np.ceil(dof))


def test_paper_rule_meets_its_budget_or_says_how_many_draws_it_wants() -> None:
    mu = np.concatenate([[50.0], np.full(3999, 1e-6)])
    budget = 0.92 * float(np.sum(mu))  # 15.9 draws, 16.2 at a budget 5 % smaller
    width = width_for_budget(mu, budget, rule="paper")
    # The largest ridge within the budget, by a dense scan of ridges.
    ridges = np.geomspace(1.0, 1e3, 100_001)
    losses = 4 * ridges * (50 / (50 + ridges) + 3999e-6 / (1e-6 + ridges))
    lam = float(ridges[losses <= budget][-1])
    assert sampling_bound(mu, lam).value == pytest.approx(np.max(losses[losses <= budget]))
    assert width == paper_width(mu, lam) == 16
    assert width_for_budget(mu, budget, rule="dof") < width
    with pytest.raises(InapplicableError, match=r"asks for \d+ draws .* the layer has 40 nodes"):
        width_for_budget(COV, 0.05 * np.trace(COV), rule="paper")
    assert advised_widths(COV, 0.05 * np.trace(COV))["paper"] is None
    exact = 4 * 1.0 * (50 / 51 + 3999e-6 / (1 + 1e-6))
    given_ = {"rule": "paper", "ridge": 1.0}
    assert width_for_budget(mu, exact * (1 + 1e-12), **given_) == paper_width(mu, 1.0)
    with pytest.raises(InapplicableError, match=r"bound is 3\.938, above the budget 3\.938;"):
        width_for_budget(mu, exact * (1 - 1e-12), **given_)
    with pytest.raises(InapplicableError, match="at ridge 1 the paper-style bound is"):
        width_for_budget(COV, 0.05 * np.trace(COV), rule="paper", ridge=1.0)
    with pytest.raises(InapplicableError, match="raise the budget"):
        width_for_budget(COV, 0.0, rule="paper")
    with pytest.raises(InapplicableError, match="above 0, but is given 0; give a larger one"):
        width_for_budget(COV, 1.0, rule="paper", ridge=0.0)


def test_no_rule_without_ridge_asks_for_more_than_the_rank() -> None:
    x = np.random.default_rng(3).standard_normal((7, 30))
    cov = x.T @ x
    widths = advised_widths(cov, 0.0)
    assert widths.pop("paper") is None
    assert set(widths.values()) == {7}
    assert set(advised_widths(cov, 100 * np.trace(cov)).values()) == {1}


def test_eigenvalues_alone_suffice_but_for_greedy() -> None:
    widths = advised_widths(np.arange(1, 30) ** -2.0, 0.05)
    assert "greedy" not in widths
    assert widths["volume-mean"] == next(
        k for k in range(1, 30) if volume_loss(np.arange(1, 30) ** -2.0, k) <= 0.05
    )
    with pytest.raises(ValueError, match="not eigenvalues alone"):
        width_for_budget([2.0, 1.0], 0.1, rule="greedy")
    spectrum = decompose(COV)
    losses = select_greedy(COV, 9).losses
    assert losses is not None
    for k in (4, 9):  # the matrix made of a spectrum errs by some eps, so its losses do
        assert width_for_budget(spectrum, losses[k - 1] * (1 + 1e-9), rule="greedy") == k
        assert width_for_budget(spectrum, losses[k - 1] * (1 - 1e-9), rule="greedy") == k + 1


def test_wrong_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="rule must be one of paper, dof"):
        width_for_budget(COV, 0.1, rule="magic")
    with pytest.raises(ValueError, match="budget must be at least 0"):
        width_for_budget(COV, -0.1, rule="dof")
    with pytest.raises(ValueError, match="takes no ridge"):
        width_for_budget(COV, 0.1, rule="dof", ridge=0.1)
    with pytest.raises(InapplicableError, match="even at all 40 nodes"):
        width_for_budget(COV, 1e-6, rule="greedy", ridge=0.5)


def test_backends_agree(to_backend: Any) -> None:
    cov, z = to_backend(COV), to_backend(Z)
    here = advised_widths(cov, 0.5, theta=0.5, output_weights=z)
    assert here == advised_widths(COV, 0.5, theta=0.5, output_weights=Z)
