"""Run every benchmark in a process of its own and print their tables; `--quick` for a smoke run."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path


def main() -> int:
    here = Path(__file__).parent
    scripts = sorted(p for p in here.glob("*.py") if p.stem not in {"run", "harness"})
    print(f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform()}")
    failed = [s.stem for s in scripts if subprocess.call([sys.executable, str(s), *sys.argv[1:]])]
    if failed:
        print(f"failed: {', '.join(failed)}")
    return int(bool(failed) or not scripts)


if __name__ == "__main__":
    sys.exit(main())
