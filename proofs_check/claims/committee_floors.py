r"""Committee machines: the error at which training on noisy labels ends (TS-3 to TS-5).

Letters as in :mod:`.committee_machines`. The forms hold as sigma -> 0: what the equations of motion
rest at is off by O(sigma^2), which the rests at two noises take away, and 1e-4 is left for the next
order and the solver. At a learning rate of 1e-7 of the critical one the O(eta) is below twice that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, at_most, together
from .committee_machines import near

#: Noises at which training is brought to rest, each half of the one before.
NOISES = (0.02, 0.01)
#: Relative correction of O(sigma^4), and of the speeds left by the solver.
NEXT_ORDER = 1e-4
#: Learning rate of the limit, as a share of the critical one.
LIMIT = 1e-7


@dataclass(frozen=True, eq=False)
class Resting:
    """A student that equals its teacher (T = I, A all alike), trained on noisy labels.

    Attributes
    ----------
    order : OrderParameters
        Noiseless.
    units : int
        M of the teacher.
    others : int
        Spare units of TS-3 and TS-5, copies z of TS-4.
    rate : float
        eta.
    """

    order: theory.OrderParameters
    units: int
    others: int
    rate: float

    def rest(self, noise: float, activation: str = "erf", *, both: bool = False) -> float:
        """eps where the equations of motion come to rest."""
        end = theory.sgd_fixed_point(
            self.order,
            learning_rate=self.rate,
            output_learning_rate=self.rate if both else 0.0,
            noise=noise,
            activation=activation,
        )
        return float(theory.generalization_error(end, activation))

    def limiting_rest(self, *, both: bool) -> float:
        """eps/sigma^2 for sigma -> 0, by Richardson's step from two noises."""
        far, close = (self.rest(noise, both=both) / noise**2 for noise in NOISES)
        return (4.0 * close - far) / 3.0

    def small_noise(self) -> float:
        """eps/sigma^2 of the small-noise equation at this rate."""
        return float(theory.small_noise_error(self.order, learning_rate=self.rate, noise=1.0))

    def between(self, floor: float) -> tuple[Sides, Sides]:
        """floor <= eps/sigma^2 <= floor/(1 - eta/critical)."""
        found, size = self.small_noise(), len(self.order.v) ** 2
        most = floor / (1.0 - self.rate / float(theory.critical_learning_rate(self.order)))
        return (
            at_most(found, most, scale=most, size=size, part="upper end"),
            at_most(floor, found, scale=most, size=size, part="lower end"),
        )

    def small_rate(self) -> float:
        """eps/(eta sigma^2) of the small-noise equation as eta -> 0."""
        rate = LIMIT * theory.critical_learning_rate(self.order)
        return float(theory.small_noise_error(self.order, learning_rate=rate, noise=1.0) / rate)


def spare_units(
    rng: np.random.Generator, *, units: int = 2, spare: int = 1, rate: float = 0.2
) -> Resting:
    """v = A = 1, the teacher's units and `spare` of norm 0. Nothing is random."""
    rows = np.vstack([np.eye(units), np.zeros((spare, units))])
    ones = np.ones(len(rows))
    order = theory.OrderParameters(rows @ rows.T, rows, np.eye(units), ones, np.ones(units))
    return Resting(order, units, spare, rate)


def copied_units(
    rng: np.random.Generator,
    *,
    units: int = 2,
    copies: int = 2,
    rate: float = 0.2,
    amplitude: float = 1.0,
) -> Resting:
    """Every unit of the teacher `copies` times, v = A/z. Nothing is random."""
    rows = np.repeat(np.eye(units), copies, axis=0)
    v, a = np.full(len(rows), amplitude / copies), np.full(units, amplitude)
    order = theory.OrderParameters(rows @ rows.T, rows, np.eye(units), v, a)
    return Resting(order, units, copies, rate)


@register(
    "determinantal.TS-3",
    "rate",
    spare_units,
    {"units": Whole(1, 3), "spare": Whole(0, 3), "rate": Real(0.05, 0.3)},
    (
        {"spare": 0, "rate": 0.05},
        {"spare": 1, "rate": 0.05},
        {"spare": 3, "rate": 0.05},
        {"spare": 3, "rate": 0.2},
    ),
    (
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("M/sqrt 2", {"root": 2.0}),
        Mutant("spare units count as the teacher's", {"spare": 1 / math.sqrt(3.0)}),
        Mutant("floor read at any rate", {"first_order": True}),
    ),
)
def floor_of_spare_units(
    given: Resting,
    *,
    constant: float = 1.0,
    root: float = 3.0,
    spare: float = 1.0,
    first_order: bool = False,
) -> Sides:
    """Training the first layer rests at an error that each spare unit raises.

    Hypotheses
    ----------
    erf, T = I, v = A = 1, K = M + L, first layer trained at rate eta, below the critical rate;
    sigma -> 0.

    Statement
    ---------
    eps/sigma^2 is Tr(Hq)/2 with Hq + qH = eta [H + W(q)], W(q)_ik = sum_jl E[g'_i g'_k g'_j g'_l]
    q_jl, H = E g'_i g'_k. With the floor f = (eta sigma^2/(2 pi)) (L + M/sqrt 3) and the critical
    rate eta_c: f <= eps <= f/(1 - eta/eta_c).

    Source
    ------
    Form as in Goldt et al. 2019 [R], constants and equation derived [D].

    Equality cases
    --------------
    One unit without spares or copies meets the upper end, eta -> 0 both.

    References
    ----------
    Goldt et al. 2019; Saad and Solla 1995
    """
    form = constant / (2.0 * math.pi) * (spare * given.others + given.units / math.sqrt(root))
    at_rate = given.rate * form if first_order else given.small_noise()
    return together(
        within(given.small_rate(), form, 2.0 * LIMIT, "limit"),
        within(given.limiting_rest(both=False), at_rate, NEXT_ORDER, "rest"),
        *given.between(given.rate * form),
    )


