r"""Statements about a rational layer, both sides exact (I7, D5-D8, X1, X6, L3).

Left sides list all subsets of k nodes. Each statement gives its parts as
:class:`~.decided.Decided`; its constants are keyword arguments of the names and defaults that the
claim has. Ridges are known rationals or enclosed to 2^-bits; every bound grows with its ridge,
since lam H_lam does.

This module may import NumPy only.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from . import dpp
from .decided import Decided, at_most, below, equals, same
from .layers import RationalLayer
from .rational import (
    Matrix,
    Rational,
    alike,
    block,
    combined,
    eliminated,
    identity,
    inner,
    product,
    scaled,
    solve,
    trace,
    transposed,
)
from .spectra import (
    Bracket,
    degrees_ridge_bracket,
    known,
    spectrum,
    tail_bracket,
    volume_ridge_bracket,
)
from .volume import Resolvent, Subset, best_loss, listed_mean, subsets_of

Number = float | int | Fraction


@functools.lru_cache(maxsize=64)
def resolvent(sigma: Matrix) -> Resolvent:
    """:class:`Resolvent` of a second moment, kept."""
    return Resolvent(sigma)


@functools.lru_cache(maxsize=32)
def _listed(sigma: Matrix, k: int) -> list[Subset]:
    return subsets_of(sigma, k)


def _mean(layer: RationalLayer, k: int) -> Matrix:
    """E S_J of volume sampling, by listing."""
    mean = listed_mean(_listed(layer.sigma, k))[1]
    if mean is None:
        raise ValueError(f"no {k} nodes of {layer.name} are independent")
    return mean


def _plain_mean(listed: list[Subset]) -> Matrix:
    """Mean of S_J over all J alike."""
    total = functools.reduce(combined, (found.residual for found in listed))
    return tuple(tuple(x / len(listed) for x in row) for row in total)


def volume_mean(
    layer: RationalLayer,
    k: int,
    *,
    constant: Number = 1,
    spare: int = 1,
    by_volume: bool = True,
) -> Iterator[Decided]:
    """I7: e_k, E S_J and E L^A = (k + spare) e_{k+1}/e_k by listing; k <= rank."""
    formula, c = resolvent(layer.sigma), alike(constant, layer.sigma)
    mean = _mean(layer, k) if by_volume else _plain_mean(_listed(layer.sigma, k))
    yield equals("e_k", listed_mean(_listed(layer.sigma, k))[0], formula.e[k])
    yield same("residual", mean, scaled(formula.mean_residual(k), c))
    yield equals("loss", trace(mean), c * formula.mean_loss(k) * (k + spare) / (k + 1))


def determinantal(
    layer: RationalLayer, ridge: Rational, *, factor: Number = 1
) -> Iterator[Decided]:
    """L3: normaliser, mean width N(lam), mean residual `factor` lam H_lam by listing."""
    c = alike(factor, layer.sigma)
    left, right = dpp.listed(layer.sigma, ridge), dpp.stated(layer.sigma, ridge)
    yield equals("normaliser", left.total, right.total)
    yield equals("width", left.width, right.width)
    yield same("residual", left.residual, scaled(right.residual, c))
    yield equals("loss", trace(left.residual), c * ridge * right.width)
    formula = resolvent(layer.sigma)
    for k in range(1, formula.rank + 1):
        yield from _ladder(layer, k, formula)


def _ladder(layer: RationalLayer, k: int, formula: Resolvent, bits: int = 100) -> Iterator[Decided]:
    """Given |S| = k: the mean loss by formula, and tail <= best S <= mean <= (k + 1) tail."""
    listed = _listed(layer.sigma, k)
    tail, mean = tail_bracket(layer, k, bits), trace(_mean(layer, k))
    best = min(trace(found.residual) for found in listed)
    yield equals(f"mean of {k}", mean, formula.mean_loss(k))
    above = True if tail.high <= best else False if tail.low > best else None
    yield Decided(f"tail after {k}", tail.high, best, above)
    yield at_most(f"best of {k}", best, lambda x: x, known(mean))
    yield at_most(f"{k + 1} tails", mean, lambda x: (k + 1) * x, tail)


def logfree_residual(
    layer: RationalLayer,
    k: int,
    bits: int = 40,
    *,
    constant: Number = 1,
    ridge_scale: Number = 1,
    sharp: bool = False,
) -> Iterator[Decided]:
    """D5: E S_J <= lam H_lam at lam = lam_vol(k); `sharp`: at lam_N(k). k <= rank."""
    formula = resolvent(layer.sigma)
    if sharp and k < formula.rank:
        at, ridge_scale = degrees_ridge_bracket(formula, k, bits), 1
    else:
        at = volume_ridge_bracket(layer, k, bits)
    upper = _smoothed(layer, constant, ridge_scale)
    yield below("mean residual", _mean(layer, k), upper, at)


def _smoothed(
    layer: RationalLayer, constant: Number, ridge_scale: Number = 1
) -> Callable[[Rational], Matrix]:
    """lam -> constant lam' H_lam', lam' = ridge_scale lam > 0."""
    formula, c, s = resolvent(layer.sigma), *_alike(layer, constant, ridge_scale)
    return lambda lam: scaled(formula.smoother(s * lam), c * s * lam)


