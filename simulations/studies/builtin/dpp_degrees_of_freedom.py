r"""Size and loss of a determinantal draw: E|J| = N(lam), and the ladder of losses (laws.L3).

J ~ DPP(L = Sigma/lam) keeps N(lam) nodes on average and loses exactly lam N(lam); a k-DPP keeps k
and loses (k+1) e_{k+1}/e_k. Of k nodes, tail <= best <= mean of the k-DPP <= (k+1) tail, with
tail = sum_{j > k} mu_j. Greedy selection stands beside them; that it stays below the mean of the
k-DPP is an observation, no theorem. Sigma is a power law, rotated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.decays import power_law
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    GREY,
    PURPLE,
    VERMILLION,
    Curve,
    Panel,
    draw,
)

from ..study import Study
from .curves import BARS, Records, measured, values, where
from .layers import rotated

NODES = 96
TITLE = f"Determinantal draws of {NODES} rotated nodes with power-law eigenvalues"
GRID: dict[str, list[Any]] = {"exponent": [1.2, 2.5], "nodes": [2, 4, 8, 16, 32, 64]}
REPLICATES = 300
QUICK: dict[str, Any] = {"grid": {**GRID, "nodes": [4, 16, 64]}, "replicates": 20}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Size and loss of one DPP at N(lam) = k, losses of one k-DPP and of greedy."""
    mu, k = power_law(NODES, parameters["exponent"]), int(parameters["nodes"])
    cov = rotated(mu, rng)
    lam = theory.ridge_for_degrees_of_freedom(mu, k)
    drawn = theory.sample_dpp(cov / lam, rng=rng)[0]
    kept = {
        "dpp_loss": drawn,
        "k_dpp_loss": theory.sample_dpp(cov, k, rng=rng)[0],
        "greedy_loss": theory.select_greedy(cov, k).kept,
    }
    trace = float(np.trace(cov))
    losses = {
        name: theory.information_loss(cov, nodes) / trace if len(nodes) else 1.0
        for name, nodes in kept.items()
    }
    return {"size": len(drawn), **losses}


def figure(records: Records) -> Any:
    """Mean and variance of the size, and a ladder an exponent."""
    asked = values(records, "nodes")
    level = [Curve(r"law: $E|J| = N(\lambda)$", [asked[0], asked[-1]], [1.0, 1.0], "law", BLACK)]
    spread: list[Curve] = []
    for a, colour, marker in zip(values(records, "exponent"), (BLUE, VERMILLION), "os"):
        mine, mu = where(records, exponent=a), power_law(NODES, a)
        shares = [{**record, "ratio": record["size"] / record["nodes"]} for record in mine]
        level.append(measured(shares, "nodes", "ratio", f"DPP, a = {a:g}", colour, marker))
        law = [_variance(mu, k) for k in range(asked[0], asked[-1] + 1)]
        label = rf"law: $\mathrm{{Var}}|J| = \mathrm{{Tr}} K(I - K)$, a = {a:g}"
        spread += [
            Curve(label, list(range(asked[0], asked[-1] + 1)), law, "law", colour),
            _measured_variance(mine, f"DPP, a = {a:g}", colour, marker),
        ]
    across = r"degrees of freedom $N(\lambda)$"
    panels = [
        Panel("mean size", across, r"mean $|J|/N(\lambda)$", level, y_log=False, key="sizes"),
        Panel("variance of the size", across, "variance of |J|", spread, y_log=False, key="sizes"),
    ]
    for a in values(records, "exponent"):
        panels.append(
            Panel(
                f"loss, exponent a = {a:g}",
                r"kept nodes k, or their mean $N(\lambda)$",
                r"lost share of the variance $L^A/\mathrm{Tr}\,\Sigma$",
                _ladder(where(records, exponent=a), power_law(NODES, a)),
                key="losses",
            )
        )
    return draw(f"{TITLE}\n{BARS}", panels)


def _variance(mu: Any, k: int) -> float:
    """Tr K(I - K) at N(lam) = k: the size is a sum of independent Bernoulli numbers."""
    lam = theory.ridge_for_degrees_of_freedom(mu, k)
    return float(np.sum(mu * lam / (mu + lam) ** 2))


def _measured_variance(mine: Records, label: str, colour: str, marker: str) -> Curve:
    """Variance over the replicates; its error is that of a normal variable's variance."""
    across, found, bars = values(mine, "nodes"), [], []
    for k in across:
        sizes = [record["size"] for record in where(mine, nodes=k)]
        found.append(float(np.var(sizes, ddof=1)))
        bars.append(2.0 * found[-1] * float(np.sqrt(2.0 / (len(sizes) - 1))))
    return Curve(label, across, found, "measured", colour, marker, bars)


def _ladder(mine: Records, mu: Any) -> list[Curve]:
    """Floor, laws and bound of the loss, and what the draws lose."""
    across = values(mine, "nodes")
    ks = list(range(across[0], across[-1] + 1))
    tail = [float(theory.tail_sum(mu, k) / mu.sum()) for k in ks]
    ridge = [theory.ridge_for_degrees_of_freedom(mu, k) for k in ks]
    drawn = [k * r / mu.sum() for k, r in zip(ks, ridge)]
    return [
        Curve("(k + 1) tail", ks, [(k + 1) * t for k, t in zip(ks, tail)], "bound", GREY),
        Curve(
            r"DPP: $\lambda N(\lambda)$",
            ks,
            drawn,
            "law",
            BLUE,
        ),
        Curve(
            "k-DPP: $(k + 1) e_{k+1}/e_k$",
            ks,
            [theory.volume_loss(mu, k) / mu.sum() for k in ks],
            "law",
            PURPLE,
        ),
        Curve("tail", ks, tail, "floor", BLACK),
        measured(mine, "nodes", "dpp_loss", "DPP", BLUE, "o"),
        measured(mine, "nodes", "k_dpp_loss", "k-DPP", PURPLE, "D"),
        measured(mine, "nodes", "greedy_loss", "greedy", VERMILLION, "^"),
    ]


STUDY = Study("dpp-degrees-of-freedom", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
