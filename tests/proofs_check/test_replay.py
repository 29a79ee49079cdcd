"""Certificates replay in another arithmetic, and forged ones do not, whatever their hash."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

flint = pytest.importorskip("flint", reason="python-flint is not installed")

from pruneproof.proofs_check import claims  # noqa: E402
from pruneproof.proofs_check.certificates import SCHEMA, write  # noqa: E402
from pruneproof.proofs_check.certified import decision, existing, rational, replay, restated  # noqa: E402
from pruneproof.proofs_check.checkers.certified import (  # noqa: E402
    EVALUATIONS,
    certified,
    constants_of,
    decided,
)
from pruneproof.proofs_check.replaying import replay_file  # noqa: E402
from pruneproof.proofs_check.sealed import opened, sealed  # noqa: E402

HOME = Path(replay.__file__).parent


def claim(name, mutant=""):
    (found,) = claims(name)
    return found.mutated(next(m for m in found.mutants if m.name == mutant)) if mutant else found


def certificate(folder, whole, parameters):
    numbers, outcome = decided(whole, parameters)
    return write(folder, whole, parameters, constants_of(whole), numbers, outcome)


@pytest.mark.parametrize("name", sorted(EVALUATIONS))
def test_certificates_of_claims_and_mutants_replay(name, tmp_path):
    """Each rational value lies in the ball which the writer found by other formulas."""
    whole = claim(name)
    certified(whole, budget="quick", seed=0, certificates=tmp_path)
    for mutant in whole.mutants:
        certified(whole.mutated(mutant), budget="quick", seed=0, certificates=tmp_path)
    certificate(tmp_path, whole, {"family": "relu", "m": 7, "k": 3, "seed": 5})
    files = sorted(tmp_path.iterdir())
    assert len(files) >= 5
    verdicts = set()
    for file in files:
        found = replay_file(file)
        assert found.ok, f"{found.claim}: {found.sentence}"
        verdicts.add(opened(file, (SCHEMA,))["verdict"])
    assert verdicts == {"true", "false"}


@pytest.mark.parametrize("name", sorted(EVALUATIONS))
def test_the_constants_claimed_are_those_of_the_claim(name):
    stated = inspect.signature(claim(name).evaluate).parameters
    _, constants, _ = restated.STATEMENTS[name]
    module, function, _ = EVALUATIONS[name]
    found = importlib.import_module(f"pruneproof.proofs_check.certified.{module}")
    ours = inspect.signature(getattr(found, function)).parameters
    assert set(constants) == {n for n, p in ours.items() if p.kind is p.KEYWORD_ONLY}
    assert all(stated[constant].default == value for constant, value in constants.items())


@pytest.fixture
def genuine(tmp_path):
    """Content of a certificate of D6, and how to replay an altered one with a right hash."""
    parameters = {"family": "power-law", "m": 5, "k": 2}
    path = certificate(tmp_path, claim("spectral.D6"), parameters)
    document = opened(path, (SCHEMA,))

    def resealed(change):
        content = copy.deepcopy(
            {k: v for k, v in document.items() if k not in ("sha256", "schema")}
        )
        change(content)
        place = tmp_path / "forged.json"
        place.write_bytes(sealed(SCHEMA, content))
        return replay_file(place)

    assert resealed(lambda _: None).ok
    return path, document, resealed


def _nudged(text):
    """The dyadic with its last but one digit changed."""
    mantissa, exponent = text.split("p")
    changed = "1" if mantissa[-6] != "1" else "2"
    return f"{mantissa[:-6]}{changed}{mantissa[-5:]}p{exponent}"


def test_forged_enclosures_and_verdicts_are_found(genuine):
    *_, resealed = genuine

    def nudge(side):
        return lambda c: c["parts"][0][side].__setitem__(0, _nudged(c["parts"][0][side][0]))

    for side in ("lhs", "rhs"):
        found = resealed(nudge(side))
        assert not found.ok
        assert "another value is stated" in found.sentence
    found = resealed(lambda c: c.update(verdict="false"))
    assert not found.ok
    assert "the statement is true there" in found.sentence
    assert not resealed(lambda c: c["parts"][0].update(holds=False)).ok
    assert not resealed(lambda c: c["parts"][0].update(lhs=None)).ok
    assert not resealed(lambda c: c.update(parts=[])).ok


def test_forged_instances_are_found(genuine):
    _, document, resealed = genuine

    def feature(c):
        row = c["instance"]["features"][0]
        row[0] = (float.fromhex(row[0]) * (1 - 2.0**-40)).hex()

    assert "another value" in resealed(feature).sentence
    other = [j for j in range(5) if j not in document["instance"]["chosen"]][:2]
    assert "another value" in resealed(lambda c: c["instance"].update(chosen=other)).sentence
    small = resealed(lambda c: c["instance"].update(at=(1e-3).hex()))
    assert "hypotheses" in small.sentence
    twice = resealed(lambda c: c["instance"].update(kept=[1, 1]))
    assert "distinct" in twice.sentence
    negative = resealed(lambda c: c["instance"]["node_ridge"].__setitem__(0, (-1.0).hex()))
    assert "hypotheses" in negative.sentence
    for found in (small, twice, negative):
        assert not found.ok


def test_other_constants_make_another_claim(genuine):
    *_, resealed = genuine
    found = resealed(lambda c: c.update(constants={"constant": 2.0}))
    assert not found.ok
    assert "constants" in found.sentence
    assert not resealed(lambda c: c.update(claim="spectral.D6~constant x 2")).ok
    assert not resealed(lambda c: c.update(claim="spectral.D7")).ok
    assert not resealed(lambda c: c.update(claim="spectral.I4")).ok


def test_a_wide_slack_is_no_rounding(tmp_path):
    whole = claim("spectral.D1")
    path = certificate(tmp_path, whole, {"family": "spiked", "m": 4})
    content = opened(path, (SCHEMA,))
    assert any(part["slack"] != "0x0p+0" for part in content["parts"])
    assert replay_file(path).ok
    for part in content["parts"]:
        part["slack"] = "0x1p-20"
    path.write_bytes(sealed(SCHEMA, {k: v for k, v in content.items() if k != "sha256"}))
    assert "no rounding" in replay_file(path).sentence


def test_one_choice_that_misses_the_bound_refutes_nothing(tmp_path):
    """A forged refutation of D6 by a bad J: true figures, but another J meets the bound."""
    whole = claim("spectral.D6")
    instance = {"family": "diagonal", "m": 4, "k": 1, "theta": 1.0}
    numbers, _ = decided(whole, instance)
    for j in range(4):
        bad = dataclasses.replace(numbers, chosen=(j,))
        outcome = decision.decide(existing.logfree_loss, bad, {})
        if outcome.verdict == "false":
            break
    assert outcome.verdict == "false"
    found = replay_file(write(tmp_path, whole, instance, {}, bad, outcome))
    assert not found.ok
    assert "others may meet it" in found.sentence


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("spectral.B6", {"at": (2.0**-30).hex()}),
        ("spectral.D7", {"at": (1e-3).hex()}),
        ("spectral.X1", {"at": (1e-3).hex()}),
        ("spectral.X6", {"chosen": [0, 1]}),
        ("spectral.X6", {"chosen": []}),
    ],
)
def test_what_a_statement_is_made_at_is_checked(name, change, tmp_path):
    """A level or ridge that is too small, nodes of a smaller volume."""
    path = certificate(tmp_path, claim(name), {"family": "diagonal", "m": 4, "k": 2, "seed": 1})
    content = {k: v for k, v in opened(path, (SCHEMA,)).items() if k != "sha256"}
    if change.get("chosen"):  # the longest of the diagonal's axes have the largest volume
        assert content["instance"]["chosen"] == [0, 1]
        change = {"chosen": [2, 3]}
    content["instance"].update(change)
    path.write_bytes(sealed(SCHEMA, content))
    found = replay_file(path)
    assert not found.ok
    assert "hypotheses" in found.sentence


def test_damaged_files_are_refused(genuine):
    path, _, _ = genuine
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    with pytest.raises(ValueError, match="truncated"):
        replay_file(path)
    place = text.index('"rhs"')
    digit = next(i for i in range(place + 20, len(text)) if text[i] in "12345678")
    path.write_text(text[:digit] + str(int(text[digit]) + 1) + text[digit + 1 :])
    with pytest.raises(ValueError, match="altered"):
        replay_file(path)
    with pytest.raises(ValueError, match="altered"):
        replay.intact(path)


def test_garbled_figures_are_refused(genuine):
    *_, resealed = genuine
    for change in (
        lambda c: c.pop("instance"),
        lambda c: c["instance"].update(features=[["one"]]),
        lambda c: c["instance"].update(ridge=None),
        lambda c: c["parts"][0].update(slack="?"),
        lambda c: c.update(precision="many"),
    ):
        with pytest.raises(ValueError, match="figures"):
            resealed(change)


def _balls(part, side, radius):
    part[side] = ["0x0p+0", radius]


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["parts"][0].update(lhs=None, rhs=None, holds=None),
        lambda c: [_balls(c["parts"][0], side, "0x1p+99") for side in ("lhs", "rhs")],
    ],
)
def test_a_verdict_must_follow_from_the_figures_stated(genuine, change):
    """No figures, or enclosures so wide that they say nothing: right, but no certificate."""
    *_, resealed = genuine
    found = resealed(change)
    assert not found.ok
    assert "not" in found.sentence


def test_a_slack_makes_no_false_statement_true(tmp_path):
    """J of all but the last node, whose second moment is 2^-200: twice the tail exceeds it."""
    whole = claim("spectral.D2")
    path = certificate(tmp_path, whole, {"family": "diagonal", "m": 3, "k": 2, "seed": 1})
    content = {k: v for k, v in opened(path, (SCHEMA,)).items() if k != "sha256"}
    numbers, _ = decided(whole, {"family": "diagonal", "m": 3, "k": 2, "seed": 1})
    features = np.diag([1.0, 1.0, 2.0**-100])
    numbers = dataclasses.replace(
        numbers,
        features=features,
        kept=(0, 1),
        node_ridge=np.zeros(3),
        theta=1.0,
        ridge=2.0**200,
        others=np.zeros((0, 0)),
    )
    zero, wide, tail = "0x0p+0", "0x1p-150", "0x1p-199"
    part = {"kind": "numbers", "lhs": [tail, wide], "rhs": [zero, wide], "holds": True}
    content |= {
        "claim": "spectral.D2~constant x 2",
        "constants": {"constant": 2.0},
        "instance": numbers.as_hex(),
        "parts": [{**part, "part": name, "slack": "0x1p-140"} for name in ("input", "mixed")],
        "verdict": "true",
    }
    path.write_bytes(sealed(SCHEMA, content))
    found = replay_file(path)
    assert not found.ok
    assert "false" in found.sentence.lower()


def test_strange_figures_are_refused_in_one_line(genuine):
    """Infinite, endless, or of another type: no traceback, no abort, no hang."""
    *_, resealed = genuine
    for change in (
        lambda c: c["instance"].update(ridge="inf"),
        lambda c: c["instance"].update(ridge="0x1p99999"),
        lambda c: c["instance"].update(features=[]),
        lambda c: c["instance"].update(features=[[]]),
        lambda c: c["instance"].update(features=[["0x1p0"] * 999] * 2),
        lambda c: c.update(precision=10**12),
        lambda c: c.update(precision=1),
        lambda c: c.update(precision=True),
        lambda c: c["parts"][0].update(slack="0x1p-3000000000"),
        lambda c: c["parts"][0].update(lhs=["0x1p+3000000000", "0x0p+0"]),
        lambda c: c.update(claim="spectral.X9~power", constants={"power": 1e308}),
        lambda c: c.update(claim="spectral.D6~x", constants={"constant": "inf"}),
        lambda c: c.update(claim="spectral.D6~x", constants=[["constant", 1]]),
        lambda c: c.update(claim="spectral.D6~x\nspectral.D1: ok"),
        lambda c: c.update(claim=["spectral.D6"]),
    ):
        with pytest.raises(ValueError, match=r"figures|names no claim") as refused:
            resealed(change)
        assert "\n" not in str(refused.value)
    for kept in ("12", [True, 2], [1.5, 2]):
        assert not resealed(lambda c, kept=kept: c["instance"].update(kept=kept)).ok
    assert not resealed(lambda c: c.update(claim="spectral.D6~")).ok


@pytest.mark.parametrize(
    "text",
    ['{"schema": "x", "schema": "y"}', '{"a": ' * 10**5, "[" * 5000 + "]" * 5000, '{"a": 1e999}'],
)
def test_strange_documents_are_refused(text, tmp_path):
    place = tmp_path / "strange.json"
    place.write_text(text)
    with pytest.raises(ValueError, match=r"strange\.json"):
        replay_file(place)
    with pytest.raises(ValueError, match=r"strange\.json"):
        replay.intact(place)


def test_a_singular_matrix_may_be_semidefinite_or_not():
    def of(rows):
        return rational.semidefinite(flint.fmpq_mat(rows))

    assert of([[0, 0], [0, 1]])
    assert of([[1, 1], [1, 1]])
    assert of([[0]])
    assert not of([[0, 1], [1, 5]])
    assert not of([[1, 1, 0], [1, 1, 1], [0, 1, 9]])
    assert not of([[1, 2], [2, 1]])


def test_the_undecided_cannot_be_certified(tmp_path):
    whole = claim("spectral.X8")
    numbers, _ = decided(whole, {})
    with pytest.raises(ValueError, match="undecided"):
        write(tmp_path, whole, {}, {}, numbers, decision.Decision("undecided", 128, ()))


def test_the_program_runs_alone(genuine, tmp_path):
    """Three files and python-flint are all it needs: no module of the package is loaded."""
    path, document, _ = genuine
    for name in ("replay.py", "restated.py", "rational.py"):
        shutil.copy(HOME / name, tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import replay; "
        "status = replay.main([sys.argv[2]]); "
        "assert not any(m.startswith('pruneproof') or m == 'numpy' for m in sys.modules); "
        "sys.exit(status)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(path)], capture_output=True, text=True
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("spectral.D6: ok: true again")
    forged = {k: v for k, v in document.items() if k != "sha256"} | {"verdict": "false"}
    path.write_bytes(sealed(SCHEMA, forged))
    command = [sys.executable, str(tmp_path / "replay.py"), str(path)]
    wrong = subprocess.run(command, capture_output=True, text=True)
    assert wrong.returncode == 1
    assert "WRONG" in wrong.stdout
    path.write_text(json.dumps(forged))
    assert subprocess.run(command, capture_output=True, text=True).returncode == 2


def test_without_flint_the_way_to_install_it_is_named(genuine, monkeypatch):
    _, document, _ = genuine
    monkeypatch.delattr(replay, "flint")
    with pytest.raises(ValueError, match=r"pruneproof\[certify\]"):
        replay.replay_certificate(document)


def test_writing_again_gives_the_same_file(tmp_path):
    whole = claim("spectral.X1")
    first = certificate(tmp_path, whole, {"family": "block", "m": 5})
    content = first.read_bytes()
    assert certificate(tmp_path, whole, {"family": "block", "m": 5}) == first
    assert first.read_bytes() == content
