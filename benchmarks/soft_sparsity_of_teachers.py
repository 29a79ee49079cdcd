"""Heavy-tailed teachers lose little when pruned: the study soft-sparsity beside stated medians.

Runs the study to a ledger (what the ledger holds already is not computed again) and prints, for
each law of weights, share and rule, the median error of the teachers without and with the bias
fix, the stated median in round brackets and the 95 % bootstrap interval of the median in square
ones. Stated values are medians of 100 other teachers, so that about as much error is theirs.

    python benchmarks/soft_sparsity_of_teachers.py [LEDGER] [--quick]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from harness import table

from pruneproof.simulations.studies import builtin_study, reopen, run
from pruneproof.simulations.studies.builtin import soft_sparsity
from pruneproof.simulations.studies.builtin.curves import Records


def records(ledger: Path, quick: bool) -> Records:
    """Records of the study, computed where the ledger lacks them."""
    study = builtin_study("soft-sparsity")
    study = study.quickened if quick else study
    run(study, ledger, workers=2)
    with reopen(ledger) as book:
        return list(book.records())


def main(ledger: Path, quick: bool) -> None:
    found = records(ledger, quick)
    rows = soft_sparsity.table(found)
    for place, (label, *_) in enumerate(soft_sparsity.RULES.values()):
        table(
            f"rms error / std of the outputs, {label}: median (stated) [95 % of medians]",
            ("law", "kept", "biases as they were", "biases fixed"),
            [(*row[:2], *row[2 + 2 * place : 4 + 2 * place]) for row in rows],
        )
    ratios = []
    for tail, density in soft_sparsity.STATED:
        mine = [r for r in found if (r["tail"], r["density"]) == (tail, density)]
        gains = [np.median([r[n] / r[f"{n}_fixed"] for r in mine]) for n in soft_sparsity.RULES]
        shared = np.median([r["uniform"] / r["adaptive"] for r in mine])
        bounds = [r["uniform_bound"] / r["uniform_fixed"] for r in mine]
        low, high = np.quantile(bounds, [0.05, 0.95])
        sparsity = np.mean([r["sparsity"] for r in mine])
        ratios.append(
            (tail, f"{density:.0%}", f"{min(gains):.2f} to {max(gains):.2f}", f"{shared:.3f}",
             f"{low:.0f} to {high:.0f}", f"{sparsity:.4f}")
        )  # fmt: skip
    table(
        "of single teachers",
        (
            "law",
            "kept",
            "gain by bias fix",
            "uniform/A3",
            "T6 (A)/error, uniform",
            "mean TSI",
        ),
        ratios,
    )


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "--quick"]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(arguments[0]) if arguments else Path(folder) / "soft-sparsity.ledger"
        main(place, "--quick" in sys.argv)
