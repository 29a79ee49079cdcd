"""The command line, called within this process: starting a fresh one costs a second."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pruneproof import cli


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """``call(*arguments, cwd, **environment)`` gives the status, the output and the errors."""

    def called(*arguments: str, cwd: Path, **environment: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "argv", ["pruneproof", *arguments])
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return called