def _alike(layer: RationalLayer, *values: Number) -> list[Rational]:
    return [alike(value, layer.sigma) for value in values]


def _mixed(
    layer: RationalLayer,
    constant: Number = 1,
    output_constant: Number = 1,
    ridge_scale: Number = 1,
    by_degrees: bool = True,
) -> Callable[[Rational], Rational]:
    """lam -> constant lam' [theta N + output_constant (1 - theta) N'] at lam' = ridge_scale lam.

    0 at lam = 0; with `by_degrees` false 1 stands in place of N.
    """
    formula, theta = resolvent(layer.sigma), layer.theta
    c, c_out, s = _alike(layer, constant, output_constant, ridge_scale)
    inputs, outputs = formula.form(), formula.form(layer.outer)

    def bound(lam: Rational) -> Rational:
        lam = s * lam
        if not lam:
            return lam
        dof = formula.degrees(lam, inputs) if by_degrees else 1
        read = formula.degrees(lam, outputs)
        return c * lam * (theta * dof + c_out * (1 - theta) * read)

    return bound


def chosen_loss(layer: RationalLayer, k: int, selector: str = "best") -> Rational:
    """Tr(Q S_J) of the best J of k nodes, or of the greedy one (the lowest index of equal gains).

    Raises
    ------
    ValueError
        Another selector.
    """
    q = layer.quadratic
    if selector == "best":
        return best_loss(_listed(layer.sigma, k), q)
    if selector != "greedy":
        raise ValueError(f"selector must be best or greedy, but is {selector!r}")
    s = layer.sigma
    for _ in range(k):
        explained = product(s, product(q, s))
        gains = [(explained[j][j] / s[j][j], -j) for j in range(layer.m) if s[j][j]]
        if not gains:
            break
        s = eliminated(s, -max(gains)[1])
    return inner(q, s)


def logfree_loss(
    layer: RationalLayer,
    k: int,
    bits: int = 40,
    *,
    constant: Number = 1,
    ridge_scale: Number = 1,
    by_degrees: bool = True,
    selector: str = "best",
) -> Iterator[Decided]:
    """D6: the best J of k nodes against the bound at lam_vol(k)."""
    bound = _mixed(layer, constant, ridge_scale=ridge_scale, by_degrees=by_degrees)
    at = volume_ridge_bracket(layer, k, bits)
    yield at_most(f"{selector} J", chosen_loss(layer, k, selector), bound, at)


def greedy_loss(layer: RationalLayer, k: int, bits: int = 40) -> Iterator[Decided]:
    """A2: the greedy J of 2 nodes against the bound of D6, of the output loss alone."""
    outputs = replace(layer, theta=0 * layer.theta)
    yield from logfree_loss(outputs, min(2, layer.m), bits, selector="greedy")


