"""Ball arithmetic: the quantities of one layer, each with an enclosure of its rounding error.

A ball [mid +/- rad] contains the exact value of what it stands for, as all its operations round
outwards. float64 numbers are dyadic and enter exactly. Letters: X the features (n, m), Sigma =
X^T X / n, N(lam) = Tr Sigma (Sigma + lam)^{-1} = m - lam Tr (Sigma + lam)^{-1},
S_J = Sigma - Sigma_FJ (Sigma_JJ + I_tau)^{-1} Sigma_JF the residual, e_k the elementary symmetric
functions of the eigenvalues mu_1 >= mu_2 >= ....

The working precision is flint's (``flint.ctx.prec``, in bits). A function that cannot enclose its
value at this precision raises :class:`Undecided`; at a higher one it may. Arb's own functions are
due to Johansson 2017. This module may import NumPy and flint only.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Sequence

import numpy as np

from ..sides import Floats

with contextlib.suppress(ModuleNotFoundError):  # the checkers ask for it before they come here
    import flint


#: Diagonals that separate eigenvalues, tried in turn: none, then 2^(-prec times these).
SHIFTS = (0.0, 2 / 3, 1 / 3)


class Undecided(ArithmeticError):
    """The working precision is too low to enclose the value."""


def matrix(rows: Floats | Sequence[Sequence[float]]) -> flint.arb_mat:
    """A float64 matrix, exactly."""
    numbers = np.asarray(rows, dtype=np.float64)
    if not np.all(np.isfinite(numbers)):
        raise ValueError("ball arithmetic starts from finite numbers; remove NaN and infinities")
    entries = [flint.arb(float(v)) for v in numbers.ravel()]
    return flint.arb_mat(len(numbers), numbers.shape[1], entries)


def identity(m: int, value: flint.arb | float = 1.0) -> flint.arb_mat:
    """`value` times the identity."""
    return diagonal([flint.arb(value)] * m)


def diagonal(values: Sequence[flint.arb]) -> flint.arb_mat:
    """Diagonal matrix."""
    found = flint.arb_mat(len(values), len(values))
    for i, value in enumerate(values):
        found[i, i] = value
    return found


def part(a: flint.arb_mat, rows: Iterable[int], columns: Iterable[int]) -> flint.arb_mat:
    """Rows and columns of a matrix."""
    rows, columns = [int(i) for i in rows], [int(j) for j in columns]
    return flint.arb_mat(len(rows), len(columns), [a[i, j] for i in rows for j in columns])


def solve(a: flint.arb_mat, b: flint.arb_mat) -> flint.arb_mat:
    """A^{-1} B."""
    try:
        return a.solve(b)
    except ZeroDivisionError:
        raise Undecided("the matrix may be singular") from None


def second_moment(features: flint.arb_mat) -> flint.arb_mat:
    """Sigma = X^T X / n."""
    return (features.transpose() * features) / features.nrows()


def centred(features: flint.arb_mat) -> flint.arb_mat:
    """Features less their means, in balls."""
    n = features.nrows()
    ones = flint.arb_mat(n, n, [1] * (n * n))
    return features - (ones * features) / n


def smoother(sigma: flint.arb_mat, ridge: flint.arb) -> flint.arb_mat:
    """H_lam = Sigma (Sigma + lam)^{-1} = I - lam (Sigma + lam)^{-1}."""
    one = identity(sigma.nrows())
    return one - solve(sigma + one * ridge, one) * ridge


def degrees_of_freedom(sigma: flint.arb_mat, ridge: flint.arb) -> flint.arb:
    """N(lam)."""
    return smoother(sigma, ridge).trace()


def form(theta: flint.arb, output_weights: flint.arb_mat) -> flint.arb_mat:
    """Q = theta I + (1 - theta) Z^T Z."""
    weighted = output_weights.transpose() * output_weights * (1 - theta)
    return identity(weighted.nrows(), theta) + weighted


def reconstruction(
    sigma: flint.arb_mat, kept: Sequence[int], tau: Sequence[flint.arb]
) -> flint.arb_mat:
    """A_J = Sigma_FJ (Sigma_JJ + I_tau)^{-1}, (m, k)."""
    block = part(sigma, kept, kept) + diagonal(tau)
    return solve(block, part(sigma, kept, range(sigma.nrows()))).transpose()


def residual(sigma: flint.arb_mat, kept: Sequence[int], tau: Sequence[flint.arb]) -> flint.arb_mat:
    """S_J, (m, m). J must be free of nodes that the others explain: see :func:`independent`."""
    if not kept:
        return sigma
    explained = reconstruction(sigma, kept, tau) * part(sigma, kept, range(sigma.nrows()))
    return sigma - explained


def loss(quadratic: flint.arb_mat, moment: flint.arb_mat) -> flint.arb:
    """Tr(Q S): the mixture of losses where Q is :func:`form`."""
    return (quadratic * moment).trace()


def pivots(a: flint.arb_mat) -> list[flint.arb]:
    """Pivots of A = L D L^T, up to the first that is not surely positive."""
    rows = [[a[i, j] for j in range(i + 1)] for i in range(a.nrows())]
    found: list[flint.arb] = []
    for i, row in enumerate(rows):
        pivot = row[i]
        found.append(pivot)
        if not pivot > 0:
            break
        for r in range(i + 1, len(rows)):
            below = rows[r]
            factor = below[i] / pivot
            for c in range(i + 1, r + 1):
                below[c] -= factor * rows[c][i]
    return found


def least_pivot(a: flint.arb_mat) -> flint.arb:
    """The smallest pivot where all are positive, else the first that is not surely positive.

    Positive: A is positive definite. Negative: A is not positive semidefinite, as the pivot of
    row i is v^T A v with v = (-A_11^{-1} a_1, 1, 0, ...), A_11 the rows before.
    """
    found = pivots(a)
    if not found[-1] > 0:
        return found[-1]
    least = found[0]
    for pivot in found[1:]:
        least = least.min(pivot)
    return least


def eigenvalues(a: flint.arb_mat, scale: flint.arb | None = None) -> list[flint.arb]:
    """Eigenvalues of a symmetric matrix in descending order, multiplicities counted.

    Eigenvalues that cannot be told apart are separated by a diagonal of size 2^(-2 prec/3) `scale`
    (by default the largest entry), or where that does not do 2^(-prec/3), which by Weyl's
    inequality moves each by no more than that.
    """
    a = (a + a.transpose()) / 2
    size = power_above(max_size(a) if scale is None else scale)
    draws = np.random.default_rng(0).random(a.nrows())
    for share in SHIFTS:
        step = size * flint.arb(2) ** -math.ceil(flint.ctx.prec * share) if share else flint.arb(0)
        try:
            shifted = a + diagonal([step * float(v) for v in draws])
            values = [box.real + step * flint.arb(0, 1) for box in flint.acb_mat(shifted).eig()]
            break
        except ValueError:
            continue
    else:
        raise Undecided("eigenvalues cannot be isolated")
    # the i-th largest value lies between the i-th largest lower and the i-th largest upper ends
    low = sorted((value.lower() for value in values), key=_end, reverse=True)
    high = sorted((value.upper() for value in values), key=_end, reverse=True)
    return [lo.union(hi) for lo, hi in zip(low, high, strict=True)]


def _end(value: flint.arb) -> flint.fmpq:
    """Exact number to sort by; ends of balls are dyadic."""
    return value.mid().fmpq()


def max_size(a: flint.arb_mat) -> flint.arb:
    """Enclosure of the largest size of an entry; 0 of no entries."""
    found = flint.arb(0)
    for value in a.entries():
        found = found.max(abs(value))
    return found


def power_above(value: flint.arb) -> flint.arb:
    """The exact power of two next above the size of a ball; 1 for 0."""
    if not value.is_finite():
        raise Undecided("a value is unbounded")
    mantissa, exponent = value.abs_upper().upper().mid().man_exp()
    bits = int(mantissa).bit_length()
    return flint.arb(2) ** (int(exponent) + bits) if bits else flint.arb(1)


def tail(values: Sequence[flint.arb], k: int) -> flint.arb:
    """sum_{i>k} mu_i of descending eigenvalues."""
    return sum(values[k:], flint.arb(0))


def elementary(sigma: flint.arb_mat) -> list[flint.arb]:
    """e_0, ..., e_m of the eigenvalues, from the characteristic polynomial."""
    coefficients = sigma.charpoly()
    m = sigma.nrows()
    return [(-1) ** k * flint.arb(coefficients[m - k]) for k in range(m + 1)]


def volume_loss(sigma: flint.arb_mat, k: int) -> flint.arb:
    """Mean input loss of volume sampling, (k + 1) e_{k+1}/e_k (claim spectral.I7)."""
    e = elementary(sigma)
    return (k + 1) * (e[k + 1] if k < sigma.nrows() else flint.arb(0)) / _positive(e[k])


def volume_residual(sigma: flint.arb_mat, k: int) -> flint.arb_mat:
    """Mean residual of volume sampling, E S_J = sum_{r<=k} (-1)^r e_{k-r} Sigma^{r+1} / e_k.

    This is I7 without eigenvectors: e_k(mu without mu_i) = sum_r (-mu_i)^r e_{k-r}.
    """
    e = elementary(sigma)
    total = identity(sigma.nrows(), 0.0)
    for r in range(k, -1, -1):  # Horner's rule
        total = sigma * (identity(sigma.nrows()) * e[k - r] - total)
    return total / _positive(e[k])


def _positive(value: flint.arb) -> flint.arb:
    if not value > 0:
        raise Undecided(f"the divisor {value.str(5)} may be 0")
    return value


def count_above(values: Sequence[flint.arb], ridge: flint.arb) -> flint.arb:
    """sum_j min(1, mu_j/lam)."""
    return sum((flint.arb(1).min(value / ridge) for value in values), flint.arb(0))


def volume_ridge(values: Sequence[flint.arb], k: int) -> flint.arb:
    """lam_vol(k) = min_{r<k} (sum_{j>r} mu_j)/(k - r), the root of sum_j min(1, mu_j/lam) = k."""
    least = tail(values, 0) / k
    for r in range(1, k):
        least = least.min(tail(values, r) / (k - r))
    return least


def ridge_for_degrees_of_freedom(
    sigma: flint.arb_mat, dof: flint.arb | float, bits: int = 64
) -> flint.arb:
    """Enclosure of the lam with N(lam) = dof, 0 < dof < rank, by bisection.

    N decreases from the rank to 0, and N(lam) <= Tr Sigma/lam. Each step needs the sign of
    N(lam) - dof at an exact lam, and halves the enclosure where the working precision tells it.

    Raises
    ------
    Undecided
        No lam > 0 could be shown to have more degrees of freedom than `dof`.
    """
    high = power_above(sigma.trace() / dof)
    low = high / 2
    for _ in range(flint.ctx.prec):
        if degrees_of_freedom(sigma, low) > dof:
            break
        low, high = low / 2, low if degrees_of_freedom(sigma, low) < dof else high
    else:
        raise Undecided("no ridge has as many degrees of freedom")
    for _ in range(bits):
        middle = (low + high) / 2
        found = degrees_of_freedom(sigma, middle)
        if found > dof:
            low = middle
        elif found < dof:
            high = middle
        else:  # close to the root, or at it: close in from both sides
            below, above = (low + middle) / 2, (middle + high) / 2
            low = below if degrees_of_freedom(sigma, below) > dof else low
            high = above if degrees_of_freedom(sigma, above) < dof else high
    return low.union(high)


def independent(features: Floats, kept: Sequence[int], tau: Sequence[float]) -> list[int]:
    """Places in J of nodes to solve for: those with no ridge that others explain are left out.

    Exact: float64 columns are scaled to integers and reduced over the rationals. S_J is the same
    without the nodes left out, and Sigma_JJ + I_tau is nonsingular.
    """
    free = [place for place, ridge in enumerate(tau) if ridge == 0]
    columns = [integers(features[:, kept[place]]) for place in free]
    if not columns:
        return list(range(len(kept)))
    table = flint.fmpz_mat(columns).transpose()
    if table.rank() == len(free):
        return list(range(len(kept)))
    reduced, _, rank = table.rref()
    leading = {next(c for c in range(reduced.ncols()) if reduced[r, c] != 0) for r in range(rank)}
    return [p for p in range(len(kept)) if tau[p] > 0 or free.index(p) in leading]


def integers(column: Floats) -> list[int]:
    """A float64 vector times the power of two that makes it whole."""
    ratios = [float(value).as_integer_ratio() for value in column]
    scale = max(denominator for _, denominator in ratios)
    return [numerator * (scale // denominator) for numerator, denominator in ratios]
