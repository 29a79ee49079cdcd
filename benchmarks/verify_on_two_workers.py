"""`verify` is at least 1.7 times as fast on two workers, with the same verdicts."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import seconds, table


def verdicts(budget: str, workers: int, folder: Path) -> tuple[float, Any]:
    """Seconds of one run in a process of its own, and its verdicts without their seconds."""
    place = folder / f"{budget}-{workers}.json"
    command = [sys.executable, "-m", "pruneproof", "verify", "--budget", budget]
    options = ["--workers", str(workers), "--json", str(place)]
    took = seconds(lambda: subprocess.run(command + options, check=True, capture_output=True))
    found = json.loads(place.read_text(encoding="utf-8"))["verdicts"]
    return took, [{**verdict, "seconds": None} for verdict in found]


def main(quick: bool) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for budget, wanted in (("quick", "< 90"), ("standard", "< 360"))[: 1 if quick else 2]:
            one, alone = verdicts(budget, 1, Path(folder))
            two, shared = verdicts(budget, 2, Path(folder))
            same = "yes" if alone == shared else "NO"
            rows.append((budget, one, two, wanted, one / two, ">= 1.7", same))
    header = ("budget", "s, 1 worker", "s, 2 workers", "wanted", "ratio", "wanted", "same verdicts")
    table("verify on two workers", header, rows)


if __name__ == "__main__":
    main("--quick" in sys.argv)
