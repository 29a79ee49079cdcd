r"""Committee machines: their error and how they train (TS-1, TS-2).

Letters: rows w (K, N) of the student and B (M, N) of the teacher, fields w x/sqrt N at
x ~ N(0, I_N), output weights v and A, order parameters Q = ww^T/N, R = wB^T/N, T = BB^T/N, error
eps = E (student - teacher)^2/2; eta and eta_v learning rates, sigma the labels' noise. g(u) of erf
is erf(u/sqrt 2).

Both are laws put to raw inputs.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from ..committees import moments
from ..generators import Choice, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides

#: Inputs of one trial of TS-1; runs averaged in one of TS-2 and their steps per input.
INPUTS, RUNS, TIME = 40_000, 24, 2.0


@dataclass(frozen=True, eq=False)
class Machine:
    """Student and teacher with every weight.

    Attributes
    ----------
    student : (K, N) array
    teacher : (M, N) array
    v : (K,) array
    A : (M,) array
    activation : str
    tolerance : float
        2 %: a trial of TS-1 spreads by 1 %, one of TS-2 by 3 %, off by 2/N besides.
    """

    student: Floats
    teacher: Floats
    v: Floats
    A: Floats
    activation: str
    tolerance: float

    @functools.cached_property
    def order(self) -> theory.OrderParameters:
        """Order parameters of these weights."""
        return theory.OrderParameters.from_rows(self.student, self.teacher, self.v, self.A)

    def respond(self, fields: Floats) -> Floats:
        """g of fields."""
        from scipy.special import erf

        if self.activation == "linear":
            return fields
        if self.activation == "erf":
            return np.asarray(erf(fields / math.sqrt(2.0)))
        return np.sign(fields) if self.activation == "sign" else np.maximum(fields, 0.0)

    def slope(self, fields: Floats) -> Floats:
        """g' of fields."""
        if self.activation == "linear":
            return np.ones_like(fields)
        if self.activation == "erf":
            return np.asarray(math.sqrt(2.0 / math.pi) * np.exp(-(fields**2) / 2.0))
        return np.asarray((fields > 0.0).astype(float))


def machine(
    rng: np.random.Generator,
    *,
    activation: str = "erf",
    units: int = 3,
    teachers: int = 2,
    inputs: int = 6,
    pruned: int = 0,
    tolerance: float = 0.02,
) -> Machine:
    """Normal weights, the first `pruned` units of the student set to 0."""
    w, b = rng.standard_normal((units, inputs)), rng.standard_normal((teachers, inputs))
    w[: min(pruned, units)] = 0.0
    v, a = 0.5 + rng.random(units), 0.5 + rng.random(teachers)
    return Machine(w, b, v, a, activation, tolerance)


@register(
    "determinantal.TS-1",
    "law",
    machine,
    {
        "activation": Choice(("erf", "linear", "relu", "sign")),
        "units": Whole(1, 6),
        "teachers": Whole(1, 4),
        "inputs": Whole(2, 12),
        "pruned": Whole(0, 2),
        "seed": Whole(0, 65535),
    },
    (
        {},
        {"activation": "linear"},
        {"activation": "relu"},
        {"activation": "sign"},
        {"units": 5, "pruned": 2},
    ),
    (
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("without the 1/2", {"constant": 2.0}),
        Mutant("cross term once", {"cross": 0.5}),
        Mutant("label noise sigma = .5 counted", {"noise": 0.5}),
        Mutant("inputs of variance 2", {"scale": 2.0}),
    ),
)
def error_from_order_parameters(
    given: Machine,
    rng: np.random.Generator,
    *,
    constant: float = 1.0,
    cross: float = 1.0,
    noise: float = 0.0,
    scale: float = 1.0,
) -> Sides:
    """The error of a student is a formula of its order parameters alone.

    Hypotheses
    ----------
    x ~ N(0, I_N); g one of erf, linear, relu, sign, with sign 0 = 0; any rows, zero rows too.

    Statement
    ---------
    eps = [v^T I2(Q) v - 2 v^T I2(R) A + A^T I2(T) A]/2, I2 = E g g: (2/pi) asin(c/sqrt((1+a)(1+b)))
    of erf, c of linear, [sqrt(ab - c^2) + c (pi/2 + asin(c/sqrt(ab)))]/(2 pi) of relu and
    (2/pi) asin(c/sqrt(ab)) of sign, for fields of variances a, b and covariance c.

    Source
    ------
    Saad and Solla 1995 [R] (erf); relu and sign derived [D].

    References
    ----------
    Saad and Solla 1995; Goldt et al. 2019
    """
    order, k = given.order, len(given.v)
    second = theory.gaussian_i2(scale * order.covariance, given.activation)
    law = float(order.amplitudes @ second @ order.amplitudes) / 2.0
    law += (1.0 - cross) * float(given.v @ second[:k, k:] @ given.A) + noise**2 / 2.0
    law *= constant
    x = rng.standard_normal((INPUTS, given.student.shape[1])) / math.sqrt(given.student.shape[1])
    gap = (
        given.respond(x @ given.student.T) @ given.v - given.respond(x @ given.teacher.T) @ given.A
    )
    return near(float(np.mean(gap**2)) / 2.0, law, given.tolerance)


