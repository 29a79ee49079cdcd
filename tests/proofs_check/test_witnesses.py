"""Witnesses: what replays as a refutation, and what does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pruneproof import theory
from pruneproof.proofs_check.replaying import replay_file
from pruneproof.proofs_check.sealed import sealed
from pruneproof.proofs_check.witnesses import SCHEMA, decided_exactly


def _witness(place: Path, claim: str, parameters: Any, outcome: Any = None) -> Path:
    content = {"claim": claim, "mutant": None, "parameters": parameters, "outcome": outcome}
    place.write_bytes(sealed(SCHEMA, {**content, "exact": None}))
    return place


@pytest.mark.parametrize(
    "parameters", [{"seed": -1}, {"m": -5}, {"m": 10**15}, {"family": "none such"}, {"theta": 7}]
)
def test_what_makes_no_instance_is_refused(parameters: Any, tmp_path: Path) -> None:
    """Also where the file says beforehand which error comes: no instance refutes nothing."""
    outcome = {"error": "ValueError", "message": "expected non-negative integer"}
    place = _witness(tmp_path / "w.json", "spectral.D6", parameters, outcome)
    with pytest.raises(ValueError, match="no such instance"):
        replay_file(place)


def test_an_exact_statement_does_not_clear_a_wrong_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The theory's figure is half of what it should be; the statement itself still holds."""
    parameters = {"family": "relu", "m": 5, "k": 2}
    real = theory.volume_bound

    def halved(*args: Any, **options: Any) -> Any:
        found = real(*args, **options)
        return dataclasses.replace(found, value=found.value / 2)

    place = _witness(tmp_path / "w.json", "spectral.D6", parameters)
    sound = decided_exactly("spectral.D6", None, parameters)
    assert sound is not None
    assert sound["decided"] == "holds"
    assert not replay_file(place).ok
    monkeypatch.setattr(theory, "volume_bound", halved)
    found = decided_exactly("spectral.D6", None, parameters)
    assert found is not None
    assert found["decided"] == "undecided"
    assert "more than rounding" in found["sentence"]
    assert replay_file(place).ok
