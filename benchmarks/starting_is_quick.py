"""`import pruneproof` under .2 s, `--help` under .5 s, `verify --budget quick` under 60 s."""

from __future__ import annotations

import statistics
import subprocess
import sys

from harness import seconds, table


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def main(quick: bool) -> None:
    cases = [
        ("python -c pass", ("-c", "pass"), ""),
        ("import pruneproof", ("-c", "import pruneproof"), "< .2"),
        ("import pruneproof.theory", ("-c", "import pruneproof.theory"), ""),
        ("pruneproof --help", ("-m", "pruneproof", "--help"), "< .5"),
    ]
    if not quick:
        cases.append(("verify --budget quick", ("-m", "pruneproof", "verify"), "< 60"))
    rows = []
    for name, arguments, wanted in cases:
        repeats = 1 if "verify" in arguments else 5
        rows.append(
            (
                name,
                statistics.median(seconds(lambda a=arguments: run(*a)) for _ in range(repeats)),
                wanted,
            )
        )
    table("starting", ("what", "s", "wanted"), rows)


if __name__ == "__main__":
    main("--quick" in sys.argv)
