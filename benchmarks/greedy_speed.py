"""Greedy selection costs less than the k products `cov @ v` that its k steps seem to need.

The whole of `select_greedy`, its input check included, against k products in the same process on
one BLAS thread; against gains recomputed by refactorisation; and its peak memory.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg
from harness import interleaved, peak_floats, table
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pruneproof.theory import select_greedy
from pruneproof.theory.arrays import as_covariance

Matrix = NDArray[np.float64]
Row = tuple[str, float, float, float, str]


def graded_wishart(m: int) -> Matrix:
    """Wishart matrix of 2m samples, population variances j^-2 node by node."""
    x: Matrix = np.random.default_rng(0).standard_normal((2 * m, m)) / np.arange(1, m + 1)
    cov: Matrix = x.T @ x / (2 * m)
    return cov


def rotated_wishart(m: int) -> Matrix:
    """The same population spectrum in a random basis: all nodes look alike."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2 * m, m)) / np.arange(1, m + 1)
    x = x @ rng.standard_normal((m, m)) / np.sqrt(m)
    cov: Matrix = x.T @ x / (2 * m)
    return cov


def exponential(m: int, k: int) -> Matrix:
    """Spectrum that falls to 1e-11 at the k-th eigenvalue, in a random basis."""
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((m, m)))[0]
    x = rotation * np.exp(-0.5 * np.log(1e11) * np.arange(m) / k)
    cov: Matrix = x @ x.T
    return cov


def products(cov: Matrix, k: int) -> Callable[[], None]:
    v = np.random.default_rng(1).standard_normal(len(cov))

    def run() -> None:
        for _ in range(k):
            cov @ v

    return run


def compared(case: str, cov: Matrix, k: int, target: str, **options: Any) -> Row:
    times = interleaved(
        {"ours": lambda: select_greedy(cov, k, **options), "base": products(cov, k)}, 3
    )
    return case, times["ours"], times["base"], times["ours"] / times["base"], target


def against_products(m: int, k: int, wide: bool) -> list[Row]:
    z = np.random.default_rng(2).standard_normal((m, m))
    graded, steep = graded_wishart(m), exponential(m, k)
    at = f"m={m} k={k}"
    rows = [
        compared(f"power-law Wishart, {at}", graded, k, "<= .6"),
        compared(f"power-law Wishart in a random basis, {at}", rotated_wishart(m), k, "<= .6"),
        compared(f"exponential to 1e-11, {at}", steep, k, "<= 1.0"),
    ]
    for p in (m // 4, m):
        options = {"theta": 0.5, "output_weights": z[:p]}
        half = f"theta=.5, Z {p} x {m}"
        rows.append(compared(f"{half}, power-law, {at}", graded, k, "<= 1.2", **options))
        rows.append(compared(f"{half}, exponential, {at}", steep, k, "<= 2.0", **options))
    if wide:
        larger = graded_wishart(2 * m)
        rows.append(compared(f"power-law Wishart, m={2 * m} k={k}", larger, k, "<= .4"))
        rows.append(check(larger, k))
    return [*rows, check(graded, k)]


def check(cov: Matrix, k: int) -> Row:
    times = interleaved({"ours": lambda: as_covariance(cov), "base": products(cov, k)}, 3)
    case = f"(the input check alone, m={len(cov)} k={k})"
    return case, times["ours"], times["base"], times["ours"] / times["base"], ""


def floors(m: int, k: int) -> list[Row]:
    """BLAS alone for what no exact route avoids: deciding the input, k rows of R Q R, R Z^T."""
    cov = graded_wishart(m)
    z = np.random.default_rng(2).standard_normal((m, m))
    shifted = np.array(cov + np.eye(m), order="F")
    works: dict[str, Callable[[], Any]] = {
        "Cholesky of the input check": lambda: scipy.linalg.lapack.dpotrf(shifted, clean=False),
        "k rows of R R (theta=1)": lambda: cov[:k] @ cov,
        "all of R R, symmetric (no look-ahead)": lambda: cov @ cov.T,
        "R Z^T, Z square (theta<1)": lambda: cov @ z.T,
    }
    times = interleaved({**works, "base": products(cov, k)}, 3)
    base = times.pop("base")
    return [(f"{name}, m={m} k={k}", t, base, t / base, "") for name, t in times.items()]


def refactorised_step(cov: Matrix, kept: NDArray[np.int64]) -> Matrix:
    """All gains of one step from a fresh Cholesky factor of the kept block."""
    factor = np.linalg.cholesky(cov[np.ix_(kept, kept)])
    y = scipy.linalg.solve_triangular(factor, cov[kept], lower=True, check_finite=False)
    residual = cov - y.T @ y
    gains: Matrix = np.einsum("ij,ij->i", residual, residual) / np.maximum(
        np.diagonal(residual), np.finfo(float).tiny
    )
    return gains


def against_refactorisation(m: int, k: int) -> Row:
    """k such steps by Simpson's rule over three of them: their cost is a cubic in the step."""
    cov = graded_wishart(m)
    kept = np.asarray(select_greedy(cov, k).kept)
    works: dict[str, Callable[[], Any]] = {
        str(t): functools.partial(refactorised_step, cov, kept[:t]) for t in (1, k // 2, k - 1)
    }
    times = interleaved({"ours": lambda: select_greedy(cov, k), **works}, 3)
    first, middle, last = (times[name] for name in works)
    slow = k * (first + 4 * middle + last) / 6
    case = f"refactorisation (base, Simpson) over ours, m={m} k={k}"
    return case, times["ours"], slow, slow / times["ours"], ">= 50"


def memory(m: int, k: int) -> list[tuple[str, float, str]]:
    z = np.random.default_rng(2).standard_normal((m, m))
    rows = []
    for name, cov in (("power-law", graded_wishart(m)), ("exponential", exponential(m, k))):
        for half in (False, True):
            options: dict[str, Any] = {"theta": 0.5, "output_weights": z} if half else {}
            work = functools.partial(select_greedy, cov, k, **options)
            case = f"{name}, m={m} k={k}" + (f", theta=.5, Z {m} x {m}" if half else "")
            rows.append((case, peak_floats(work) / m**2, "<= 3"))
    return rows


def main(quick: bool) -> None:
    threadpool_limits(1)
    m, k = (512, 128) if quick else (2048, 512)
    rows = against_products(m, k, wide=not quick)
    rows += [against_refactorisation(m // 2, k // 2), against_refactorisation(m, k)]
    header = ("case", "ours s", "base s", "ratio", "target")
    table("greedy selection against k products cov @ v (medians of 3)", header, rows)
    parts = floors(m, k) + ([] if quick else floors(2 * m, k)[:2])
    table("what those k products leave room for: BLAS-3 parts alone", header, parts)
    table("peak memory beyond the input, in m^2 floats", ("case", "peak", "target"), memory(m, k))


if __name__ == "__main__":
    main("--quick" in sys.argv)
