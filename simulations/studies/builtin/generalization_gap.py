r"""The generalization gap of a trained and of a pruned network, against bounds on it.

Inputs uniform on the sphere ||x||^2 = 10, f* a teacher 10-6-1 cut to [-3, 3], noise uniform of
standard deviation .3, outputs cut to [-M, M] with M = 3 + .3 sqrt(3): all premises hold, none is
read off the data. The student 10-100-100-1 is pruned to k nodes a layer (k = 100: not at all) and
its weights rounded to 16 bits; of that network

    G1 slow, G2 fast   every network of a dyadic class that holds it, the class paid for
    Occam (K8)         every network of as many 16-bit weights, in its sharper form by kl^{-1}
    held out           a fresh sample of the same size n: by G3, which doubles its risk, and by
                       kl^{-1}(risk/4M^2, log(2 sqrt(n)/delta)/n), which does not

each bounds the risk with probability 95 %. G2 is of the excess: E_n is known here, as f* is. From
how many samples on a bound says something is computed, not simulated, for the class and the
empirical risks found: below 4 M^2, the largest loss there can be, it is not vacuous (bounds by kl
never are); below Var y, the risk of the best constant, it says that anything was learned.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    VERMILLION,
    Curve,
    Panel,
    draw,
)
from pruneproof.theory import Dense, Network, NetworkClass

from ..study import Study
from .curves import BARS, Records, measured, styled, values, where
from .layers import Floats
from .trained import INPUTS, NOISE, WIDTH, mean_square, outputs, relu_teacher, trained, untrained

VISITS, DECAY, TESTS, DELTA, BITS = 3e5, 0.01, 20_000, 0.05, 16
#: Largest |f*|, largest |y|, largest loss.
CUT = 3.0
LARGEST = CUT + math.sqrt(3.0) * NOISE
LOSS = 4.0 * LARGEST**2
#: Samples at which bounds are computed, for the figure.
HORIZON = [round(10.0 ** (d / 2)) for d in range(4, 21)]
_MOST = 10**15
_UNITS = "Var y = 1.1"
TITLE = "Generalization gap and bounds: student 10-100-100-1, pruned, of a teacher 10-6-1"
GRID: dict[str, list[Any]] = {
    "width": [4, 8, 20, WIDTH],
    "samples": [100, 300, 1000, 3000, 10_000],
}
REPLICATES = 8
QUICK: dict[str, Any] = {"grid": {"width": [8, WIDTH], "samples": [100, 1000]}, "replicates": 2}
_BOUNDS = {
    "slow": ("G1 slow", VERMILLION, "s"),
    "fast": ("G2 fast", ORANGE, "v"),
    "occam": ("Occam (K8)", GREEN, "^"),
    "held_out": ("held out (G3)", SKY, "D"),
    "held_out_kl": ("held out, kl", BLUE, "o"),
}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Risks of one pruned student on its sample and on fresh ones, and what bounds say of it."""
    n, k = int(parameters["samples"]), int(parameters["width"])
    teacher, start = relu_teacher(1.0, rng), untrained("small", rng)
    (x, truth), (held, held_truth), (test, test_truth) = (
        _drawn(teacher, size, rng) for size in (n, n, TESTS)
    )
    y, held_y, test_y = (_noisy(f, rng) for f in (truth, held_truth, test_truth))
    network = trained(start, x, y, regime="small", decay=DECAY, visits=VISITS, rng=rng).network
    if k != WIDTH:
        network = theory.compress(network, x, k).network
    network = rounded(network)
    train = mean_square(cut(network, x) - y)
    record: dict[str, Any] = {
        "parameters": network.parameter_count,
        "train_risk": train,
        "test_risk": mean_square(cut(network, test) - test_y),
        "variance": float(np.var(test_y)),
    }
    record["gap"] = record["test_risk"] - train
    held_out = mean_square(cut(network, held) - held_y)
    bounds = _bounds(network, train, train - mean_square(truth - y), held_out)
    for name, bound in bounds.items():
        record[f"{name}_bound"] = bound(n)
        record[f"{name}_curve"] = [bound(size) for size in HORIZON]
        record[f"{name}_samples"] = _first(bound, LOSS)
        record[f"{name}_samples_learned"] = _first(bound, record["variance"])
    return record


def _drawn(teacher: Network, n: int, rng: Any) -> tuple[Floats, Floats]:
    """Inputs on the sphere of radius sqrt(10), and f* of them."""
    x = rng.standard_normal((n, INPUTS))
    x *= math.sqrt(INPUTS) / np.linalg.norm(x, axis=1, keepdims=True)
    return x, np.clip(outputs(teacher, x), -CUT, CUT)


def _noisy(truth: Floats, rng: Any) -> Floats:
    return np.asarray(truth + NOISE * math.sqrt(3.0) * rng.uniform(-1.0, 1.0, truth.shape))


def cut(network: Network, x: Floats) -> Floats:
    """Outputs cut to [-M, M]."""
    return np.clip(outputs(network, x), -LARGEST, LARGEST)


def rounded(network: Network) -> Network:
    """The network with weights and biases of 16 bits."""

    def half(values: Any) -> Floats:
        return np.asarray(values).astype(np.float16).astype(np.float64)

    layers = [layer for layer in network.layers if isinstance(layer, Dense)]
    return Network([Dense(half(d.weight), half(d.bias), d.activation) for d in layers])