@register(
    "determinantal.TS-4",
    "rate",
    copied_units,
    {
        "units": Whole(1, 2),
        "copies": Whole(1, 3),
        "rate": Real(0.05, 0.3),
        "amplitude": Real(0.75, 1.25),
    },
    (
        {"copies": 1, "rate": 0.05},
        {"copies": 2, "rate": 0.05},
        {"copies": 4, "rate": 0.05},
        {"copies": 3, "amplitude": 1.25},
    ),
    (
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("1/sqrt 2", {"root": 2.0}),
        Mutant("A in place of A^2", {"power": 1.0}),
        Mutant("copies do not help", {"gain": 0.0}),
        Mutant("floor read at any rate", {"first_order": True}),
    ),
)
def floor_of_copies(
    given: Resting,
    *,
    constant: float = 1.0,
    root: float = 3.0,
    power: float = 2.0,
    gain: float = 1.0,
    first_order: bool = False,
) -> Sides:
    """Training both layers with z copies of each unit rests at an error that falls as 1/z.

    Hypotheses
    ----------
    erf, T = I, all A_m = A, K = zM, w_k = B_m and v_k = A/z, both layers trained, eta below the
    critical rate; sigma -> 0.

    Statement
    ---------
    eps/sigma^2 is that of TS-3's equation with G_k = v_k g'_k for g'_k; with the floor
    f = eta sigma^2 A^2 M/(2 pi sqrt 3 z): f <= eps <= f/(1 - eta/eta_c).

    Source
    ------
    Form as in Goldt et al. 2019 [R], constants and equation derived [D].

    Equality cases
    --------------
    One unit without spares or copies meets the upper end, eta -> 0 both.

    References
    ----------
    Goldt et al. 2019; Saad and Solla 1995
    """
    amplitude = float(given.order.A[0])
    copies = given.others**gain
    form = constant * amplitude**power * given.units / (2.0 * math.pi * math.sqrt(root) * copies)
    at_rate = given.rate * form if first_order else given.small_noise()
    return together(
        within(given.small_rate(), form, 2.0 * LIMIT, "limit"),
        within(given.limiting_rest(both=True), at_rate, NEXT_ORDER, "rest"),
        *given.between(given.rate * form),
    )


def linear_units(
    rng: np.random.Generator, *, units: int = 1, spare: int = 1, share: float = 0.5
) -> Resting:
    """As :func:`spare_units`, at a share of the critical rate 2/K."""
    return spare_units(rng, units=units, spare=spare, rate=share * 2.0 / (units + spare))


@register(
    "determinantal.TS-5",
    "identity",
    linear_units,
    {"units": Whole(1, 3), "spare": Whole(0, 3), "share": Real(0.05, 0.9)},
    ({}, {"spare": 0, "share": 0.05}, {"units": 2, "spare": 3, "share": 0.9}),
    (
        Mutant("constant x .999", {"constant": 0.999}),
        Mutant("first order in eta", {"own": 0.0}),
        Mutant("4 - K eta", {"own": 0.5}),
        Mutant("one unit", {"units": False}),
    ),
)
def floor_of_linear_units(
    given: Resting, *, constant: float = 1.0, own: float = 1.0, units: bool = True
) -> Sides:
    """Linear units rest at an error known exactly, for every learning rate below 2/K.

    Hypotheses
    ----------
    Linear, v = A = 1, K >= M units, first layer trained, K eta < 2, any noise.

    Statement
    ---------
    eps = K eta sigma^2/(4 - 2 K eta): a perceptron at rate K eta; the critical rate is 2/K.

    Source
    ------
    Derived [D].

    References
    ----------
    Goldt et al. 2019
    """
    k, noise = (len(given.order.v) if units else 1), 0.7
    form = constant * k * given.rate * noise**2 / (4.0 - own * 2.0 * k * given.rate)
    critical = theory.critical_learning_rate(given.order, "linear")
    # speeds left of 1e-9 of eta sigma^2 > 1e-2; a pencil of order K^2 in float64
    return together(
        near(given.rest(noise, "linear"), form, 1e-7, "rest"),
        near(critical, 2.0 / len(given.order.v), 1e-9, "critical rate"),
    )


def within(value: float, law: float, correction: float, part: str) -> Sides:
    """Sides of |value/law - 1| <= correction."""
    return at_most(abs(value / law - 1.0), correction, scale=1.0, size=1, part=part)
