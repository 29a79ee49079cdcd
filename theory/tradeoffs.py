r"""The width that balances bias and variance in a compression bound (docs/statements.md 6).

Letters: eigenvalues mu_j = j^{-a}; k kept nodes, n samples. Up to constants, the bounds on a
compressed network are a bias lam(k), which falls with k, and a variance, which grows:

    fast   k^{-b} + k^2/n               least at k* = (b n/2)^{1/(b+2)},   n^{-b/(b+2)};
    slow   k^{-b/2} + k/sqrt(n)         least at k* = (b sqrt(n)/2)^{2/(b+2)},   n^{-b/(2(b+2))}.

How fast the bias falls depends on what is controlled:

    uniform   b = a        all directions at once, S_J <= 4 lam H (leverage sampling, P1), or the
                           output loss with ||Z||_F bounded (theta = 0);
    trace     b = a - 1    the input loss alone, lam N(lam) ~ k^{1-a}, as greedy and volume
                           sampling bound it: any fixed theta > 0 costs a factor of order N(lam).

The U of these curves is that of the bound; measured risks of pruned networks need not show it.
Derived [D]; the form is that of Suzuki et al., arXiv 1808.08558 [R]. With constants, for the
ridges lam_N and lam_vol, see :func:`~pruneproof.theory.fast_rate_sandwich`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from .arrays import Array, as_real, namespace

Control = Literal["uniform", "trace"]


@dataclass(frozen=True)
class BoundCurve:
    r"""Bias k^{-b s} plus variance (k^2/n)^s; s = 1 is fast, s = 1/2 is slow.

    Attributes
    ----------
    decay : float
        b > 0.
    samples : float
        n >= 1.
    speed : float
        s.
    """

    decay: float
    samples: float
    speed: float

    def bias(self, width: Any) -> Array:
        """k^{-b s} at each width, in the shape of `width`."""
        return _widths(width) ** (-self.decay * self.speed)

    def variance(self, width: Any) -> Array:
        """(k^2/n)^s at each width."""
        return _widths(width) ** (2.0 * self.speed) / self.samples**self.speed

    def value(self, width: Any) -> Array:
        """Bias and variance together at each width."""
        return self.bias(width) + self.variance(width)

    @property
    def best_width(self) -> float:
        """k*, the one minimiser over real k > 0; where it is below 1, no width is worth it."""
        # b s k^{-b s} = 2 s (k^2/n)^s
        b, n, s = self.decay, self.samples, self.speed
        return math.pow((b / 2.0) ** (1.0 / s) * n, 1.0 / (b + 2.0))

    @property
    def least(self) -> float:
        """The curve at k*."""
        return float(self.value(self.best_width))

    @property
    def exponent(self) -> float:
        """-b s/(b + 2): the least value falls as n to this power, exactly."""
        return -self.decay * self.speed / (self.decay + 2.0)

    @property
    def width_exponent(self) -> float:
        """1/(b + 2): k* grows as n to this power, exactly."""
        return 1.0 / (self.decay + 2.0)


def fast_tradeoff(exponent: float, samples: float, *, control: Control = "uniform") -> BoundCurve:
    r"""Curve k^{-b} + k^2/n of a fast bound, b = a or (trace) a - 1.

    Parameters
    ----------
    exponent : float
        a > 1 of mu_j = j^{-a}.
    samples : float
        n >= 1.
    control : str
        ``uniform`` or ``trace``: what the layer's bound controls.

    Raises
    ------
    ValueError
        An exponent of at most 1, samples below 1, another control.

    Notes
    -----
    docs/statements.md 6 [D]. Uniform control earns n^{-a/(a+2)}, trace-type n^{-(a-1)/(a+1)}.
    """
    return _curve(exponent, samples, control, 1.0)


def slow_tradeoff(exponent: float, samples: float, *, control: Control = "uniform") -> BoundCurve:
    r"""Curve k^{-b/2} + k/sqrt(n) of a slow bound; all else as :func:`fast_tradeoff`."""
    return _curve(exponent, samples, control, 0.5)


def _curve(exponent: float, samples: float, control: str, speed: float) -> BoundCurve:
    a, n = float(as_real("exponent", exponent, ndim=0)), float(as_real("samples", samples, ndim=0))
    if not a > 1.0:
        raise ValueError(f"exponent must be above 1, or the eigenvalues have no sum; it is {a:g}")
    if not n >= 1.0:
        raise ValueError(f"samples must be at least 1, but is {n:g}")
    if control not in ("uniform", "trace"):
        raise ValueError(f"control must be 'uniform' or 'trace', not {control!r}")
    return BoundCurve(a if control == "uniform" else a - 1.0, n, speed)


def _widths(width: Any) -> Array:
    k = as_real("width", width)
    if not float(namespace(k).min(k)) > 0.0:
        raise ValueError(f"width must be above 0, but is {float(namespace(k).min(k)):g}")
    return k
