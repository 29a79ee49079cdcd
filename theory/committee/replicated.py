r"""Pruning a student that copies each teacher unit z times (T1, T2, X2, X3, X4, X5).

M groups of z units, K = zM: w_k = B_m, v_k = A_m/z for the units of group m, B_m orthonormal
(T = I), so that the unpruned error is 0. With n_m units of group m kept and outputs left as they
are, d_m = A_m (1 - n_m/z), tau = E g^2 and mu = E g,

    eps_J = [(tau - mu^2) sum d_m^2 + mu^2 (sum d_m)^2]/2.

A rule that treats the groups alike enters the mean by V = Var n_m only: with c = k/K,

    uniform      V = k (1/M)(1 - 1/M)(K - k)/(K - 1)
    DPP, L = Q   k <= M: k distinct groups, V = (k/M)(1 - k/M). For k > M the k-DPP is undefined
                 (L has rank M); here its limit L + e I, e -> 0: one unit a group, the rest evenly,
                 V = ((k - M)/M)(1 - 1/M)(K - k)/(K - M - 1)
    balanced     n_m = k/M, V = 0, whole or not

Source: Acharyya et al., arXiv 2006.16617 (setting, and the edge formula in its code [C]); all
formulas derived [D]. This module may import NumPy, SciPy and theory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import as_count, as_real
from ..errors import InapplicableError
from .edges import as_fraction, dpp_edge_moments, magnitude_edge_moment
from .integrals import second_moments
from .noise_floors import noise_floor
from .order_parameters import OrderParameters

NODE_RULES = ("random-node", "dpp-node", "balanced-node")
EDGE_RULES = ("random-edge", "dpp-edge", "magnitude-edge")
#: tau = E g^2 and mu^2 = (E g)^2 of a standard normal field.
_MOMENTS = {
    "erf": (1 / 3, 0.0),
    "linear": (1.0, 0.0),
    "relu": (0.5, 1 / (2 * math.pi)),
    "sign": (1.0, 0.0),
}
#: Limit of z (1 - c*(z)), 6.3735 (T2).
CROSSOVER_LIMIT = 4.0 / (2.0 * math.pi / math.sqrt(3.0) - 3.0)


def unit_moments(activation: str) -> tuple[float, float]:
    """(E g^2, (E g)^2) of a standard normal field; erf (1/3, 0), ReLU (1/2, 1/(2 pi)).

    Raises
    ------
    ValueError
        Another activation than erf, linear, relu or sign.
    """
    if activation not in _MOMENTS:
        raise ValueError(
            f"activation must be one of {', '.join(_MOMENTS)}, but is {activation!r}; "
            "choose one of them"
        )
    return _MOMENTS[activation]


def as_strengths(strengths: Any, groups: int) -> Any:
    """Teacher outputs A_m (M,), of one number or M of them."""
    found = np.asarray(as_real("strengths", strengths))
    if found.shape not in ((), (groups,)):
        raise ValueError(
            f"strengths must be one number or {groups}, one a group, but have shape {found.shape}"
        )
    return np.broadcast_to(found, (groups,))


def replicated_order(groups: int, copies: int, strengths: Any = 1.0) -> OrderParameters:
    """Order parameters of the replicated student: Q_ij = 1 within a group, else 0; T = I."""
    m, z = as_count("groups", groups), as_count("copies", copies)
    a = as_strengths(strengths, m)
    member = np.repeat(np.eye(m), z, axis=0)
    return OrderParameters(member @ member.T, member, np.eye(m), np.repeat(a, z) / z, np.array(a))


def group_variance(groups: int, copies: int, kept: int, rule: str = "random-node") -> float:
    """V = Var n_m of the units that a node rule keeps of one group; see the head of this module.

    Raises
    ------
    ValueError
        More units than there are; a rule that is not random-node, dpp-node or balanced-node.
    """
    m, z = as_count("groups", groups), as_count("copies", copies)
    size = m * z
    k = as_count("kept", kept, least=0, most=size)
    if rule not in NODE_RULES:
        raise ValueError(f"a node rule is one of {', '.join(NODE_RULES)}, but this is {rule!r}")
    if rule == "balanced-node":
        return 0.0
    if rule == "dpp-node" and k <= m:
        return (k / m) * (1 - k / m)
    spare = m if rule == "dpp-node" else 0
    if k == size or size - spare == 1:
        return 0.0
    return (k - spare) / m * (1 - 1 / m) * (size - k) / (size - spare - 1)


def replicated_node_error(
    groups: int,
    copies: int,
    kept: int,
    rule: str = "random-node",
    *,
    strengths: Any = 1.0,
    activation: str = "erf",
) -> float:
    r"""Mean error after keeping k of the K = zM units, outputs left as they are (X2 [D]).

    E eps = {(tau - mu^2) S2 [(1-c)^2 + V/z^2]
             + mu^2 [S1^2 (1-c)^2 + (V/z^2)(M S2 - S1^2)/(M-1)]}/2,   S_p = sum A_m^p.

    Parameters
    ----------
    groups, copies : int
        M and z.
    kept : int
        k, from 0 to K.
    rule : {"random-node", "dpp-node", "balanced-node"}
    strengths : float or (M,) array
        A.
    activation : {"erf", "linear", "relu", "sign"}

    Raises
    ------
    ValueError
        Numbers out of range, another rule or activation.
    """
    tau, square = unit_moments(activation)
    a = as_strengths(strengths, as_count("groups", groups))
    spread = group_variance(groups, copies, kept, rule) / copies**2
    s1, s2 = float(np.sum(a)), float(np.sum(a * a))
    lost = (1 - kept / (groups * copies)) ** 2
    between = (groups * s2 - s1 * s1) / (groups - 1) if groups > 1 else 0.0
    return 0.5 * (
        (tau - square) * s2 * (lost + spread) + square * (s1 * s1 * lost + spread * between)
    )


def dpp_advantage(groups: int, copies: int, kept: int, strengths: Any = 1.0) -> float:
    r"""E eps of random nodes less that of DPP nodes, erf (T1 [D]); 0 at k = 0, 1, K-1, K.

    (S2/M) k(k-1)(K-M)/(6 z^2 M (K-1)) for k <= M, else
    (S2/M)(M-1)(K-k)(K-1-k)/(6 z^2 (K-1)(K-M-1)); never negative.
    """
    m, z = as_count("groups", groups), as_count("copies", copies)
    size = m * z
    k = as_count("kept", kept, least=0, most=size)
    square = float(np.mean(as_strengths(strengths, m) ** 2))
    if z == 1 or m == 1 or k >= size - 1:  # one unit a group, one group, or at most one left out
        return 0.0
    if k <= m:
        return square * k * (k - 1) * (size - m) / (6 * z * z * m * (size - 1))
    top = (m - 1) * (size - k) * (size - 1 - k)
    return square * top / (6 * z * z * (size - 1) * (size - m - 1))


def edge_moments(rule: str, fraction: float) -> tuple[float, float]:
    """(Q'_ii = R', Q'_ij of two copies) of unit rows after an edge rule keeps a fraction c."""
    c = as_fraction("fraction", fraction)
    if rule == "random-edge":
        return c, c * c
    if rule == "dpp-edge":
        return dpp_edge_moments(c)
    if rule == "magnitude-edge":
        own = magnitude_edge_moment(c)
        return own, own
    raise ValueError(f"an edge rule is one of {', '.join(EDGE_RULES)}, but this is {rule!r}")


def edge_fields(rule: str, fraction: float, activation: str) -> Any:
    """I2 (5, 5) of two copies of one pruned unit, one of another group, and their two teachers."""
    own, alike = edge_moments(rule, fraction)
    cov = np.diag([own, own, own, 1.0, 1.0])
    for i, j, value in ((0, 1, alike), (0, 3, own), (1, 3, own), (2, 4, own)):
        cov[i, j] = cov[j, i] = value
    return second_moments(cov, activation)


def replicated_edge_error(
    groups: int,
    copies: int,
    fraction: float,
    rule: str = "random-edge",
    *,
    strengths: Any = 1.0,
    activation: str = "erf",
) -> float:
    r"""Mean error after each unit keeps a fraction c of its edges, N large.

    For random edges and erf it is S2 {asin(c^2/(1+c))/pi + 1/6 - (2/pi) asin(c/sqrt(2+2c))
    + [asin(c/(1+c)) - asin(c^2/(1+c))]/(z pi)}, as in the authors' code [C] and derived [D]; DPP
    and magnitude edges by the moments of :mod:`.edges`, for normal rows.

    Raises
    ------
    ValueError
        Numbers out of range, another rule or activation.
    """
    m, z = as_count("groups", groups), as_count("copies", copies)
    unit_moments(activation)
    a = as_strengths(strengths, m)
    moment = edge_fields(rule, fraction, activation)
    s2 = float(np.sum(a * a))
    apart = float(np.sum(a)) ** 2 - s2
    student = s2 * (moment[0, 0] / z + (1 - 1 / z) * moment[0, 1]) + apart * moment[0, 2]
    cross = s2 * moment[0, 3] + apart * moment[0, 4]
    teacher = s2 * moment[3, 3] + apart * moment[3, 4]
    return 0.5 * float(student - 2 * cross + teacher)


def edge_excess(copies: float, fraction: float) -> float:
    """(edge - balanced node)/(A^2 M) of random edges, erf, per 1 - c; no cancellation at c = 1."""
    c, z = as_fraction("fraction", fraction), float(copies)
    b, d, a = c * c / (1 + c), c / math.sqrt(2 + 2 * c), c / (1 + c)
    # asin x - asin y by x^2 - y^2, which has the factor 1 - c in closed form
    factor = (2 * c + 1) / (4 * (1 + c))
    first = _asin_gap(b, 0.5, -factor * (2 * c * c + c + 1) / (1 + c), 1 - c)
    second = _asin_gap(d, 0.5, -factor, 1 - c)
    third = _asin_gap(a, b, c * c / (1 + c), 1 - c)
    return (first - 2 * second + third / z) / math.pi - (1 - c) / 6


def _asin_gap(x: float, y: float, gap: float, part: float) -> float:
    """(asin x - asin y)/part of x, y >= 0 with x^2 - y^2 = gap * part."""
    below = x * math.sqrt(1 - y * y) + y * math.sqrt(1 - x * x)
    if below == 0.0:
        return 0.0
    sine = gap / below
    return sine if part * sine == 0.0 else math.asin(part * sine) / part


def edge_crossover(copies: float) -> float | None:
    r"""c*(z): random edges beat the balanced node iff c < c*(z); None where they never do (T2 [D]).

    The root below 1 of the edge error less (1-c)^2/6, erf; there is one iff z > 2.725, the inverse
    of sqrt 2 - pi/3. z (1 - c*) tends to :data:`CROSSOVER_LIMIT` = 4/(2 pi/sqrt 3 - 3) = 6.3735.

    Parameters
    ----------
    copies : float
        z, at least 1.

    Raises
    ------
    ValueError
        z below 1.
    """
    from scipy import optimize

    z = float(as_real("copies", copies, ndim=0))
    if z < 1:
        raise ValueError(f"copies must be at least 1, but is {z:g}")
    # at c -> 0 the excess per c tends to this
    if 1 / 3 - math.sqrt(2) / math.pi + 1 / (math.pi * z) >= 0:
        return None

    def excess(log_left: float) -> float:
        return edge_excess(z, -math.expm1(log_left))

    low = math.log(0.1 * CROSSOVER_LIMIT / z / (1 + CROSSOVER_LIMIT / z))
    high = math.log1p(-1e-9)
    return -math.expm1(float(optimize.brentq(excess, low, high, xtol=1e-14, rtol=1e-14)))


def replicated_error_variance(
    groups: int,
    copies: int,
    kept: int,
    rule: str = "random-node",
    *,
    strength: float = 1.0,
) -> float:
    r"""Variance of eps_J over the draw, erf, equal outputs A (X3 [D]): (A^2/6z^2)^2 W(M, z, k, K).

    W = M {z_4 k_4/K_4 + 4 z_3 k_3/K_3 + 2 z_2 k_2/K_2} + M(M-1) z_2^2 k_4/K_4 - (M z_2 k_2/K_2)^2
    with falling factorials (0/0 = 0) for uniform draws. DPP: 0 for k <= M, else
    W(M, z-1, k-M, K-M).
    """
    group_variance(groups, copies, kept, rule)  # checks the arguments
    a = float(as_real("strength", strength, ndim=0))
    if rule == "balanced-node" or (rule == "dpp-node" and kept <= groups):
        return 0.0
    scale = (a**2 / (6 * copies**2)) ** 2
    if rule == "dpp-node":
        return scale * _spread_of_squares(groups, copies - 1, kept - groups)
    return scale * _spread_of_squares(groups, copies, kept)


def _spread_of_squares(groups: int, copies: int, kept: int) -> float:
    """Var sum n_m^2 of k even draws from M groups of z, as whole numbers up to one division."""
    size = groups * copies

    def chance(order: int) -> float:
        top, below = math.perm(kept, order), math.perm(size, order)
        return top / below if below else 0.0

    z2, z3, z4 = (math.perm(copies, order) for order in (2, 3, 4))
    one = z4 * chance(4) + 4 * z3 * chance(3) + 2 * z2 * chance(2)
    two = (groups - 1) * z2 * z2 * chance(4)
    return max(groups * (one + two) - (groups * z2 * chance(2)) ** 2, 0.0)


def value_rule_error(
    groups: int, copies: int, kept_sum: Any, kept_squares: Any, strength: float = 1.0
) -> float:
    r"""Mean erf error of a rule that looks at exchangeable output weights only (X4 [D]).

    E eps = E[M A^2 - 2 A S1 + S2 + ((z-1)/(K-1))(S1^2 - S2)]/6, with S1, S2 the sums of the kept v
    and v^2. Where all v are equal it is the random node.

    Parameters
    ----------
    groups, copies : int
    kept_sum, kept_squares : float or array
        S1 and S2, of one draw or of many, over which is averaged.
    strength : float
        A, of every teacher unit.
    """
    m, z = as_count("groups", groups), as_count("copies", copies)
    s1, s2 = as_real("kept_sum", kept_sum), as_real("kept_squares", kept_squares)
    together = (z - 1) / (m * z - 1) if m * z > 1 else 0.0
    value = m * strength**2 - 2 * strength * s1 + s2 + together * (s1 * s1 - s2)
    return float(np.mean(value)) / 6.0


def retrained_floor(
    strengths: Any,
    sizes: Any,
    *,
    learning_rate: float,
    noise: float,
    values: Any = None,
    activation: str = "erf",
) -> float:
    r"""Error at which a pruned student comes to rest when trained on, leading order (X5 [D]).

    Both layers trained, n_m >= 1 units left of group m: v_k -> A_m/n_m, and for erf
    eps = (eta s^2/(2 pi sqrt 3)) sum_m A_m^2/n_m. With `values`, output weights held fixed that sum
    to A_m in each group, given in the groups' order: (eta s^2/(2 pi sqrt 3)) sum_k v_k^2. It is
    :func:`noise_floor` there, with T = I: first small noise, then a small rate.

    Raises
    ------
    InapplicableError
        A group with no unit left, which can never be learned again; values that do not sum to A_m.
    ValueError
        Another activation, or shapes that do not match.
    """
    n = np.array([as_count("sizes", size, least=0) for size in np.atleast_1d(sizes)])
    a = as_strengths(strengths, len(n))
    if np.any(n == 0):
        raise InapplicableError(
            f"a floor needs a kept unit in every group, but {int(np.sum(n == 0))} of {len(n)} have "
            "none; keep one of each"
        )
    member = np.repeat(np.eye(len(n)), n, axis=0)
    v = np.repeat(a / n, n) if values is None else np.asarray(as_real("values", values, ndim=1))
    if len(v) != len(member):
        raise ValueError(f"{len(member)} units need as many values, but there are {len(v)}")
    rest = OrderParameters(member @ member.T, member, np.eye(len(n)), v, a)
    return noise_floor(rest, learning_rate=learning_rate, noise=noise, activation=activation)
