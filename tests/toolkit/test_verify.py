"""Commands verify, claims and explain: tables, files, exit status, interruption."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pruneproof import theory
from pruneproof.explain import claims_command, explain_command
from pruneproof.proofs_check import claims, run
from pruneproof.proofs_check.verdict import json_schema
from pruneproof.verify import verify_command


def test_verify_prints_a_table_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "verdicts.json"
    assert verify_command(["spectral.X[28]", "spectral.A2"], seed=1, json_path=file) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    words = {line.split()[0]: " ".join(line.split()[1:3]) for line in lines if " spec" in line[:6]}
    assert words == {
        "spectral.A2": "REFUTED (rightly)",
        "spectral.X2": "NOT FALSIFIED",
        "spectral.X8": "CERTIFIED 47",
    }
    assert lines[-1:] == [
        "3 claims: 1 REFUTED (rightly), 1 NOT FALSIFIED, 1 CERTIFIED; all as it should be"
    ]
    read = json.loads(file.read_text())
    assert [entry["claim"] for entry in read["verdicts"]] == [
        "spectral.A2",
        "spectral.X2",
        "spectral.X8",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["verdicts.json"]


def test_a_refuted_claim_is_status_1_with_its_witness(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = theory.degrees_of_freedom
    monkeypatch.setattr(theory, "degrees_of_freedom", lambda *a: 1.02 * right(*a))
    assert verify_command(["spectral.D4"]) == 1
    out = capsys.readouterr().out
    assert "spectral.D4: refuted: upper: " in out
    assert "witness: " in out
    assert "1 NOT as it should be" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patterns": ["I4"]}, "no claim matches 'I4'; did you mean spectral.I4?"),
        ({"budget": "huge"}, "budget must be one of quick, standard, deep, but is 'huge'"),
        ({"workers": 0}, "workers must be at least 1, but is 0"),
        ({"seed": -3}, "seed must be at least 0, but is -3"),
        ({"json_path": "/no/such/folder/x.json"}, "the folder /no/such/folder does not exist"),
        ({"json_path": "/"}, "it is a folder; name a file"),
    ],
)
def test_wrong_calls_are_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any], message: str
) -> None:
    assert verify_command(**{"patterns": ["spectral.X2"], **options}) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert said.err.startswith("pruneproof: ")
    assert said.err.count("\n") == 1


def test_interruption_leaves_a_valid_table_and_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = run.verdicts

    def broken_off(*args: Any, **options: Any) -> Iterator[Any]:
        yield next(whole(*args, **options))
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "verdicts", broken_off)
    file = tmp_path / "partial.json"
    assert verify_command(["spectral.X*"], json_path=file) == 130
    out = capsys.readouterr().out
    assert f"interrupted after 1 of {len(claims('spectral.X*'))} claims" in out
    read = json.loads(file.read_text())
    assert len(read["verdicts"]) == 1
    assert read["run"]["complete"] is False


def test_claims_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert claims_command("spectral.F*") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if "must-fail" in line] == [
        f"spectral.F{i}" for i in range(1, 5)
    ]
    assert max(map(len, lines)) <= 100
    assert claims_command("nothing.*") == 2
    assert "no claim matches" in capsys.readouterr().err


def test_a_claim_is_explained_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_command("spectral.X1") == 0
    out = capsys.readouterr().out
    heads = [
        "Hypotheses",
        "Statement",
        "Source",
        "Equality cases",
        "References",
        "How it is checked",
    ]
    places = [out.index(f"\n{head}\n") for head in heads]
    assert places == sorted(places)
    assert "E L^A_0 <= lam N(lam)" in out
    assert explain_command("spectral.X11") == 2
    assert "did you mean" in capsys.readouterr().err
    assert explain_command("spectral.*") == 2
    assert "name one" in capsys.readouterr().err


def test_the_json_is_what_the_published_schema_says(tmp_path: Path) -> None:
    file = tmp_path / "verdicts.json"
    verify_command(["spectral.F2", "spectral.P3", "spectral.X2", "spectral.D4"], json_path=file)
    read = json.loads(file.read_text())
    jsonschema.Draft202012Validator.check_schema(json_schema())
    check = jsonschema.Draft202012Validator(json_schema())
    check.validate(read)
    assert read["run"]["complete"] is True
    for damage in (
        lambda run: run["verdicts"][0].pop("findings"),
        lambda run: run["verdicts"][0].update(word="VERIFIED"),
        lambda run: run["verdicts"][0]["mutants"].append({"name": "x"}),
        lambda run: run.update(schema="pruneproof.verdicts/1"),
        lambda run: run["run"].update(alpha=1.5),
    ):
        wrong = json.loads(file.read_text())
        damage(wrong)
        assert not check.is_valid(wrong)