def trained_machine(rng: np.random.Generator, *, inputs: int = 120, **given: Any) -> Machine:
    """As :func:`machine`, with many inputs and 5 % allowed, as runs spread by O(1/sqrt N)."""
    return machine(rng, inputs=inputs, **{"tolerance": 0.05, **given})


@register(
    "determinantal.TS-2",
    "law",
    trained_machine,
    {
        "activation": Choice(("erf", "linear", "relu")),
        "units": Whole(1, 4),
        "teachers": Whole(1, 3),
        "inputs": Whole(100, 200),
        "seed": Whole(0, 65535),
    },
    ({}, {"activation": "linear", "units": 2}, {"activation": "relu", "units": 2}),
    (
        Mutant("constant x .9", {"constant": 0.9}),
        Mutant("learning rate x 1/2", {"slower": 0.5}),
        Mutant("gradient flow: no terms in eta^2", {"flow": 100.0}),
        Mutant("label noise forgotten", {"noisy": False}),
        Mutant("output weights at rest", {"output": False}),
    ),
)
def training_follows_the_equations(
    given: Machine,
    rng: np.random.Generator,
    *,
    constant: float = 1.0,
    slower: float = 1.0,
    flow: float = 1.0,
    noisy: bool = True,
    output: bool = True,
) -> Sides:
    """Online gradient descent on both layers follows ordinary differential equations.

    Hypotheses
    ----------
    A fresh x and a label with noise sigma at each step; rates eta/sqrt N of the first and eta_v/N
    of the second layer, t = steps/N, N large; erf, linear or relu.

    Statement
    ---------
    With u = (-v, A) over all fields: dR_im/dt = eta v_i sum_a u_a I3(i, m, a); dQ_ik/dt = eta sum_a
    u_a [v_i I3(i, k, a) + v_k I3(k, i, a)] + eta^2 v_i v_k [sum_ab u_a u_b I4(i, k, a, b) + sigma^2
    J2(i, k)]; dv_i/dt = eta_v sum_a u_a I2(i, a). A run is off by O(1/sqrt N), the mean by O(1/N).

    Source
    ------
    Saad and Solla 1995; Goldt et al. 2019 [R]. Checked by training.

    References
    ----------
    Saad and Solla 1995; Goldt et al. 2019
    """
    eta, eta_v, sigma = 0.4, 0.4, 1.0
    law = constant * _error_by_the_equations(
        given,
        TIME * flow,
        learning_rate=slower * eta / flow,
        output_learning_rate=eta_v / flow if output else 0.0,
        noise=sigma if noisy else 0.0,
    )
    return near(_trained(given, rng, eta, eta_v, sigma), law, given.tolerance)


@functools.lru_cache(maxsize=4)  # one law for all trials of an instance, told by its identity
def _error_by_the_equations(given: Machine, time: float, **rates: float) -> float:
    (end,) = theory.integrate_sgd(given.order, [time], activation=given.activation, **rates)
    return float(theory.generalization_error(end, given.activation))


def _trained(
    given: Machine, rng: np.random.Generator, eta: float, eta_v: float, sigma: float
) -> float:
    """Mean error of independent runs at the time asked for."""
    n = given.student.shape[1]
    w, v = np.tile(given.student, (RUNS, 1, 1)), np.tile(given.v, (RUNS, 1))
    inputs = rng.standard_normal((round(TIME * n), RUNS, n)) / math.sqrt(n)
    labels = given.respond(inputs @ given.teacher.T) @ given.A
    labels += sigma * rng.standard_normal(labels.shape)
    for x, label in zip(inputs, labels, strict=True):
        fields = (w @ x[:, :, None])[:, :, 0]
        active = given.respond(fields)
        gap = (np.sum(v * active, axis=1) - label)[:, None]
        push = gap * v * given.slope(fields)
        v = v - eta_v / n * gap * active
        w -= (eta * push)[:, :, None] * x[:, None, :]  # x carries the 1/sqrt N
    u = np.concatenate([v, np.tile(-given.A, (RUNS, 1))], axis=1)
    rows = np.concatenate([w, np.tile(given.teacher, (RUNS, 1, 1))], axis=1)
    overlaps = rows @ np.swapaxes(rows, 1, 2) / n
    errors = [a @ moments(c, given.activation) @ a for a, c in zip(u, overlaps, strict=True)]
    return float(np.mean(errors)) / 2.0


def near(value: float, law: float, tolerance: float, part: str = "") -> Sides:
    """Sides of value = law within a relative tolerance."""
    return Sides(value, law, tolerance * abs(law), "=", abs(value - law) / abs(law), part)
