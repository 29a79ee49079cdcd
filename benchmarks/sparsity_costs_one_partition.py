"""The largest entries of each row, and a round of adaptive pruning, cost about one partition."""

from __future__ import annotations

import sys

import numpy as np
from harness import interleaved, table

from pruneproof.theory import sap_count, sap_step, top_entries


def main(quick: bool) -> None:
    rng = np.random.default_rng(0)
    d, weights = (1024, 10**6) if quick else (4096, 10**7)
    w = rng.standard_normal((d, d))
    rows = []
    for kept in (d // 100, d // 10, d // 2):
        times = interleaved(
            {
                "ours": lambda kept=kept: top_entries(w, kept),
                "base": lambda kept=kept: np.argpartition(np.abs(w), d - kept, axis=1),
            },
            3,
        )
        name = f"top {kept} of each of {d} rows | argpartition of |w|"
        rows.append((name, times["ours"], times["base"], times["ours"] / times["base"]))
    v = rng.standard_t(3, (1000, weights // 1000))
    masks = {"all": None, "half": [rng.random(v.shape) < 0.5]}
    for name, mask in masks.items():
        left = v if mask is None else v[mask[0]]
        count = sap_count(left)
        times = interleaved(
            {
                "ours": lambda mask=mask: sap_step([v], mask),
                "base": lambda mask=mask, count=count: np.partition(
                    np.abs(v).reshape(-1) if mask is None else np.abs(v[mask[0]]), count
                ),
            },
            3,
        )
        name = f"one round on {left.size:.0e} weights ({name} left) | partition of |w|"
        rows.append((name, times["ours"], times["base"], times["ours"] / times["base"]))
    table("soft sparsity beside one partition", ("what", "s", "base s", "ratio"), rows)


if __name__ == "__main__":
    main("--quick" in sys.argv)
