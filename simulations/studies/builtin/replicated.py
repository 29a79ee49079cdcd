r"""Errors of pruned replicated students: z copies of each of M orthonormal teachers, erf, A = 1.

K = zM units, w_k = B_m, v_k = 1/z; k nodes or the share c = k/K of the edges are kept. All errors
E (f - f*)^2/2 are means over the draw as the number of inputs grows, derived [D] from the two-point
law: nodes lose sum_m (1 - n_m/z)^2/6 with n_m kept copies of teacher m; independent edge masks turn
Q_ij into c^2 Q_ij (i != j), Q_ii into c Q_ii and R into c R. The k-DPP of the rows' Gram matrix has
rank M: beyond k = M it is the limit of a vanishing jitter, one node a group and the rest at random.

This module may import NumPy and the standard library only.
"""

from __future__ import annotations

import math

#: E g(h)^2 for erf(h/sqrt 2) and h ~ N(0, 1).
POWER = 1.0 / 3.0


def random_nodes(teachers: int, copies: int, k: int) -> float:
    """k nodes, uniform."""
    m, z, units = teachers, copies, teachers * copies
    spread = k * (1 - 1 / m) * (units - k) / (m * (units - 1)) if units > 1 else 0.0
    return m / 6 * ((1 - k / units) ** 2 + spread / z**2)


def dpp_nodes(teachers: int, copies: int, k: int) -> float:
    """k nodes by the k-DPP of Q: distinct teachers first."""
    m, z, units = teachers, copies, teachers * copies
    if k <= m:
        return (m - k + k * (1 - 1 / z) ** 2) / 6
    spread = (k - m) / m * (1 - 1 / m) * (units - k) / max(units - m - 1, 1)
    return m / 6 * ((1 - k / units) ** 2 + spread / z**2)


def balanced_nodes(teachers: int, c: float) -> float:
    """A share c of the copies of each teacher, the best that nodes can do."""
    return teachers * (1 - c) ** 2 / 6


def random_edges(teachers: int, copies: float, c: float) -> float:
    """Independent edges, each kept with probability c."""
    own, other, cross = _overlaps(c)
    return teachers * ((other + (own - other) / copies) / 2 + POWER / 2 - cross)


def refitted_random_nodes(teachers: int, copies: int, k: int) -> float:
    """k nodes, uniform, outputs refitted: only teachers with no copy left are lost."""
    units = teachers * copies
    return teachers * POWER / 2 * math.comb(units - copies, k) / math.comb(units, k)


def refitted_dpp_nodes(teachers: int, k: int) -> float:
    """k nodes by the k-DPP of Q, outputs refitted: 0 from k = M on."""
    return POWER / 2 * max(teachers - k, 0)


def refitted_random_edges(teachers: int, copies: int, c: float) -> float:
    """Independent edges, outputs refitted: (POWER - rho^2/gamma)/2 a teacher."""
    own, other, cross = _overlaps(c)
    power = own / copies + (1 - 1 / copies) * other
    return teachers / 2 * (POWER - (cross**2 / power if c > 0 else 0.0))


def _overlaps(c: float) -> tuple[float, float, float]:
    """Moments of a masked unit with itself, with another copy, and with its teacher."""
    share = 2 / math.pi
    cross = share * math.asin(c / math.sqrt(2 + 2 * c))
    return share * math.asin(c / (1 + c)), share * math.asin(c * c / (1 + c)), cross
