r"""Sampling in the paper's form, each statement with the probability it claims (P1, P1b, X4).

Letters: H = Sigma (Sigma + lam)^{-1}, l_j = H_jj, N = sum_j l_j, q_j = l_j/N; v_1..v_k drawn iid
from q with ridges tau_i = k lam q_{v_i} leave S_J. Each trial draws by the theory and measures S_J
against H from the samples (module `frozen`). Widths, ridges and bounds of the theory are compared
with the formulas written out here, as statements this loose would hide an error in them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from pruneproof import theory

from ..frozen import (
    DRAWN_FROM,
    FROZEN,
    MANY,
    FrozenLayer,
    below,
    drawn,
    frozen_layer,
    law_layer,
    ridges_as_stated,
)
from ..generators import Choice
from ..mutants import Mutant
from ..registry import register
from ..sides import Sides, at_most, equal, together

STRONG = {"family": "strong", "m": 41, "weak": 1e-3}


def _paper_width(
    constant: float, dof: float, delta: float, factor: float = 5.0, logarithm: bool = True
) -> int:
    """factor c log(16 N/delta), c = N where the draws follow the leverage."""
    return max(1, math.ceil(factor * constant * (math.log(16 * dof / delta) if logarithm else 1)))


@register(
    "spectral.P1",
    "probability",
    frozen_layer,
    FROZEN,
    (
        *DRAWN_FROM,
        MANY,
        {"family": "power-law", "m": 24, "top": 0.999, "delta": 0.9},
        {"family": "spiked", "m": 10, "top": 0.3},
    ),
    (
        Mutant("5 -> 1", {"factor": 1.0}, examples=(MANY, {**MANY, "m": 120})),
        # 1.25 and 1.5 fail with .101 and .077 on MANY, too close to 1/15 for trials (laws.L4)
        Mutant("5 -> 2.5", {"factor": 2.5}, must_die=False, examples=(MANY,)),
        Mutant("log dropped", {"logarithm": False}, examples=(MANY,)),
        Mutant("4 -> 4/3", {"constant": 4 / 3}, examples=(MANY,)),
        Mutant("4 -> 2", {"constant": 2.0}, must_die=False, examples=(MANY,)),
        Mutant("N dropped from the loss", {"degrees": False}),
        Mutant("multiplicity dropped", {"multiplicity": False}),
        Mutant("ridges x 4", {"ridges": 4.0}),
        Mutant("uniform draws", {"by_leverage": False}, examples=(STRONG,)),
    ),
)
def paper_sampling(
    frozen: FrozenLayer,
    rng: np.random.Generator,
    *,
    factor: float = 5.0,
    logarithm: bool = True,
    constant: float = 4.0,
    degrees: bool = True,
    multiplicity: bool = True,
    ridges: float = 1.0,
    by_leverage: bool = True,
) -> Sides:
    """Some 5 N log(16 N/delta) draws by leverage explain every direction to within 4 lam.

    Hypotheses
    ----------
    lam > 0, 0 < delta < 1, v_1..v_k iid from q, k >= 5 N(lam) log(16 N(lam)/delta), k >= 1; J the
    multiset (v_i) with tau_i = k lam q_{v_i}, repeats merged by adding up their 1/tau.

    Statement
    ---------
    With probability at least 1 - delta/3: S_J <= 4 lam Sigma (Sigma + lam)^{-1}; hence
    L^theta <= 4 lam [theta N(lam) + (1 - theta) N'(lam; Z)].

    Source
    ------
    Suzuki et al., after Bach 2017 [R: 5, 16, 4]; proof by matrix Bernstein [D].

    References
    ----------
    arXiv 1808.08558; Bach 2017
    """
    lam, spectrum, dof = frozen.ridge, frozen.spectrum, frozen.dof
    promised = theory.paper_width(spectrum, lam, delta=frozen.delta)
    claimed = _paper_width(dof, dof, frozen.delta)
    k = promised + _paper_width(dof, dof, frozen.delta, factor, logarithm) - claimed
    if by_leverage:
        kept, tau, counts = drawn(theory.select_leverage(spectrum, k, lam, rng=rng))
        parts = [ridges_as_stated(frozen, kept, tau, counts)]
    else:
        kept, repeats = np.unique(rng.integers(frozen.m, size=k), return_counts=True)
        counts = repeats.astype(float)
        tau, parts = lam * k * frozen.leverage[kept] / dof / counts, []
    w = frozen.whitened(kept, ridges * tau * (1.0 if multiplicity else counts))
    bound = theory.sampling_bound(spectrum, lam, **frozen.mixture).value
    stated = 4 * lam * float(np.trace(frozen.form))
    allowed = bound if degrees else 4 * lam
    size, scale = 2 * frozen.m, frozen.condition * (stated + bound)
    return together(
        below(frozen, w, constant, "all directions"),
        at_most(frozen.loss(w), allowed, scale=scale, size=size, part="loss"),
        equal(bound, stated, scale=scale, size=size, part="bound's value"),
        equal(promised, claimed, scale=1.0, size=1, part="width"),
        *parts,
    )


def markov_layer(rng: np.random.Generator, *, small: float = 0.0, **given: Any) -> FrozenLayer:
    """Layer for P1b: an event ("nodes" or "weights"), alone or with (*) ("nodes and directions").

    A `small` > 0 gives all nodes but one the probability small/m, the strong one the rest: with
    small just below 3/5 and one draw, 1/q exceeds (5/3) m with probability nearly 3/5.
    """
    given = {"event": "nodes", **given}
    if small:
        m, top = given["m"], 0.9
        given |= {"family": "strong", "top": top}
        given["weak"] = top * small / m / (1 - small + small / m)
    found = frozen_layer(rng, **given)
    return replace(found, level=3 / 5 + (found.delta / 3 if "directions" in found.event else 0.0))


#: One draw, and all nodes but one rare by just enough: fails with probability (3/5)(m - 1)/m.
NEARLY = {"m": 2, "small": 0.599, "draws": 1}


@register(
    "spectral.P1b",
    "probability",
    markov_layer,
    {**FROZEN, "event": Choice(("nodes", "weights", "nodes and directions"))},
    (
        {"family": "power-law", "m": 16},
        {"family": "relu", "m": 12},
        {"family": "strong", "m": 24, "top": 0.9, "weak": 0.02, "draws": 3},
        {"family": "diagonal", "m": 16, "event": "weights"},
        {"family": "duplicated", "m": 12, "event": "weights", "draws": 2},
        {"family": "flat", "m": 20, "event": "nodes and directions"},
        {"family": "diagonal", "m": 16, "event": "weights and directions"},
        NEARLY,
    ),
    (
        Mutant("5/3 -> 1", {"factor": 1.0}, examples=({**NEARLY, "m": 60, "small": 0.999},)),
        Mutant("5/3 -> 10/9", {"factor": 10 / 9}, examples=({**NEARLY, "m": 60, "small": 0.899},)),
        Mutant(
            "5/3 -> 4/3",
            {"factor": 4 / 3},
            must_die=False,
            examples=({**NEARLY, "m": 60, "small": 0.749},),
        ),
        Mutant(
            "5/3 x .95",
            {"factor": 0.95 * 5 / 3},
            must_die=False,
            examples=({**NEARLY, "m": 400, "small": 0.631},),
        ),
        Mutant("m dropped", {"nodes": False}),
        Mutant("k dropped", {"width": False}),
    ),
)
def inverse_probabilities(
    frozen: FrozenLayer,
    rng: np.random.Generator,
    *,
    factor: float = 5 / 3,
    nodes: bool = True,
    width: bool = True,
) -> Sides:
    """The inverse probabilities of the nodes drawn are seldom far above their mean.

    Hypotheses
    ----------
    v_1..v_k iid from q, any k >= 1; W a matrix of m rows that are not all 0.

    Statement
    ---------
    sum_i 1/q_{v_i} <= (5/3) m k with probability at least 2/5, and likewise
    sum_i ||W_{v_i}||^2/(k q_{v_i}) <= (5/3) ||W||_F^2. Either holds together with the event of P1
    with probability at least 2/5 - delta/3 (at delta = 1/5 this is 1/3).

    Source
    ------
    Markov's inequality [D]; the constant 5/3 is the paper's [R].

    Equality cases
    --------------
    One draw, all nodes but one of probability just below 3/(5 m), m large.

    References
    ----------
    arXiv 1808.08558
    """
    k = frozen.draws or theory.paper_width(frozen.spectrum, frozen.ridge, delta=frozen.delta)
    selection = theory.select_leverage(frozen.spectrum, k, frozen.ridge, rng=rng)
    kept, tau, counts = drawn(selection)
    q = frozen.leverage / frozen.dof
    limit = theory.inverse_probability_bound(frozen.m, k).value
    least = float(np.min(q[kept]))
    scale = frozen.condition * k / least**2  # an error of q reaches 1/q divided by q squared
    share = factor * 3 / 5
    parts = [
        equal(limit, 5 / 3 * frozen.m * k, scale=limit, size=1, part="bound's value"),
        ridges_as_stated(frozen, kept, tau, counts),
    ]
    if "weights" in frozen.event:
        lengths = np.sum(frozen.output_weights**2, axis=0)  # ||W_v||^2 of W = Z^T
        total = float(np.sum(counts * lengths[kept] / q[kept]))
        allowed = limit * float(np.mean(lengths))
        scale *= float(np.max(lengths))
    else:
        total, allowed = float(np.sum(counts / q[kept])), limit
    allowed *= share / (1 if nodes else frozen.m) / (1 if width else k)
    markov = at_most(total, allowed, scale=scale, size=2 * frozen.m, part="inverse probabilities")
    if "directions" in frozen.event:
        parts.append(below(frozen, frozen.whitened(kept, tau), 4.0, "all directions"))
    return together(markov, *parts)


@register(
    "spectral.X4",
    "probability",
    law_layer,
    {**FROZEN, "law": Choice(("uniform", "estimates", "mixed"))},
    (
        {"family": "flat", "m": 20, "law": "estimates"},
        {"family": "power-law", "m": 16, "top": 0.98, "law": "uniform"},
        {"family": "diagonal", "m": 16, "top": 0.9, "law": "uniform"},
        {"family": "diagonal", "m": 16, "top": 0.98, "law": "estimates"},
        {"family": "relu", "m": 12, "law": "mixed"},
        {"family": "duplicated", "m": 12, "top": 0.95, "law": "mixed", "delta": 0.6},
        {**STRONG, "law": "uniform"},
        {**MANY, "law": "uniform"},
    ),
    (
        Mutant("5 -> 1", {"factor": 1.0}, examples=({**MANY, "law": "uniform"},)),
        Mutant("5 -> 2", {"factor": 2.0}, must_die=False, examples=({**MANY, "law": "uniform"},)),
        Mutant("log dropped", {"logarithm": False}, examples=({**MANY, "law": "uniform"},)),
        Mutant("4 -> 4/3", {"constant": 4 / 3}, examples=({**MANY, "law": "uniform"},)),
        Mutant(
            "c = N whatever the law", {"coherent": False}, examples=({**STRONG, "law": "uniform"},)
        ),
        Mutant("ridges k lam q", {"own_law": False}, examples=({**STRONG, "law": "uniform"},)),
    ),
)
def other_laws(
    frozen: FrozenLayer,
    rng: np.random.Generator,
    *,
    factor: float = 5.0,
    logarithm: bool = True,
    constant: float = 4.0,
    coherent: bool = True,
    own_law: bool = True,
) -> Sides:
    """Draws from any law serve, with as many more as the law understates the leverage.

    Hypotheses
    ----------
    q' > 0 wherever l is, l_j <= c q'_j, v_1..v_k iid from q', k >= 5 c log(16 N/delta), k >= 1,
    tau_i = k lam q'_{v_i}.

    Statement
    ---------
    S_J <= 4 lam Sigma (Sigma + lam)^{-1} with probability at least 1 - delta/3. Uniform draws have
    c = m max_j l_j; estimates l_j <= l~_j <= b l_j with q' = l~/sum l~ have c <= b N.

    Source
    ------
    Derived [D].

    References
    ----------
    arXiv 1808.08558; Bach 2017
    """
    assert frozen.law is not None
    lam, spectrum, law = frozen.ridge, frozen.spectrum, frozen.law
    ratio = float(np.max(frozen.leverage[law > 0] / law[law > 0]))
    found = theory.drawing_constant(spectrum, lam, law)
    promised = theory.drawing_width(spectrum, lam, law, delta=frozen.delta)
    claimed = _paper_width(ratio, frozen.dof, frozen.delta)
    needed = ratio if coherent else frozen.dof
    k = promised + _paper_width(needed, frozen.dof, frozen.delta, factor, logarithm) - claimed
    kept, counts = np.unique(rng.choice(frozen.m, size=k, p=law), return_counts=True)
    chances = law if own_law else frozen.leverage / frozen.dof
    w = frozen.whitened(kept, k * lam * chances[kept] / counts)
    scale = frozen.condition * (ratio + 1 / float(np.min(law[law > 0])))
    return together(
        below(frozen, w, constant, "all directions"),
        equal(found, ratio, scale=scale, size=frozen.m, part="constant"),
        equal(promised, claimed, scale=1.0, size=1, part="width"),
        equal(max(0.0, found - frozen.constant), 0.0, scale=scale, size=frozen.m, part="c <= b N"),
    )
