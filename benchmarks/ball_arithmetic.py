"""Certified figures cost milliseconds at 50 nodes: enclosures by python-flint against NumPy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import flint
import numpy as np
from harness import interleaved, table

from pruneproof.proofs_check.certified import balls

RIDGE = 0.01


def main(quick: bool) -> None:
    widths = (20, 50) if quick else (50, 100, 200, 400)
    with flint.ctx.workprec(128):
        rows = [_degrees(m, 1 if m > 200 else 3) for m in widths]
        rows += [_loss(50), _order(50)]
        rows += [_eigenvalues(20 if quick else 50)]
    table(
        "ball arithmetic at 128 bits, second moment given",
        ("what", "ms", "NumPy ms", "ratio", "radius"),
        rows,
        "Loewner: S_J' <= S_J + 2^-32 I, 10 of 20 kept nodes more, by interval LDL^T. "
        "The radius bounds the error of the value; NumPy's own is not known.",
    )


def _moments(m: int) -> tuple[Any, Any]:
    x = np.random.default_rng(m).standard_normal((m + m // 2, m))
    enclosed = balls.second_moment(balls.matrix(x))
    return enclosed, x.T @ x / len(x)


def _row(
    name: str, ours: Callable[[], Any], numpy: Callable[[], Any], radius: Any, repeats: int
) -> tuple[Any, ...]:
    times = interleaved({"ours": ours, "numpy": numpy}, repeats)
    ms = {key: 1e3 * value for key, value in times.items()}
    return name, ms["ours"], ms["numpy"], ms["ours"] / ms["numpy"], float(radius.rad())


def _degrees(m: int, repeats: int) -> tuple[Any, ...]:
    sigma, cov = _moments(m)
    lam = flint.arb(RIDGE)

    def plain() -> float:
        return float(m - RIDGE * np.trace(np.linalg.inv(cov + RIDGE * np.eye(m))))

    found = balls.degrees_of_freedom(sigma, lam)
    assert abs(float(found) - plain()) < 1e-9
    name = f"N(lam), m={m}"
    return _row(name, lambda: balls.degrees_of_freedom(sigma, lam), plain, found, repeats)


def _loss(m: int) -> tuple[Any, ...]:
    sigma, cov = _moments(m)
    kept, tau = list(range(m // 2)), [flint.arb(RIDGE)] * (m // 2)

    def plain() -> float:
        block = cov[: m // 2, : m // 2] + RIDGE * np.eye(m // 2)
        cross = cov[: m // 2]
        return float(np.trace(cov) - np.sum(cross * np.linalg.solve(block, cross)))

    found = balls.residual(sigma, kept, tau).trace()
    assert abs(float(found) - plain()) < 1e-9
    name = f"L^A, m={m}, k={m // 2}"
    return _row(name, lambda: balls.residual(sigma, kept, tau).trace(), plain, found, 5)


def _order(m: int) -> tuple[Any, ...]:
    sigma, _ = _moments(m)
    residuals = [balls.residual(sigma, list(range(k)), [flint.arb(RIDGE)] * k) for k in (20, 30)]
    above = residuals[0] - residuals[1] + balls.identity(m, 2.0**-32)
    numbers = np.array([[float(above[i, j]) for j in range(m)] for i in range(m)])
    pivot = balls.least_pivot(above)
    assert pivot > 0
    name = f"Loewner order, m={m}"
    return _row(
        name,
        lambda: balls.least_pivot(above),
        lambda: np.linalg.eigvalsh(numbers),
        pivot,
        5,
    )


def _eigenvalues(m: int) -> tuple[Any, ...]:
    sigma, cov = _moments(m)
    widest = max(balls.eigenvalues(sigma), key=lambda mu: float(mu.rad()))
    return _row(
        f"eigenvalues, m={m}",
        lambda: balls.eigenvalues(sigma),
        lambda: np.linalg.eigvalsh(cov),
        widest,
        3,
    )


if __name__ == "__main__":
    main("--quick" in sys.argv)
