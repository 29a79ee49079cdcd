r"""Risk of every network of a class at once: slow and fast rates with explicit constants.

Letters: the class NN of widths k_1..k_{L+1} with ||W^l||_op <= R_l, ||b^l|| <= B_l on inputs
||x|| <= D_x; X_1 = D_x, X_{l+1} = R_l X_l + B_l; G = sum_l (prod_{l'>l} R_{l'})(X_l + 1); Psi the
risk, Psi_n its mean over n iid samples; s = log N(eps) + log(1/delta) + union cost,

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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, as_count, as_probability, as_real, as_ridge, namespace, to_numpy
from ..errors import InapplicableError
from .bound import Bound
from .network import _chain, _operator_norm, _same_length, feature_radii, parameter_lipschitz

#: Norms are never rounded to less than 2^-20: smaller classes would cost more than they save.
SMALLEST_EXPONENT = -20


@dataclass(frozen=True)
class NetworkClass:
    """Networks of given widths and norms.

    Attributes
    ----------
    widths : tuple of int
        k_1 (inputs) to k_{L+1} (outputs).
    operator_norms, bias_norms : tuples of float
        R_l and B_l, one a layer; B_l = 0 for a layer without bias.
    radius : float
        D_x, which must hold for every input of the population.
    union_cost : float
        Nats paid because this class was picked from the data; 0 for a class fixed in advance.

    Raises
    ------
    ValueError
        Lengths that do not fit, a negative figure.
    """

    widths: tuple[int, ...]
    operator_norms: tuple[float, ...]
    bias_norms: tuple[float, ...]
    radius: float
    union_cost: float = 0.0

    def __post_init__(self) -> None:
        feature_radii(self.operator_norms, self.bias_norms, self.radius)
        as_ridge(self.union_cost, name="union_cost")
        if len(self.widths) != len(self.operator_norms) + 1:
            raise ValueError(
                f"widths must be one more than the {len(self.operator_norms)} layers, but there "
                f"are {len(self.widths)}"
            )
        for width in self.widths:
            as_count("widths", width)

    @classmethod
    def from_weights(
        cls,
        weights: Sequence[Any],
        biases: Sequence[Any],
        radius: float,
        *,
        width_choices: int = 1,
    ) -> NetworkClass:
        r"""Smallest dyadic class that holds a network, with the union bound over all classes paid.

        Each norm is rounded up to 2^i. The prior w(i) = (2/3)/((|i|+1)(|i|+2)) sums to 1 over all
        integers i, so sum of log 1/w(i) over the norms (plus log of `width_choices`) is the cost
        of having looked at them.

        Parameters
        ----------
        weights : sequence of (k_{l+1}, k_l) arrays
        biases : sequence of (k_{l+1},) arrays or None
            None: the class has no bias at that layer.
        radius : float
            D_x, known in advance.
        width_choices : int
            Number of width vectors among which the data chose; 1 where widths were fixed.

        Raises
        ------
        ValueError
            Weights that do not chain, lengths that differ.
        """
        _same_length(weights=weights, biases=biases)
        arrays = _chain(weights)
        exponents = [_exponent(_operator_norm(w)) for w in arrays]
        bias_norms, paid = [], list(exponents)
        for bias, w in zip(biases, arrays):
            if bias is None:
                bias_norms.append(0.0)
                continue
            paid.append(_exponent(_vector_norm(bias, w.shape[0])))
            bias_norms.append(2.0 ** paid[-1])
        cost = sum(dyadic_cost(i) for i in paid)
        return cls(
            (int(arrays[0].shape[1]), *(int(w.shape[0]) for w in arrays)),
            tuple(2.0**i for i in exponents),
            tuple(bias_norms),
            as_ridge(radius, name="radius"),
            cost + math.log(as_count("width_choices", width_choices)),
        )

    @property
    def parameters(self) -> int:
        """Number of weights and biases d (a layer with B_l = 0 has no biases)."""
        return sum(
            inner * outer + (outer if bias else 0)
            for inner, outer, bias in zip(self.widths, self.widths[1:], self.bias_norms)
        )

    @property
    def radii(self) -> list[float]:
        """Largest feature norms X_1..X_{L+1}."""
        return feature_radii(self.operator_norms, self.bias_norms, self.radius)

    @property
    def lipschitz(self) -> float:
        """Lipschitz constant G of f in its parameters (G0)."""
        return parameter_lipschitz(self.operator_norms, self.bias_norms, self.radius)


def dyadic_cost(exponent: int) -> float:
    """Nats log 1/w(i) of the prior w(i) = (2/3)/((|i|+1)(|i|+2)) over integers i."""
    i = abs(exponent)
    return math.log(1.5 * (i + 1) * (i + 2))


def _exponent(norm: float) -> int:
    """Least i >= SMALLEST_EXPONENT with norm <= 2^i, safe against rounding of the norm."""
    norm *= 1.0 + 1e-10
    if norm <= 2.0**SMALLEST_EXPONENT:
        return SMALLEST_EXPONENT
    mantissa, i = math.frexp(norm)
    return i - 1 if mantissa == 0.5 else i


def _vector_norm(bias: Any, length: int) -> float:
    b: Array = as_real("biases", bias, ndim=1)
    if b.shape[0] != length:
        raise ValueError(f"biases must have {length} entries, one a row, but have {b.shape[0]}")
    return float(namespace(b).linalg.vector_norm(b))


def covering_number_log(network_class: NetworkClass, eps: Any) -> Any:
    r"""Log of the number of networks that come eps-close to all of the class, log N(eps).

    Close in every parameter array (operator norm, Euclidean norm), with centres in the class.

    Parameters
    ----------
    network_class : NetworkClass
    eps : float or array
        Above 0.

    Raises
    ------
    ValueError
        eps not above 0.
    """
    radius = np.asarray(as_real("eps", np.asarray(eps)))
    if np.min(radius) <= 0:
        raise ValueError(f"eps must be above 0, but its smallest is {np.min(radius):g}")
    total = np.zeros_like(radius)
    for place, norm in enumerate(network_class.operator_norms):
        inner, outer = network_class.widths[place], network_class.widths[place + 1]
        total += inner * outer * np.log1p(2.0 * norm / radius)
        total += outer * np.log1p(2.0 * network_class.bias_norms[place] / radius)
    return float(total) if total.ndim == 0 else total


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
        f"risk of every network of the class, w.p. >= {1 - level:g} over {count} samples",
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
        f"excess risk of every network of the class, w.p. >= {1 - level:g} over {count} samples",
    )


def _nats(network_class: NetworkClass, eps: Any, delta: float) -> Any:
    cover = covering_number_log(network_class, eps)
    return cover + math.log(1.0 / delta) + network_class.union_cost


def _with_best_eps(
    statement: str,
    fixed: dict[str, float],
    parts: Any,
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


def ramp_loss(logits: Any, labels: Any, margin: float) -> Array:
    r"""Ramp loss min(1, max(0, 1 - margin_i/gamma)) of each sample, (n,).

    margin_i = f_y - max_{j != y} f_j; at least 1 wherever the label is missed, so its mean bounds
    the error rate. It is (sqrt 2/gamma)-Lipschitz in f: the margin moves by at most
    |df_y| + |df_j| <= sqrt 2 ||df||; see :func:`ramp_lipschitz`.

    Parameters
    ----------
    logits : (n, classes) array
        At least two classes.
    labels : (n,) array of int
    margin : float
        gamma > 0, fixed before the data are seen.

    Raises
    ------
    ValueError
        One class, labels that are not whole or out of range, lengths that differ.
    """
    scores = as_real("logits", logits, ndim=2)
    xp = namespace(scores)
    gamma = as_ridge(margin, name="margin", positive=True)
    n, classes = scores.shape
    truth = to_numpy(labels)
    if classes < 2:
        raise ValueError("logits need at least two classes, but there is one column")
    if truth.shape != (n,) or truth.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {n} whole numbers, one a row of logits, but have shape {truth.shape} "
            f"and type {truth.dtype}"
        )
    if truth.min() < 0 or truth.max() >= classes:
        raise ValueError(f"labels must lie in 0..{classes - 1}, the columns of logits")
    right = xp.asarray(truth[:, None] == np.arange(classes))
    own = xp.sum(xp.where(right, scores, xp.zeros_like(scores)), axis=1)
    rival = xp.max(xp.where(right, xp.full_like(scores, -xp.inf), scores), axis=1)
    return xp.clip(1.0 - (own - rival) / gamma, 0.0, 1.0)


def ramp_lipschitz(margin: float) -> float:
    """Lipschitz constant sqrt(2)/gamma of :func:`ramp_loss` in the logits."""
    return math.sqrt(2.0) / as_ridge(margin, name="margin", positive=True)


def classification_bound(
    logits: Any,
    labels: Any,
    network_class: NetworkClass,
    *,
    margin: float = 1.0,
    delta: float = 0.05,
    compression_error: float = 0.0,
) -> Bound:
    r"""Error rate of every f of the class by G1 with the ramp loss; the trivial value is 1.

    Parameters
    ----------
    logits, labels
        Outputs and labels on the n training samples: of the network itself, or of the one it was
        compressed from with `compression_error`, a bound on ||f^ - f#||_n.
    network_class : NetworkClass
        Holds the network whose error is bounded.
    margin : float
        gamma, fixed before the data are seen.
    delta, compression_error : float

    Raises
    ------
    ValueError
        As :func:`ramp_loss` and :func:`slow_bound`.
    """
    losses = ramp_loss(logits, labels, margin)
    rho = ramp_lipschitz(margin)
    n = int(losses.shape[0])
    risk = float(namespace(losses).mean(losses))
    risk += rho * as_ridge(compression_error, name="compression_error")
    return slow_bound(risk, network_class, n, lipschitz=rho, delta=delta)
