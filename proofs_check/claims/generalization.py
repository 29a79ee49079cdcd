r"""Risks of networks found from a sample, over the population: slow, fast, unpruned (G1, G2, G3).

Letters: Psi the risk over the population, Psi_n its mean over the n samples, NN a class of networks
by widths and norms, G its Lipschitz constant in the parameters, s = log N(eps) + log(1/delta), plus
the price of the dyadic grid where the class is picked by the network found (module `risks`). Each
trial draws a sample, finds a network from it and asks whether its risk obeys the bound.

The uniform bounds speak late. With Psi_n = 0, M = 1 and delta = .05 they fall below the trivial
value from n = 66 (slow) and 1325 (fast) on for 20 weights on axes, ||w|| <= sqrt(20); from n = 469
and 9493 on for a network 8-8-8-1 with all ||W|| <= 1, ||b|| <= 1/2.
"""

from __future__ import annotations

import math

import numpy as np

from pruneproof import theory
from pruneproof.theory import Bound

from ..generators import Real, Space, Whole
from ..mutants import Mutant
from ..registry import register
from ..risks import (
    TASKS,
    Learned,
    Pair,
    Task,
    covering_nats,
    grid_nats,
    lipschitz_constant,
    pair,
    squared_task,
    task,
)
from ..sides import Floats, Sides, at_most, equal, together

#: As many samples as axes: a third of them are never seen.
FEW = {"d": 60, "log10_n": 1.8, "delta": 0.2}
#: The uniform gap at its own scale, far below 1, with a fine cover.
MANY = {"d": 60, "log10_n": 6, "eps": 1e-5}
#: So many samples that only what the bound says of Psi_n is left.
HUGE = {"d": 20, "log10_n": 12, "eps": 1e-9}
PRUNED = (
    {"learner": "compressed", "d": 3, "delta": 0.2},
    {"learner": "compressed", "d": 5, "log10_n": 5, "delta": 0.2},
)
#: Too few samples: the bound exceeds the trivial value.
SILENT = {"learner": "compressed", "d": 8, "keep": 6, "log10_n": 2, "delta": 0.2}


def _in_class(found: Learned) -> Sides:
    """The network lies in the class that the bound is about."""
    scale = 1 + max(found.held.operator_norms)
    return equal(found.excess_norm(), 0.0, scale=scale, size=100, part="outside its class")


@register(
    "spectral.G1",
    "probability",
    task,
    TASKS,
    (
        FEW,
        {"d": 20, "log10_n": 3, "bound": 10.0},
        {**MANY, "delta": 0.2},
        {**HUGE, "delta": 0.2},
        *PRUNED,
        SILENT,
    ),
    (
        Mutant("complexity dropped", {"complexity": 0.0}),
        Mutant("complexity x 1/100", {"complexity": 0.01}, examples=(MANY,)),
        Mutant("complexity x 1/2", {"complexity": 0.5}, must_die=False),
        Mutant("square root dropped", {"power": 1.0}, examples=(MANY,)),
        Mutant("M dropped", {"by_bound": False}, examples=({**MANY, "bound": 30.0},)),
        Mutant("Psi_n dropped", {"empirical": 0.0}, examples=(HUGE,)),
        # the cover is a device of the proof: finer ones cost little more
        Mutant("2 rho G eps dropped", {"cover": 0.0}, must_die=False),
        # next to log N(eps) the confidence hardly counts
        Mutant("log(1/delta) dropped", {"confidence": 0.0}, must_die=False),
    ),
)
def slow(
    case: Task,
    rng: np.random.Generator,
    *,
    complexity: float = 1.0,
    confidence: float = 1.0,
    cover: float = 1.0,
    power: float = 0.5,
    by_bound: bool = True,
    empirical: float = 1.0,
) -> Sides:
    """No network of a class has a risk far above its mean over the sample, so no pruned one either.

    Hypotheses
    ----------
    n iid samples, ||x|| <= D_x, a loss in [0, M] that is rho-Lipschitz in f; f in NN, or in the
    least dyadic class with its price in s.

    Statement
    ---------
    With probability at least 1 - delta, for all f in NN at once
    Psi(f) <= Psi_n(f) + 2 rho G eps + M (s/(2n))^{1/2};
    Psi_n(f#) <= Psi_n(f^) + rho ||f^ - f#||_n for the pruned f# of f^.

    Source
    ------
    Derived [D]: Hoeffding at the centres of an internal cover; the rate is the paper's [R].

    References
    ----------
    arXiv 1808.08558
    """
    shares = case.shares(rng)
    found = case.learn(shares)
    losses = case.losses(found.outputs)
    risk, mean = float(case.chances @ losses), float(shares @ losses)
    held = found.held
    given = theory.slow_bound(
        mean,
        held,
        case.n,
        loss_bound=case.bound,
        lipschitz=case.lipschitz,
        delta=case.delta,
        eps=case.eps,
    )
    eps = given.terms["eps"]

    def gap(c: float, log_cover: float, log_delta: float, m: float, p: float) -> float:
        nats = log_cover * price + log_delta * math.log(1 / case.delta)
        step = c * 2 * case.lipschitz * lipschitz_constant(held) * eps
        return float(step + m * math.pow(nats / (2 * case.n), p))

    price = covering_nats(held, eps) + grid_nats(found)
    stated = gap(1.0, 1.0, 1.0, case.bound, 0.5)
    altered = gap(cover, complexity, confidence, case.bound if by_bound else 1.0, power)
    wide = float(shares @ case.losses(found.before))
    moved = case.lipschitz * math.sqrt(float(shares @ (found.before - found.outputs) ** 2))
    size, scale = 2 * len(shares), case.bound + stated
    allowed = given.value - mean + altered - stated
    return together(
        at_most(risk - empirical * mean, allowed, scale=scale, size=size, part="risk"),
        equal(given.value, mean + stated, scale=scale, size=size, part="bound's value"),
        equal(max(0.0, mean - wide - moved), 0.0, scale=scale, size=size, part="pruning"),
        _in_class(found),
    )


