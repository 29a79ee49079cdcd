"""Degrees of freedom, kappa and the law of a million prescribed nodes take under 3 s."""

from __future__ import annotations

import sys

import numpy as np
from harness import interleaved, peak_floats, table

from pruneproof import theory
from pruneproof.simulations.teachers import Circulant


def work(m: int, activation: str) -> float:
    half = (1.0 + np.arange(m // 2 + 1)) ** -1.0
    teacher = Circulant.prescribed(half, m, activation, scale=0.5)
    spectrum = teacher.second_moment().spectrum
    ridge = float(spectrum.eigenvalues[m // 500])
    width = m // 20
    return (
        theory.degrees_of_freedom(spectrum, ridge)
        + theory.sampled_ridge(spectrum, ridge, width)
        + theory.sampled_loss_law(spectrum, ridge, width)
    )


def main(quick: bool) -> None:
    m = 10**5 if quick else 10**6
    x = np.random.default_rng(0).standard_normal(m)
    times = interleaved(
        {
            "floor": lambda: np.sort(np.fft.irfft(np.fft.rfft(x), n=m)),
            **{a: lambda a=a: work(m, a) for a in ("identity", "erf", "relu")},
        },
        3,
    )
    rows = [
        (
            name,
            seconds,
            seconds / times["floor"],
            0.0 if name == "floor" else peak_floats(lambda a=name: work(m, a)) / m,
            "" if name == "floor" else "< 3 s at m = 1e6",
        )
        for name, seconds in times.items()
    ]
    table(
        f"teacher made, then N, kappa and the law at one ridge, m={m}",
        ("activation", "s", "of the floor", "peak floats / m", "wanted"),
        rows,
        "floor: two transforms and a sort of m numbers",
    )


if __name__ == "__main__":
    main("--quick" in sys.argv)
