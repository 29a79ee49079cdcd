r"""Spectra of convolutions (II-6), and spectra as gradient descent learns them (II-8).

Left sides: operators assembled from shift matrices, gradient descent step by step, and the flow of
a two-layer network integrated as it stands.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together


@dataclass(frozen=True, eq=False)
class Kernel:
    """A kernel (out, in, kh, kw) and a grid with room for it."""

    kernel: Floats
    grid: tuple[int, int]


KERNELS = ("gauss", "delta", "ones", "difference", "waves")


def kernel(
    rng: np.random.Generator,
    *,
    family: str = "gauss",
    out: int = 2,
    channels: int = 2,
    kh: int = 3,
    kw: int = 2,
    more: int = 2,
) -> Kernel:
    """Kernels of a family; "waves" (1, -1.5, 1) and "difference" (1, -1) are of one channel."""
    k = rng.standard_normal((out, channels, kh, kw))
    if family == "delta":
        first = k[:, :, 0, 0]
        k = np.zeros_like(k)
        k[:, :, -1, 0] = first
    elif family == "ones":
        k = np.ones((out, channels, kh, kw))
    elif family == "difference":
        k = np.array([[[[1.0, -1.0]]]])
    elif family == "waves":
        k = np.array([[[[1.0, -1.5, 1.0]]]])
    elif family != "gauss":
        raise ValueError(f"unknown family {family!r}; choose from {', '.join(KERNELS)}")
    return Kernel(k, (k.shape[2] + more, k.shape[3] + more))


def _operator(k: Floats, grid: tuple[int, int], *, circular: bool) -> Floats:
    """Sum over taps of K[:, :, a, b] x (shift by a) x (shift by b)."""

    def shift(n: int, by: int) -> Floats:
        return np.roll(np.eye(n), by, axis=1) if circular else np.eye(n, k=by)

    kh, kw = k.shape[2:]
    total: Any = 0.0
    for a, b in itertools.product(range(kh), range(kw)):
        rows = shift(grid[0], a - (kh - 1) // 2)
        columns = shift(grid[1], b - (kw - 1) // 2)
        total = total + np.kron(k[:, :, a, b], np.kron(rows, columns))
    return np.asarray(total)


@register(
    "sparsity.II-6",
    "identity",
    kernel,
    {
        "family": Choice(KERNELS[:3]),
        "out": Whole(1, 2),
        "channels": Whole(1, 2),
        "kh": Whole(1, 4),
        "kw": Whole(1, 4),
        "more": Whole(0, 2),
        "seed": Whole(0, 65535),
    },
    (
        *({"family": family} for family in KERNELS),
        {"family": "difference", "more": 1},
        {"family": "waves", "more": 0},
        {"kh": 1, "kw": 1},
        {"out": 1, "channels": 2, "kh": 4, "kw": 1},
    ),
    (
        Mutant("energy x .95", {"energy": 0.95}),
        Mutant("sqrt(kh kw) x .95", {"upper": 0.95}),
        Mutant("lower end x 1/.95", {"lower": 1 / 0.95}),
        Mutant("zero padding on the same circle", {"larger": 0}),
        Mutant("no cosine", {"cosine": False}),
        Mutant("half the grid's frequencies", {"all_frequencies": False}),
    ),
)
def spectra_of_convolutions(
    case: Kernel,
    *,
    energy: float = 1.0,
    upper: float = 1.0,
    lower: float = 1.0,
    larger: int = 1,
    cosine: bool = True,
    all_frequencies: bool = True,
) -> Sides:
    """Singular values of a circular convolution are those of its symbols; norms of all paddings.

    Hypotheses
    ----------
    Kernel K (o, i, kh, kw), stride 1, a grid n x n' with room for it; R = K reshaped to
    (o, i kh kw), Rt to (i, o kh kw); P(u, v) the two-dimensional DFT of K with zeros around.

    Statement
    ---------
    The singular values are those of all P(u, v), and sum ||P||_F^2 = n n' ||K||_F^2.
    max(||R||_2, ||Rt||_2) <= ||circular||_2 <= sqrt(kh kw) min(||R||_2, ||Rt||_2). Zero padding on
    n is at most circular on n + floor(k/2), not on n. Over all frequencies ||P||_2 is at most its
    largest value on a grid of N an axis, over cos(pi (k - 1)/(2 N)) an axis.

    Source
    ------
    Sedghi, Gupta and Long [R]; ends, padding and all frequencies derived [D] (Ehlich and Zeller).

    References
    ----------
    Sedghi, Gupta and Long 2019; Ehlich and Zeller 1964
    """
    k, grid = case.kernel, case.grid
    kh, kw = k.shape[2:]
    dense = np.linalg.svd(_operator(k, grid, circular=True), compute_uv=False)
    symbols = theory.convolution_symbols(k, grid)
    listed = np.linalg.svd(symbols, compute_uv=False).ravel()
    if not all_frequencies:
        listed = np.repeat(listed[: (len(listed) + 1) // 2], 2)[: len(listed)]
    ours = theory.convolution_singular_values(k, grid)
    square = energy * math.prod(grid) * float(np.sum(k**2))
    flat = [float(np.linalg.norm(x.reshape(len(x), -1), 2)) for x in (k, np.swapaxes(k, 0, 1))]
    reach = math.sqrt(kh * kw)
    top, fine = float(dense[0]), np.fft.fft2(k, s=(36, 36))
    sup = float(np.linalg.svd(np.moveaxis(fine, (2, 3), (0, 1)), compute_uv=False).max())
    factor = math.prod(1 / math.cos(math.pi * (a - 1) / (2 * n)) for a, n in zip((kh, kw), grid))
    padded = float(np.linalg.norm(_operator(k, grid, circular=False), 2))
    room = (grid[0] + larger * (kh // 2), grid[1] + larger * (kw // 2))
    around = float(theory.convolution_singular_values(k, room)[0])
    zero = float(theory.convolution_singular_values(k, grid, padding="zero")[0])
    bound = theory.convolution_norm_bound(k, grid)
    scale, size = reach * float(np.linalg.norm(k)), 8 * math.prod(grid)
    many = scale * math.sqrt(math.prod(grid))
    every = factor if cosine else 1.0
    return together(
        equal(np.sort(listed)[::-1], dense, scale=many, size=size, part="union of symbols"),
        equal(ours, dense, scale=many, size=size, part="singular values"),
        equal(np.sum(np.abs(symbols) ** 2), square, scale=many**2, size=size, part="energy"),
        equal(theory.reshaped_norms(k), flat, scale=scale, size=size, part="reshaped"),
        equal(bound.value, reach * min(flat), scale=scale, size=size, part="bound"),
        equal(zero, padded, scale=scale, size=size, part="zero padding"),
        equal(
            theory.all_frequencies_bound(k, grid).value,
            factor * top,
            scale=factor * scale,
            size=size,
            part="bound on all frequencies",
        ),
        at_most(lower * max(flat), top, scale=scale, size=size, part="lower end"),
        at_most(top, upper * reach * min(flat), scale=scale, size=size, part="upper end"),
        at_most(padded, around, scale=scale, size=size, part="padding"),
        at_most(sup, every * top, scale=factor * scale, size=size, part="all frequencies"),
    )


@dataclass(frozen=True, eq=False)
class Learning:
    """A regression by gradient descent, a two-layer network's flow, and one sample's step."""

    start: Floats
    target: Floats
    samples: Floats
    share: float
    steps: int
    strengths: Floats
    first: float
    time: float
    update: Floats


def learning(
    rng: np.random.Generator,
    *,
    outputs: int = 3,
    n: int = 4,
    rank: int = 4,
    share: float = 0.5,
    steps: int = 10,
    log10_first: float = -2.0,
    time: float = 2.0,
    log10_step: float = 0.0,
) -> Learning:
    """Inputs of some rank, a rate that is `share` of the largest stable one, strengths (.2, 2)."""
    x = rng.standard_normal((n + 3, min(rank, n))) @ rng.standard_normal((min(rank, n), n))
    start, target = rng.standard_normal((2, outputs, n))
    step = np.outer(rng.standard_normal(outputs), rng.standard_normal(n))
    strengths = rng.uniform(0.2, 2.0, min(outputs, n))
    first = 10.0**log10_first
    return Learning(start, target, x, share, steps, strengths, first, time, 10.0**log10_step * step)


@register(
    "sparsity.II-8",
    "identity",
    learning,
    {
        "outputs": Whole(1, 4),
        "n": Whole(1, 5),
        "rank": Whole(1, 5),
        "share": Real(0.01, 0.95),
        "steps": Whole(0, 30),
        "log10_first": Real(-3.0, 0.5),
        "time": Real(0.0, 4.0),
        "log10_step": Real(-2.0, 2.0),
        "seed": Whole(0, 65535),
    },
    (
        {},
        {"rank": 2, "share": 0.9},
        {"steps": 0, "time": 0.0},
        {"outputs": 1, "n": 1},
        {"log10_first": 0.5, "log10_step": 2.0},
    ),
    (
        Mutant("rate x .95", {"rate": 0.95}),
        Mutant("one step more", {"extra": 1}),
        Mutant("exp(-s t) in place of exp(-2 s t)", {"speed": 1.0}),
        Mutant("singular values keep their places", {"places": 0}),
    ),
)
def spectra_learned(
    case: Learning,
    *,
    rate: float = 1.0,
    extra: int = 0,
    speed: float = 2.0,
    places: int = 1,
) -> Sides:
    """How gradient descent learns a spectrum, mode by mode; a single sample's step interlaces it.

    Hypotheses
    ----------
    Full batch, rate eta, E ||W x - y||^2/2 with Sigma = E x x^T and W* Sigma = E y x^T. Of two
    layers: white inputs, a balanced start aligned with the target's modes, product u_0 > 0 of each.

    Statement
    ---------
    W_t - W* = (W_0 - W*)(I - eta Sigma)^t; a mode of target s is s/(1 + (s/u_0 - 1) e^{-2 s t}) at
    time t of the flow; R of rank one: sig_{i+1}(W) <= sig_i(W + R), sig_{i+1}(W + R) <= sig_i(W).

    Source
    ------
    Derived [D]; the mode of two layers Saxe, McClelland and Ganguli [R].

    References
    ----------
    Saxe, McClelland and Ganguli 2014
    """
    x = case.samples
    sigma = x.T @ x / len(x)
    eta = case.share * 2 / float(np.linalg.eigvalsh(sigma)[-1])
    w = case.start
    for _ in range(case.steps):
        w = w - eta * (w - case.target) @ sigma
    second, steps = theory.second_moment(x), case.steps + extra
    ours = theory.gradient_descent_weight(
        case.start, case.target, second, learning_rate=rate * eta, steps=steps
    )
    scale = float(np.linalg.norm(case.start) + np.linalg.norm(case.target))
    size = (case.steps + 4) * sigma.size
    s, u0, t = case.strengths, case.first, case.time
    learned = _flow(s, u0, t)
    logistic = s / (1 + (s / u0 - 1) * np.exp(-speed * s * t))
    stated = [float(theory.linear_mode_strength([t], target=float(one), start=u0)[0]) for one in s]
    # the integrator keeps 3e-14 a step over some hundred steps, relative to s or u_0
    loose = 100 * (u0 + float(np.max(s)))
    before, after = (
        np.linalg.svd(m, compute_uv=False) for m in (case.start, case.start + case.update)
    )
    kept = len(before) - places
    both = float(before[0] + after[0])
    parts = [
        equal(ours, w, scale=scale, size=size, part="gradient descent"),
        equal(learned, logistic, scale=loose, size=100, part="two layers"),
        equal(stated, learned, scale=loose, size=100, part="theory of two layers"),
    ]
    for i in range(kept):
        up, down = before[i + places], after[i + places]
        parts.append(at_most(up, after[i], scale=both, size=size, part=f"sig_{i + 1} above"))
        parts.append(at_most(down, before[i], scale=both, size=size, part=f"sig_{i + 1} below"))
    if len(before) > 1:
        slack = min(*(after[:-1] - before[1:]), *(before[:-1] - after[1:]))
        least = theory.rank_one_interlacing(case.start, case.update)
        parts.append(equal(least, slack, scale=both, size=size, part="slack"))
    return together(*parts)


def _flow(strengths: Floats, first: float, time: float) -> Floats:
    """Products u_i(time) of W_2 W_1 along the gradient flow towards the diagonal of strengths."""
    from scipy.integrate import solve_ivp

    k = len(strengths)
    start = np.sqrt(first) * np.eye(k)
    if time == 0:
        return np.full(k, first)

    def change(_: float, layers: Any) -> Any:
        one, two = layers.reshape(2, k, k)
        error = np.diag(strengths) - two @ one
        return np.concatenate([(two.T @ error).ravel(), (error @ one.T).ravel()])

    ends = solve_ivp(
        change,
        (0.0, time),
        np.concatenate([start.ravel(), start.ravel()]),
        method="DOP853",
        rtol=3e-14,
        atol=1e-14,
    ).y[:, -1]
    one, two = ends.reshape(2, k, k)
    return np.asarray(np.diag(two @ one))