NOISY = {"d": 60, "log10_n": 4, "eps": 1e-6}


@register(
    "spectral.G2",
    "probability",
    squared_task,
    TASKS,
    (
        {"d": 20, "log10_n": 4},
        {**NOISY, "delta": 0.2},
        FEW,
        {**HUGE, "delta": 0.2},
        *PRUNED,
        SILENT,
    ),
    (
        Mutant("complexity dropped", {"complexity": 0.0}, examples=(NOISY,)),
        Mutant("112/3 -> 1/10", {"constant": 0.1}, examples=(NOISY,)),
        Mutant("112/3 -> 56/3", {"constant": 56 / 3}, must_die=False),
        Mutant("2 E_n -> E_n", {"empirical": 1.0}, examples=({**HUGE, "twice": 1.0},)),
        Mutant("1/n -> 1/n^2", {"power": 2.0}, examples=(NOISY,)),
        Mutant("M^2 dropped", {"by_bound": False}, examples=({**NOISY, "bound": 100.0},)),
        Mutant("12 M G eps dropped", {"cover": 0.0}, must_die=False),
        Mutant("log(1/delta) dropped", {"confidence": 0.0}, must_die=False),
    ),
)
def fast(
    case: Task,
    rng: np.random.Generator,
    *,
    constant: float = 112 / 3,
    complexity: float = 1.0,
    confidence: float = 1.0,
    cover: float = 1.0,
    power: float = 1.0,
    by_bound: bool = True,
    empirical: float = 2.0,
) -> Sides:
    """Under the squared loss the excess risk is twice that of the sample, and 1/n.

    Hypotheses
    ----------
    n iid samples, ||x|| <= D_x, one output, |y| <= M, f clipped to [-M, M] unless all of NN is
    within it; f* = E[y | x], E(f) = Psi(f) - Psi(f*), E_n the same over the samples (maybe < 0).

    Statement
    ---------
    With probability at least 1 - delta, for all f in NN at once
    E(f) <= 2 E_n(f) + (112/3) M^2 s/n + 12 M G eps;
    Psi_n(f#) <= (Psi_n(f^)^{1/2} + ||f^ - f#||_n)^2 for the pruned f# of f^.

    Source
    ------
    Derived [D]: Bernstein with E g^2 <= 16 M^2 E g; the rate is the paper's [R].

    References
    ----------
    arXiv 1808.08558
    """
    shares = case.shares(rng)
    found = case.learn(shares)
    f, m, held = case.clipped(found.outputs), case.bound, found.held
    noise = (case.regression - case.labels) ** 2
    excess = float(case.chances @ (f - case.regression) ** 2)
    mean = float(shares @ ((f - case.labels) ** 2 - noise))
    given = theory.fast_bound(
        mean, held, case.n, output_bound=m, delta=case.delta, eps=case.eps, clipped=True
    )
    eps = given.terms["eps"]

    def gap(c: float, log_cover: float, log_delta: float, a: float, p: float) -> float:
        nats = log_cover * price + log_delta * math.log(1 / case.delta)
        return float(c * 12 * m * lipschitz_constant(held) * eps + a * nats / case.n**p)

    price = covering_nats(held, eps) + grid_nats(found)
    stated = gap(1.0, 1.0, 1.0, 112 / 3 * m**2, 1.0)
    altered = gap(cover, complexity, confidence, constant * (m**2 if by_bound else 1.0), power)
    before = float(shares @ (found.before - case.labels) ** 2)
    after = float(shares @ (f - case.labels) ** 2)
    moved = math.sqrt(float(shares @ (found.before - found.outputs) ** 2))
    most = theory.compressed_risk(before, moved)
    size, scale = 2 * len(shares), 16 * m**2 + stated + before
    allowed = given.value - 2 * mean + altered - stated
    return together(
        at_most(excess - empirical * mean, allowed, scale=scale, size=size, part="excess risk"),
        equal(given.value, 2 * mean + stated, scale=scale, size=size, part="bound's value"),
        equal(most, (math.sqrt(before) + moved) ** 2, scale=most, size=8, part="its risk"),
        equal(max(0.0, after - most), 0.0, scale=scale, size=size, part="pruning"),
        _in_class(found),
    )