def doubled_degrees(
    layer: RationalLayer,
    k: int,
    bits: int = 40,
    *,
    at: Bracket | None = None,
    constant: Number = 1,
    multiple: Number = 2,
    selector: str = "best",
) -> Iterator[Decided]:
    """D7: the best J of k nodes against the bound at lam, N(lam) = k/multiple or as given."""
    if at is None:
        dof = Fraction(k) / Fraction(multiple)
        at = degrees_ridge_bracket(resolvent(layer.sigma), dof, bits)
    loss = chosen_loss(layer, k, selector)
    yield at_most(f"{selector} J", loss, _mixed(layer, constant), at)


def tail_loss(
    layer: RationalLayer,
    k: int,
    bits: int = 40,
    *,
    constant: Number = 1,
    slope: Number = 1,
    power: Number = 1,
) -> Iterator[Decided]:
    """D8: the best L^A against constant (slope k + 1)^power times the tail; power 1 or 1/2."""
    best = min(trace(found.residual) for found in _listed(layer.sigma, k))
    tail = tail_bracket(layer, k, bits)
    base = Fraction(slope) * k + 1
    factor = _root(base, bits) if power == 0.5 else (base ** int(power),) * 2
    c, low, high = _alike(layer, constant, *factor)
    ends = Bracket(low * tail.low, high * tail.high)
    yield at_most("best J", best, lambda end: c * end, ends)


def _root(value: Fraction, bits: int) -> tuple[Fraction, Fraction]:
    """Square root from below and above, to about 2^-bits."""
    scale = 4**bits
    below_ = math.isqrt(value.numerator * scale // value.denominator)
    return Fraction(below_, 2**bits), Fraction(below_ + 1, 2**bits)


def degrees_suffice(
    layer: RationalLayer,
    k: int,
    bits: int = 40,
    *,
    at: Bracket | None = None,
    constant: Number = 1,
    residual_constant: Number = Fraction(4, 3),
    by_degrees: bool = True,
) -> Iterator[Decided]:
    """X1: mean loss, mean residual and best J of k < rank nodes at lam, N(lam) = k or as given."""
    formula, mean = resolvent(layer.sigma), _mean(layer, k)
    at = at or degrees_ridge_bracket(formula, k, bits)
    c, inputs = alike(constant, layer.sigma), formula.form()

    def loss(lam: Rational) -> Rational:
        return c * lam * (formula.degrees(lam, inputs) if by_degrees else 1)

    yield at_most("mean loss", trace(mean), loss, at)
    yield below("mean residual", mean, _smoothed(layer, residual_constant), at)
    stated = _mixed(layer, output_constant=Fraction(4, 3))
    yield at_most("best J", chosen_loss(layer, k), stated, at)


def reconstruction_size(
    layer: RationalLayer,
    k: int,
    bits: int = 40,
    *,
    constant: Number = 1,
    spare: int = 1,
    entry: Number = 1,
    uniform_constant: Number = 1,
) -> Iterator[Decided]:
    """X6: mean of ||A_J||_F^2, and of the largest volume the entries of A_J and S_J; k <= rank."""
    c, most, c_all = _alike(layer, constant, entry, uniform_constant)
    m, one, listed = layer.m, alike(1, layer.sigma), _listed(layer.sigma, k)
    sizes = [(s.volume, _reconstruction(layer.sigma, s.nodes)) for s in listed if s.volume]
    total = sum(volume for volume, _ in sizes)
    mean = sum(volume * inner(a, a) for volume, a in sizes) / total
    yield at_most("mean size", mean, lambda x: c * x, known(one * k * (m - k + spare)))
    top = max(listed, key=lambda s: s.volume)
    largest = max(abs(x) for row in _reconstruction(layer.sigma, top.nodes) for x in row)
    yield at_most("entries", largest, lambda x: most * x, known(one))
    if k < m:
        unit, next_ = identity(m, layer.sigma), spectrum(layer, bits)[k]
        factor = c_all * (1 + k * (m - k))
        yield below("all directions", top.residual, lambda x: scaled(unit, factor * x), next_)


def _reconstruction(sigma: Matrix, nodes: tuple[int, ...]) -> Matrix:
    """A_J = Sigma_FJ Sigma_JJ^{-1}, of a nonsingular block."""
    everything = range(len(sigma))
    right = block(sigma, nodes, everything)
    return transposed(solve(block(sigma, nodes, nodes), right))
