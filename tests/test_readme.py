"""The README's Python runs as printed, and its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pruneproof.proofs_check import claims

README = Path(__file__).parent.parent / "README.md"
pytestmark = pytest.mark.skipif(not README.exists(), reason="runs in the checkout only")


def blocks() -> list[str]:
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(blocks())))
def test_python_blocks_run(number: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks()[number], f"README block {number}", "exec"), {})
    assert list(tmp_path.iterdir()) == []


def test_a_study_of_ones_own_runs_as_printed(tmp_path: Path) -> None:
    text = (README.parent / "docs" / "studies.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "means.py").write_text(block, encoding="utf-8")
    command = [sys.executable, "means.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    told = [line.split()[:3] for line in ended.stdout.splitlines()]
    assert told == [["{'n':", f"{n}}}", name] for n in (10, 100) for name in ("mean", "positive")]


def test_every_claim_is_among_the_statements() -> None:
    text = (README.parent / "docs" / "statements.md").read_text(encoding="utf-8")
    # D6, P1b, X-1, PR-X5, III-4
    listed = set(re.findall(r"\b((?:[A-Z]{1,3}-)?[A-Z]?\d+[A-Za-z]{0,2})\b", text))
    names = {claim.id.partition(".")[2] for claim in claims() if not claim.id.startswith("lemma.")}
    assert names <= listed, names - listed


def test_the_bibliography_is_whole() -> None:
    text = (README.parent / "references.bib").read_text(encoding="utf-8")
    entries = re.findall(r"^@\w+\{(\w+),\n(?:  \w+ = \{.*\},?\n)+\}$", text, flags=re.MULTILINE)
    assert len(entries) == len(set(entries)) == text.count("@")


def test_named_commands_and_targets_exist() -> None:
    text = README.read_text(encoding="utf-8")
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^    make (\w+)|`make (\w+)`", text, flags=re.MULTILINE):
        assert re.search(rf"^{''.join(target)}:", makefile, flags=re.MULTILINE), target
    cli = (README.parent / "toolkit" / "cli.py").read_text(encoding="utf-8")
    for command in set(re.findall(r"^    pruneproof (\w+)", text, flags=re.MULTILINE)):
        assert f"def {command}(" in cli or f'name="{command}"' in cli, command
    for linked in re.findall(r"\]\(([^)]+)\)", text):
        assert (README.parent / linked).exists(), linked