PAIRS: Space = {
    "n": Whole(1, 4000),
    "delta": Real(0.01, 0.9),
    "rare": Real(0.0, 0.5),
    "seed": Whole(0, 65535),
}
#: One sample in a thousand shows the difference, one is expected.
UNSEEN = {"rare": 1e-3, "n": 1000, "bound": 10.0}


@register(
    "spectral.G3",
    "probability",
    pair,
    PAIRS,
    (
        {},
        {"n": 100, "keep": 1, "delta": 0.2},
        {"rare": 5.6e-3, "n": 1000, "delta": 0.2},
        {**UNSEEN, "delta": 0.5},
        {"rare": 0.4, "n": 4000},
    ),
    (
        Mutant("deviation dropped", {"constant": 0.0}, examples=(UNSEEN,)),
        Mutant("2 B^2 -> B^2/4", {"constant": 0.25}, examples=({**UNSEEN, "delta": 0.02},)),
        Mutant("2 B^2 -> B^2", {"constant": 1.0}, must_die=False),
        Mutant("2 mean -> mean", {"empirical": 1.0}, examples=({"rare": 0.4, "n": 40000},)),
        Mutant("B for B^2", {"power": 1.0}, examples=(UNSEEN,)),
        Mutant(
            "log(1/delta) dropped",
            {"logarithm": False},
            examples=({**UNSEEN, "rare": 2.1e-3, "delta": 0.01},),
        ),
        Mutant("1/n'^2", {"samples": 2.0}, examples=(UNSEEN,)),
    ),
)
def unpruned(
    case: Pair,
    rng: np.random.Generator,
    *,
    constant: float = 2.0,
    empirical: float = 2.0,
    power: float = 2.0,
    logarithm: bool = True,
    samples: float = 1.0,
) -> Sides:
    """What pruning changes on a fresh sample bounds the risk of the network that was pruned.

    Hypotheses
    ----------
    n' iid samples that neither f^ nor f# depends on, g = ||f^ - f#|| <= B on the population, a loss
    that is rho-Lipschitz in f (here |f - y|/2).

    Statement
    ---------
    E_P g^2 <= 2 mean_{n'} g^2 + 2 B^2 log(1/delta)/n' with probability at least 1 - delta, and then
    Psi(f^) <= Psi(f#) + rho (2 mean_{n'} g^2 + 2 B^2 log(1/delta)/n')^{1/2}.

    Source
    ------
    Derived [D]: the lower tail of nonnegative summands, E g^4 <= B^2 E g^2.

    References
    ----------
    arXiv 1909.11274 (the idea [T])
    """
    shares = rng.multinomial(case.n, case.chances) / case.n
    mean, truth = float(shares @ case.squares), float(case.chances @ case.squares)
    given = theory.holdout_transfer_bound(mean, case.n, bound=case.bound, delta=case.delta)
    log_term = math.log(1 / case.delta)
    stated = 2 * case.bound**2 * log_term / case.n
    altered = constant * case.bound**power * (log_term if logarithm else 1.0) / case.n**samples
    risks = [_risk(case, outputs) for outputs in (case.before, case.after)]
    pruned = Bound("spectral.G1", risks[1], math.inf)
    total = theory.uncompressed_risk(pruned, given, lipschitz=0.5)
    size, scale = 2 * len(shares), 4 * case.bound**2
    root = 0.5 * math.sqrt(2 * mean + stated)
    wide = sum(risks) + root
    return together(
        at_most(
            truth - empirical * mean,
            given.value - 2 * mean + altered - stated,
            scale=scale,
            size=size,
            part="difference",
        ),
        equal(given.value, 2 * mean + stated, scale=scale, size=size, part="bound's value"),
        at_most(risks[0] - risks[1], total.value - risks[1], scale=wide, size=size, part="risk"),
        equal(total.value, risks[1] + root, scale=wide, size=size, part="risk's value"),
    )


def _risk(case: Pair, outputs: Floats) -> float:
    """Psi over the population."""
    return float(case.chances @ (np.abs(outputs - case.labels) / 2))
