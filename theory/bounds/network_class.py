r"""A class of networks by widths and norms: how far parameters move outputs, how many cover it.

Letters: widths k_1..k_{L+1}, ||W^l||_op <= R_l, ||b^l|| <= B_l, ||x|| <= D_x; activations
elementwise, 1-Lipschitz and 0 at 0; X_1 = D_x, X_{l+1} = R_l X_l + B_l bound the features.

    G0        W^l, b^l moved by eps:  sup_x ||f - f'|| <= G eps,
              G = sum_l (prod_{l'>l} R_{l'}) (X_l + 1)
    covering  log N(eps) = sum_l [k_l k_{l+1} log(1 + 2 R_l/eps) + k_{l+1} log(1 + 2 B_l/eps)]

A maximal eps-separated subset of each parameter ball is an eps-cover of that size with centres in
the class. Claim spectral.G0 [D].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, as_count, as_real, as_ridge, namespace
from .bound import Bound
from .network import as_chain, operator_norm, same_length

#: Norms are never rounded to less than 2^-20: smaller classes would cost more than they save.
SMALLEST_EXPONENT = -20


def parameter_lipschitz(
    operator_norms: Sequence[float], bias_norms: Sequence[float], radius: float
) -> float:
    r"""Lipschitz constant G = sum_l (prod_{l'>l} R_{l'}) (X_l + 1) of f in its parameters.

    X_1 = D_x, X_{l+1} = R_l X_l + B_l bound the features.

    Parameters
    ----------
    operator_norms, bias_norms : sequences of float
        R_l >= ||W^l||_op and B_l >= ||b^l|| of every network considered.
    radius : float
        D_x >= ||x|| for every input.

    Raises
    ------
    ValueError
        Lengths differ, a negative figure.

    Notes
    -----
    Claim spectral.G0 [D]: all W^l (operator norm) and b^l moved by at most eps, inside these
    norms, move f by at most G eps on ||x|| <= D_x; see :func:`perturbation_bound`.
    """
    radii = feature_radii(operator_norms, bias_norms, radius)
    total, amplification = 0.0, 1.0
    for norm, reach in zip(reversed(list(operator_norms)), reversed(radii[:-1])):
        total += amplification * (reach + 1.0)
        amplification *= float(norm)
    return total


def feature_radii(
    operator_norms: Sequence[float], bias_norms: Sequence[float], radius: float
) -> list[float]:
    """Radii X_1..X_{L+1} of the features: X_1 = D_x, X_{l+1} = R_l X_l + B_l.

    Parameters and errors as :func:`parameter_lipschitz`.
    """
    same_length(operator_norms=operator_norms, bias_norms=bias_norms)
    radii = [as_ridge(radius, name="radius")]
    for norm, bias in zip(operator_norms, bias_norms):
        reach = as_ridge(norm, name="operator_norms") * radii[-1]
        radii.append(reach + as_ridge(bias, name="bias_norms"))
    return radii


def perturbation_bound(
    operator_norms: Sequence[float], bias_norms: Sequence[float], radius: float, eps: float
) -> Bound:
    """Largest output change when every parameter array moves by at most eps: G eps.

    The trivial value is 2 X_{L+1}, twice the largest output. Parameters and errors as
    :func:`parameter_lipschitz`; claim spectral.G0 [D].
    """
    lipschitz = parameter_lipschitz(operator_norms, bias_norms, radius)
    step = as_ridge(eps, name="eps")
    trivial = 2.0 * feature_radii(operator_norms, bias_norms, radius)[-1]
    note = "sup over ||x|| <= radius of ||f - f'||, both networks inside the norms; certain"
    terms = {"lipschitz": lipschitz, "eps": step}
    return Bound("spectral.G0", lipschitz * step, trivial, terms, note)


@dataclass(frozen=True)
class NetworkClass:
    """Networks of given widths and norms; activations elementwise, 1-Lipschitz, 0 at 0.

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
        same_length(weights=weights, biases=biases)
        arrays = as_chain(weights)
        exponents = [_exponent(operator_norm(w)) for w in arrays]
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
