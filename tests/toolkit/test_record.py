"""The record of last verdicts: what explain shows, what a damaged record costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pruneproof.explain import explain_command
from pruneproof.proofs_check import verify
from pruneproof.record import keep, last, record_file
from pruneproof.verify import verify_command


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRUNEPROOF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_verdict_comes_back_as_it_was() -> None:
    assert last("spectral.X2") is None
    for seed in (1, 2):  # the later one takes the place of the earlier
        (verdict,) = verify("spectral.X2", seed=seed)
        keep(verdict, version="9", budget="quick", plan="betting", alpha=0.25)
    found = last("spectral.X2")
    assert found is not None
    assert found.verdict == verdict
    assert (found.version, found.budget, found.plan, found.alpha) == ("9", "quick", "betting", 0.25)


def test_explain_shows_the_last_verdict_and_how_to_repeat_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert explain_command("spectral.I4") == 0
    assert "None on this machine yet" in capsys.readouterr().out
    assert verify_command(["spectral.I4"], seed=3) == 0
    capsys.readouterr()
    assert explain_command("spectral.I4") == 0
    out = capsys.readouterr().out
    assert "as it should be" in out
    assert "search: NOT FALSIFIED: held on" in " ".join(out.split())
    assert "pruneproof verify spectral.I4 --budget quick --seed 3" in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_chance_claim_is_repeated_at_its_share_of_the_error_level(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same number of trials alone as in company."""
    assert verify_command(["spectral.X3", "spectral.P1b"]) == 0
    together = last("spectral.X3")
    assert together is not None
    capsys.readouterr()
    assert explain_command("spectral.X3") == 0
    command = next(
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("pruneproof verify")
    )
    alpha = float(command.split("--alpha ")[1])
    assert verify_command(["spectral.X3"], alpha=alpha) == 0
    alone = last("spectral.X3")
    assert alone is not None
    assert alone.verdict.instances == together.verdict.instances
    assert alone.verdict.word == together.verdict.word


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 9])
def test_a_damaged_record_costs_one_line(
    cache: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    cache.mkdir()
    record_file().write_bytes(content)
    assert verify_command(["spectral.X2", "spectral.X8"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("2 claims: ")
    assert said.err.count("\n") == 1
    assert "verdicts.sqlite cannot be used" in said.err
    assert record_file().read_bytes() == content
    assert explain_command("spectral.X2") == 0
    assert capsys.readouterr().err.count("\n") == 1


def test_a_verdict_in_the_record_that_is_none(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import sqlite3

    assert verify_command(["spectral.X2"]) == 0
    with sqlite3.connect(record_file()) as connection:
        connection.execute("UPDATE verdicts SET verdict = '{\"claim\": 3}'")
    connection.close()
    capsys.readouterr()
    assert explain_command("spectral.X2") == 0
    assert "cannot be read" in capsys.readouterr().err
