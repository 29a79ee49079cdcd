r"""Few weights, coarsely: the s largest entries rounded to multiples of Delta, the rest 0 (X4).

With rounding errors e_S of at most Delta/2,

    ||w - wh||_2^2 = sigma_s(w)_2^2 + ||e_S||_2^2 <= kappa^2 ||w||_q^2 + s Delta^2/4,

whose smooth form c_{q,2}^2 s^{1-2/q} ||w||_q^2 + s Delta^2/4 is least at
s = (2 c_{q,2} sqrt(2/q - 1) ||w||_q/Delta)^q. Unbiased stochastic rounding on correlated inputs has
mean error w_C^T G_CC w_C + sum_S Delta^2 z_j (1 - z_j) G_jj, z_j the fractional part of w_j/Delta.
[derived]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import as_generator, as_real, as_ridge, to_numpy
from ..bounds.bound import Bound
from .indices import as_order, exponential, log_norms
from .neuron import Floats, moment_of
from .stechkin import log_constant, stechkin_bound
from .top import top_entries


def quantised_top(w: Any, kept: int, step: float, *, rng: Any = None) -> Floats:
    """The `kept` largest entries rounded to multiples of `step`, the others 0.

    Parameters
    ----------
    w : (d,) array
    kept : int
        s, from 0 to d.
    step : float
        Delta > 0.
    rng : seed or Generator, optional
        Stochastic rounding, unbiased; to the nearest multiple if not given.

    Raises
    ------
    ValueError
        Entries that are not finite, a count out of range, a step that is not positive.

    Notes
    -----
    Statement X4 [derived].
    """
    row = to_numpy(as_real("w", w, ndim=1))
    delta = as_ridge(step, name="step", positive=True)
    scaled = row / delta
    shift = 0.5 if rng is None else as_generator(rng).random(row.size)
    return np.where(top_entries(row, kept), delta * np.floor(scaled + shift), 0.0)


def quantised_bound(
    w: Any, kept: int, step: float, *, q: float | Sequence[float] | None = None
) -> Bound:
    """Bound kappa^2 ||w||_q^2 + s Delta^2/4 on ||w - quantised_top(w)||_2^2 (X4).

    Parameters and errors as :func:`quantised_top`; q in (0, 2), the best of .05, ..., 1.95 if not
    given. Terms: the two summands.
    """
    delta = as_ridge(step, name="step", positive=True)
    tail = stechkin_bound(w, kept, q=q)
    rounding, squared = kept * delta * delta / 4, tail.value * tail.value
    terms = {"tail": squared, "rounding": rounding}
    note = "squared distance of the weights to the few rounded ones; certain"
    return Bound("sparsity.X4", squared + rounding, tail.trivial * tail.trivial, terms, note)


def best_quantised_count(w: Any, step: float, q: float) -> float:
    """Real s = (2 c_{q,2} sqrt(2/q-1) ||w||_q/Delta)^q where the smooth bound of X4 is least.

    Raises
    ------
    ValueError
        Entries that are not finite, a step that is not positive, q outside (0, 2).
    """
    order, delta = as_order(q, 2.0), as_ridge(step, name="step", positive=True)
    log_size = float(log_norms(to_numpy(as_real("w", w)).reshape(-1), order))
    factor = math.log(2.0 / delta) + log_constant(order, 2.0) + 0.5 * math.log(2.0 / order - 1.0)
    return exponential(order * (factor + log_size))


def stochastic_rounding_error(w: Any, kept: int, step: float, cov: Any) -> float:
    """Mean squared error of :func:`quantised_top` with stochastic rounding on correlated inputs.

    w_C^T G_CC w_C + sum_S Delta^2 z_j (1 - z_j) G_jj. Parameters and errors as there; `cov` (d, d).
    """
    row = to_numpy(as_real("w", w, ndim=1))
    moment = moment_of(cov, row.size)
    delta = as_ridge(step, name="step", positive=True)
    mask = top_entries(row, kept)
    removed = np.where(mask, 0.0, row)
    z = row / delta - np.floor(row / delta)
    spread = np.where(mask, delta**2 * z * (1.0 - z), 0.0)
    return float(removed @ moment @ removed + spread @ np.diag(moment))
