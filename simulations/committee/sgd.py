r"""Online descent of a soft committee machine: a fresh sample a step, from a committee teacher.

Student f(x) = sum_k v_k g(w_k . x), teacher y = sum_m A_m g(B_m . x) + sigma zeta, x ~ N(0, I_N),
D = f(x) - y; time is t = steps/N:

    w_k <- w_k - (eta/N) v_k g'(w_k . x) D x,        v_k <- v_k - (eta_v/N) g(w_k . x) D.

Rows are those of the papers divided by sqrt(N), as in :mod:`..teachers.committee`, so Q = W W^T.
As N grows the overlaps follow the equations of motion that ``theory.integrate_sgd`` solves, one
run's within O(N^{-1/2}) (Saad and Solla, Phys. Rev. E 52, 1995; Goldt et al., 2019 [R]).

:func:`overlap_descent` draws the overlaps themselves, in their exact law at every N >= K + M [D]:
given C = [[Q, R], [R^T, T]] the fields are h = L z with L L^T = C and z normal, and |x|^2 is |z|^2
plus a chi^2 with N - K - M degrees of freedom. A step costs (K + M)^3/6 instead of K N products.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof.theory import OrderParameters
from pruneproof.theory.arrays import as_generator, as_real

from ..teachers.committee import Committee
from .plain import Floats, value

#: A residual this many times the largest that the start could have is taken for a divergence.
RUNAWAY = 1e6
#: From a generator to a function that fills contiguous arrays with normal numbers.
Drawer = Callable[[np.random.Generator], Callable[[Floats], object]]
_CODES = {"erf": 0, "linear": 1, "identity": 1, "relu": 2}
_ROWS = 128  # inputs drawn at a time: they stay in cache until the step that reads them


@dataclass(frozen=True, eq=False)
class OnlineRun:
    """A run of online descent.

    Attributes
    ----------
    times : (n,) array
        When the overlaps were taken, in steps/N.
    orders : tuple of theory.OrderParameters
        The overlaps then.
    rows : (K, N) array
    outputs : (K,) array
        The student at the end.
    """

    times: Floats
    orders: tuple[OrderParameters, ...]
    rows: Floats
    outputs: Floats


def train_online(
    rows: Any,
    outputs: Any,
    teacher: Committee,
    times: Sequence[float],
    *,
    learning_rate: float,
    output_learning_rate: float = 0.0,
    rng: Any,
) -> OnlineRun:
    """Online descent from the student (`rows`, `outputs`), which is left as it is.

    Parameters
    ----------
    rows : (K, N) array
    outputs : (K,) array
    teacher : Committee
        Its activation is the student's too; its noise is that of the labels.
    times : sequence of float
        Times steps/N, ascending, at which the overlaps are taken; the run ends at the last.
    learning_rate, output_learning_rate : float
        eta of the first layer, eta_v of the second; 0 leaves a layer as it is.
    rng : seed or numpy.random.Generator
        Seeds the streams of :mod:`.normals`, as the inputs take most of the time.

    Raises
    ------
    ValueError
        Shapes that do not fit, negative or unordered times, learning rates below 0; and a run
        that diverges, with its time and learning rates.
    """
    from .kernels import descend
    from .normals import drawer

    return trained_online(
        descend,
        drawer,
        rows,
        outputs,
        teacher,
        times,
        learning_rate=learning_rate,
        output_learning_rate=output_learning_rate,
        rng=rng,
    )


def trained_online(
    descend: Callable[..., int],
    drawer: Drawer,
    rows: Any,
    outputs: Any,
    teacher: Committee,
    times: Sequence[float],
    *,
    learning_rate: float,
    output_learning_rate: float = 0.0,
    rng: Any,
) -> OnlineRun:
    """:func:`train_online` by the steps and draws given: compiled, or their plain twins."""
    w = np.array(as_real("rows", rows, ndim=2), order="C")
    v = np.array(as_real("outputs", outputs, ndim=1))
    b, a, n = np.asarray(teacher.rows), np.asarray(teacher.weights), w.shape[1]
    if v.shape[0] != w.shape[0] or b.shape[1] != n:
        raise ValueError(
            f"the student has {w.shape[0]} rows of {n} inputs and {v.shape[0]} outputs, the teacher"
            f" rows of {b.shape[1]} inputs; give one output weight a row, and rows of one length"
        )
    stops, rates = _as_stops(times, n), _as_rates(learning_rate, output_learning_rate)
    code, generator = _code(teacher.activation), as_generator(rng)
    fill = drawer(generator)
    size = [np.linalg.norm(each, axis=1) for each in (w, b)]
    limit = _limit(v, size[0], a, size[1], teacher.noise)
    block, noise = np.empty((_ROWS, n)), np.zeros(_ROWS)
    orders = []

    def advance(done: int, steps: int) -> int:
        x, s = block[:steps], noise[:steps]
        fill(x)
        if teacher.noise > 0:
            fill(s)
        labels = value(code, x @ b.T) @ a + teacher.noise * s
        return descend(w, v, x, labels, *rates, code, limit)

    for _ in _run(stops, _ROWS, advance, n, rates):
        orders.append(teacher.order_of(w, v))
    return OnlineRun(np.array(stops) / n, tuple(orders), w, v)


def overlap_descent(
    order: OrderParameters,
    inputs: int,
    times: Sequence[float],
    *,
    learning_rate: float,
    output_learning_rate: float = 0.0,
    noise: float = 0.0,
    activation: str = "erf",
    rng: Any,
) -> list[OrderParameters]:
    """Overlaps of online descent with `inputs` inputs, in their exact law.

    Parameters
    ----------
    order : theory.OrderParameters
        The start.
    inputs : int
        N, at least K + M.
    times, learning_rate, output_learning_rate, rng
        As in :func:`train_online`.
    noise : float
        Standard deviation sigma of the label noise.
    activation : {"erf", "linear", "relu"}

    Returns
    -------
    list of theory.OrderParameters
        One a time.

    Raises
    ------
    ValueError
        Fewer inputs than rows, times or rates out of range, and a run that diverges.
    """
    from .kernels import descend_overlaps
    from .normals import drawer

    return overlaps_descended(
        descend_overlaps,
        drawer,
        order,
        inputs,
        times,
        learning_rate=learning_rate,
        output_learning_rate=output_learning_rate,
        noise=noise,
        activation=activation,
        rng=rng,
    )


def overlaps_descended(
    descend: Callable[..., int],
    drawer: Drawer,
    order: OrderParameters,
    inputs: int,
    times: Sequence[float],
    *,
    learning_rate: float,
    output_learning_rate: float = 0.0,
    noise: float = 0.0,
    activation: str = "erf",
    rng: Any,
) -> list[OrderParameters]:
    """:func:`overlap_descent` by the steps and draws given: compiled, or their plain twins."""
    v, a = np.array(order.v, dtype=np.float64), np.array(order.A, dtype=np.float64)
    k, m = len(v), len(a)
    if inputs < k + m:
        raise ValueError(
            f"the law of the overlaps needs at least K + M = {k + m} inputs, but there are "
            f"{inputs}; use train_online, which has no such need"
        )
    q, r, t = (np.asarray(each, dtype=np.float64) for each in (order.Q, order.R, order.T))
    c = np.block([[t, r.T], [r, q]])
    factor = np.zeros_like(c)
    factor[:m, :m] = np.linalg.cholesky(t)
    stops, rates = _as_stops(times, inputs), _as_rates(learning_rate, output_learning_rate)
    code, generator = _code(activation), as_generator(rng)
    fill = drawer(generator)
    limit = _limit(v, np.sqrt(np.diag(q)), a, np.sqrt(np.diag(t)), noise)
    rows = 16 * _ROWS
    z, rest, s = np.empty((rows, k + m)), np.zeros(rows), np.zeros(rows)

    def advance(done: int, steps: int) -> int:
        fill(z[:steps])
        if inputs > k + m:
            generator.standard_gamma((inputs - k - m) / 2.0, out=rest[:steps])
        if noise > 0:
            fill(s[:steps])
        draws = z[:steps], 2.0 * rest[:steps], noise * s[:steps]
        return descend(c, v, a, factor, *draws, float(inputs), *rates, code, limit)

    found = []
    for _ in _run(stops, rows, advance, inputs, rates):
        student = np.tril(c[m:, m:])
        q = student + np.tril(student, -1).T
        found.append(OrderParameters(q, c[m:, :m].copy(), t, v.copy(), a))
    return found


def rows_of(order: OrderParameters, inputs: int, *, rng: Any) -> tuple[Floats, Floats]:
    r"""Rows W (K, N) and B (M, N) of these overlaps, uniform among all that have them.

    [B; W] = L F with L L^T = C and F a uniform frame. Online descent on white inputs from rows
    whose directions are uniform keeps them so, as no rotation changes its law: hence the rows are
    those of a trained machine, in their exact law given its overlaps [D].

    Parameters
    ----------
    order : theory.OrderParameters
    inputs : int
        N, at least K + M.
    rng : seed or numpy.random.Generator

    Raises
    ------
    ValueError
        Fewer inputs than rows.
    """
    m, count = len(order.A), len(order.A) + len(order.v)
    if inputs < count:
        raise ValueError(
            f"{count} rows of given overlaps need as many inputs, but there are {inputs}"
        )
    c = np.block([[order.T, order.R.T], [order.R, order.Q]])
    frame, signs = np.linalg.qr(as_generator(rng).standard_normal((inputs, count)))
    values, basis = np.linalg.eigh(c)
    rows = (basis * np.sqrt(np.clip(values, 0.0, None))) @ (frame * np.sign(np.diag(signs))).T
    return rows[m:], rows[:m]


def _run(
    stops: list[int],
    rows: int,
    advance: Callable[[int, int], int],
    inputs: int,
    rates: tuple[float, float],
) -> Any:
    """Advance to each stop by blocks of `rows` steps, and yield there."""
    done = 0
    for stop in stops:
        while done < stop:
            steps = min(rows, stop - done)
            taken = advance(done, steps)
            done += taken
            if taken < steps:
                raise ValueError(
                    f"online descent diverged at time {done / inputs:.4g} (step {done} with "
                    f"{inputs} inputs) at learning rates {rates[0]:g} of the first layer and "
                    f"{rates[1]:g} of the second; take smaller ones"
                )
        yield


def _limit(v: Floats, rows: Floats, a: Floats, teacher: Floats, noise: float) -> float:
    """Largest residual that passes: |g(h)| <= |h|, and |h| is of the size of the row's norm."""
    return RUNAWAY * (1.0 + float(np.abs(v) @ rows + np.abs(a) @ teacher) + noise)


def _code(activation: str) -> int:
    if activation not in _CODES:
        raise ValueError(
            f"online descent knows the units {', '.join(_CODES)}, which have a gradient, not "
            f"{activation!r}"
        )
    return _CODES[activation]


def _as_stops(times: Sequence[float], inputs: int) -> list[int]:
    found = np.asarray(as_real("times", times, ndim=1))
    if found[0] < 0 or np.any(np.diff(found) <= 0):
        raise ValueError(f"times must ascend from 0 or later, but are {found.tolist()!s:.80}")
    return [math.floor(t * inputs + 0.5) for t in found]


def _as_rates(learning_rate: float, output_learning_rate: float) -> tuple[float, float]:
    for name, rate in (
        ("learning_rate", learning_rate),
        ("output_learning_rate", output_learning_rate),
    ):
        if not (math.isfinite(rate) and rate >= 0):
            raise ValueError(f"{name} must be finite and at least 0, but is {rate}")
    return float(learning_rate), float(output_learning_rate)