def _bounds(
    network: Network, train: float, excess: float, held_out: float
) -> dict[str, Callable[[int], float]]:
    """Bounds on the risk from n samples, given the risks on the sample and on the held-out one."""
    layers = [layer for layer in network.layers if isinstance(layer, Dense)]
    # 1e-12: the inputs lie on the sphere up to rounding
    around = NetworkClass.from_weights(
        [d.weight for d in layers], [d.bias for d in layers], math.sqrt(INPUTS) * (1.0 + 1e-12)
    )
    size = network.parameter_count

    def slow(n: int) -> Any:  # (f - y)^2 changes by at most 4 M |f - f'|
        return theory.slow_bound(
            train, around, n, loss_bound=LOSS, lipschitz=4.0 * LARGEST, delta=DELTA
        )

    def fast(n: int) -> Any:
        return theory.fast_bound(excess, around, n, output_bound=LARGEST, delta=DELTA, clipped=True)

    def occam(n: int) -> Any:
        code = {"size": size, "nonzeros": size, "bits": BITS}
        return theory.occam_kl_bound(train / LOSS, n, **code, delta=DELTA)

    def fresh(n: int) -> Any:
        return theory.holdout_transfer_bound(held_out, n, bound=2.0 * LARGEST, delta=DELTA)

    def fresh_kl(n: int) -> Any:
        return theory.description_length_bound(held_out / LOSS, n, bits=0.0, delta=DELTA)

    return {
        "slow": lambda n: float(slow(n).value),
        "fast": lambda n: float(fast(n).value) + NOISE**2,
        "occam": lambda n: LOSS * float(occam(n).value),
        "held_out": lambda n: float(fresh(n).value),
        "held_out_kl": lambda n: LOSS * float(fresh_kl(n).value),
    }


def _first(bound: Callable[[int], float], level: float) -> int:
    """Least n with a bound below the level; 10^15 if no smaller one has."""
    return bisect.bisect_right(range(_MOST), -level, lo=1, key=lambda n: -bound(n))


def figure(records: Records) -> Any:
    """Gap and bounds on it, of the smallest and of the whole student; samples that bounds need."""
    widths = values(records, "width")
    shown = [k for k in widths if k == 8][:1] or widths[:1]
    shown += [k for k in widths if k == WIDTH]
    panels = [_gap_panel(where(records, width=k), k) for k in shown]
    panels.append(_risk_panel(records))
    panels.append(_samples_panel(records))
    said = "bounds: class and empirical risk of the largest n simulated"
    return draw(f"{TITLE}\n{BARS}; {said}", panels)


def _gap_panel(records: Records, k: int) -> Panel:
    """Measured gap, and bounds on the risk less the risk on the sample."""
    curves = []
    largest = where(records, samples=values(records, "samples")[-1])
    train = np.mean([record["train_risk"] for record in largest])
    for name, (label, colour, _) in _BOUNDS.items():
        bound = np.mean([record[f"{name}_curve"] for record in largest], axis=0) - train
        shown = [float(y) if y > 0 else None for y in bound]  # the axis is logarithmic
        curves.append(Curve(label, HORIZON, shown, "bound", colour))
    points = measured(records, "samples", "gap", "measured gap", BLACK, "s")
    curves.append(replace(points, y=[y if y and y > 0 else None for y in points.y]))
    return Panel(
        f"{_name(k)}: {records[0]['parameters']} parameters",
        "samples n",
        f"risk - risk on the sample ({_UNITS})",
        curves,
        x_base=10,
        limit=LOSS,
        limit_label="$4M^2$, the largest loss",
        key="95 % bounds",
    )


def _name(k: int) -> str:
    return "not pruned" if k == WIDTH else f"{k} nodes a layer"


def _risk_panel(records: Records) -> Panel:
    """Mean squared errors on fresh samples, and pale on the sample."""
    curves = []
    for k, colour, marker in styled(records, "width"):
        mine = where(records, width=k)
        curves.append(measured(mine, "samples", "test_risk", _name(k), colour, marker, "joined"))
        train = measured(mine, "samples", "train_risk", _name(k), colour, marker, "joined")
        curves.append(replace(train, faint=True))
    return Panel(
        "risks, fresh and (pale) on the sample",
        "samples n",
        f"mean squared error ({_UNITS})",
        curves,
        x_base=10,
        limit=NOISE**2,
        limit_label="variance of the noise",
        key="risks",
    )


def _samples_panel(records: Records) -> Panel:
    """Medians over the replicates of the samples that each bound needs."""
    curves = []
    largest = where(records, samples=values(records, "samples")[-1])
    for name, (label, colour, marker) in _BOUNDS.items():
        groups = [where(largest, width=k) for k in values(largest, "width")]
        across, needed = (
            [float(np.median([record[of] for record in group])) for group in groups]
            for of in ("parameters", f"{name}_samples_learned")
        )
        shown = [n if n < _MOST else None for n in needed]
        curves.append(Curve(label, across, shown, "joined", colour, marker))
    title = "says that anything was learned: below Var y"
    x, y = "parameters of the network", "samples n needed"
    return Panel(title, x, y, curves, x_base=10, key="95 % bounds")


STUDY = Study("generalization-gap", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
