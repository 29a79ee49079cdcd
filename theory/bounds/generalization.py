r"""Risk of every network of a class at once: slow and fast rates with explicit constants.

Letters: the class NN of widths k_1..k_{L+1} with ||W^l||_op <= R_l, ||b^l|| <= B_l on inputs
||x|| <= D_x, activations elementwise, 1-Lipschitz and 0 at 0; X_1 = D_x, X_{l+1} = R_l X_l + B_l;
G = sum_l (prod_{l'>l} R_{l'})(X_l + 1); Psi the risk, Psi_n its mean over n iid samples;
s = log N(eps) + log(1/delta) + union cost,

    log N(eps) = sum_l [k_l k_{l+1} log(1 + 2 R_l/eps) + k_{l+1} log(1 + 2 B_l/eps)]

    G1   Psi(f) <= Psi_n(f) + 2 rho G eps + M sqrt(s/(2n))                  loss in [0, M]
    G2   E(f) <= 2 E_n(f) + (112/3) M^2 s/n + 12 M G eps                    squared loss

with probability at least 1 - delta for ALL f in NN, so for networks found from the data too.
Widths and norm bounds must not depend on the data, or be paid for: `NetworkClass.from_weights`
rounds measured norms up to powers of two and pays the union bound over all of them. Claims
spectral.G1, spectral.G2 [D]; the rates are those of Suzuki et al., arXiv 1808.08558 [R]. At
ordinary sizes both are vacuous: put the held-out bound beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import as_count, as_probability, as_real, as_ridge
from ..errors import InapplicableError
from .bound import Bound
from .network_class import NetworkClass, covering_number_log


def slow_bound(
    empirical_risk: float,
    network_class: NetworkClass,
    n: int,
    *,
    loss_bound: float = 1.0,
    lipschitz: float,
    delta: float = 0.05,
    eps: float | None = None,
) -> Bound:
    r"""Risk of every f of the class: Psi_n(f) + 2 rho G eps + M sqrt(s/(2n)).

    Parameters
    ----------
    empirical_risk : float
        Psi_n(f); for a compressed network Psi_n(f^) + rho delta_hat with any bound delta_hat on
        ||f^ - f#||_n.
    network_class : NetworkClass
    n : int
        Number of iid samples.
    loss_bound, lipschitz : float
        M and rho: the loss lies in [0, M] and is rho-Lipschitz in f.
    delta : float
    eps : float, optional
        Cover radius. By default the best of a geometric grid, which depends on the class and n
        only, so nothing is to be paid for it.

    Returns
    -------
    Bound
        Terms: the empirical risk (bias), the cover and the deviation (variance) part, eps, the
        log covering number. The trivial value is M.

    Raises
    ------
    ValueError
        Figures out of range.

    Notes
    -----
    Claim spectral.G1 [D]: Hoeffding at the centres of an internal eps-cover.
    """
    risk = as_ridge(empirical_risk, name="empirical_risk")
    bound = as_ridge(loss_bound, name="loss_bound", positive=True)
    rho = as_ridge(lipschitz, name="lipschitz")
    count, level = as_count("n", n), as_probability("delta", delta)

    def parts(radius: Any) -> tuple[Any, Any]:
        nats = _nats(network_class, radius, level)
        return 2.0 * rho * network_class.lipschitz * radius, bound * np.sqrt(nats / (2.0 * count))

    return _with_best_eps(
        "spectral.G1",
        {"empirical": risk},
        parts,
        bound,
        network_class,
        eps,
        f"risk of every network of the class, w.p. >= 1 - {level:g} over {count} samples",
    )


def fast_bound(
    empirical_excess: float,
    network_class: NetworkClass,
    n: int,
    *,
    output_bound: float,
    delta: float = 0.05,
    eps: float | None = None,
    clipped: bool = False,
) -> Bound:
    r"""Excess squared risk of every scalar f: 2 E_n(f) + (112/3) M^2 s/n + 12 M G eps.

    Parameters
    ----------
    empirical_excess : float
        E_n(f) = Psi_n(f) - Psi_n(f*), f* = E[y | x]; may be negative. For a compressed network
        Psi_n(f#) <= (sqrt(Psi_n(f^)) + delta_hat)^2, see :func:`compressed_risk`.
    network_class : NetworkClass
        One output.
    n : int
    output_bound : float
        M with |y| <= M and |f| <= M for all f of the class.
    delta, eps
        As :func:`slow_bound`.
    clipped : bool
        Whether outputs are clipped to [-M, M]; else X_{L+1} <= M is required.

    Returns
    -------
    Bound
        On E(f) = Psi(f) - Psi(f*); the trivial value is 4 M^2. Terms as :func:`slow_bound`.

    Raises
    ------
    InapplicableError
        More than one output, or outputs that can exceed M.
    ValueError
        Figures out of range.

    Notes
    -----
    Claim spectral.G2 [D]: Bernstein with E g^2 <= 16 M^2 E g for g = (f-y)^2 - (f*-y)^2.
    """
    excess = float(as_real("empirical_excess", empirical_excess, ndim=0))
    m = as_ridge(output_bound, name="output_bound", positive=True)
    count, level = as_count("n", n), as_probability("delta", delta)
    if network_class.widths[-1] != 1:
        raise InapplicableError(
            f"the fast bound is for one output, but the class has {network_class.widths[-1]}; use "
            "the slow bound"
        )
    reach = network_class.radii[-1]
    if reach > m and not clipped:
        raise InapplicableError(
            f"outputs of the class reach {reach:.4g}, above output_bound {m:.4g}; clip them to "
            "[-M, M] and say clipped=True"
        )

    def parts(radius: Any) -> tuple[Any, Any]:
        nats = _nats(network_class, radius, level)
        return 12.0 * m * network_class.lipschitz * radius, 112.0 / 3.0 * m * m * nats / count

    return _with_best_eps(
        "spectral.G2",
        {"empirical": 2.0 * excess},
        parts,
        4.0 * m * m,
        network_class,
        eps,
        f"excess risk of every network of the class, w.p. >= 1 - {level:g} over {count} samples",
    )


def _nats(network_class: NetworkClass, eps: Any, delta: float) -> Any:
    cover = covering_number_log(network_class, eps)
    return cover + math.log(1.0 / delta) + network_class.union_cost


def _with_best_eps(
    statement: str,
    fixed: dict[str, float],
    parts: Callable[[Any], tuple[Any, Any]],
    trivial: float,
    network_class: NetworkClass,
    eps: float | None,
    note: str,
) -> Bound:
    """Bound at `eps`, or at the best of a geometric grid below the largest parameter norm."""
    if eps is None:
        scale = max((*network_class.operator_norms, *network_class.bias_norms, 1e-6))
        grid = scale * 2.0 ** (-np.arange(0.0, 60.0, 0.25))
        cover, deviation = parts(grid)
        eps = float(grid[int(np.argmin(cover + deviation))])
    radius = as_ridge(eps, name="eps", positive=True)
    cover, deviation = (float(part) for part in parts(radius))
    terms = fixed | {
        "cover": cover,
        "deviation": deviation,
        "eps": radius,
        "log_covering_number": covering_number_log(network_class, radius),
    }
    value = sum(fixed.values()) + cover + deviation
    return Bound(statement, value, trivial, terms, f"{note}; cover radius {radius:.3g}")


def compressed_risk(risk: float, compression_error: float) -> float:
    """Squared-loss risk after compression: Psi_n(f#) <= (sqrt(Psi_n(f^)) + delta_hat)^2.

    `compression_error` is any bound on ||f^ - f#||_n (Minkowski; claim spectral.G2 [D]).

    Raises
    ------
    ValueError
        A negative figure.
    """
    root = math.sqrt(as_ridge(risk, name="risk"))
    return (root + as_ridge(compression_error, name="compression_error")) ** 2
