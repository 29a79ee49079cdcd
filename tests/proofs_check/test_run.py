"""Runs: a worker that dies, settings that are refused, the share of the error level."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pruneproof.proofs_check import claims, run, verify
from pruneproof.proofs_check.run import judge, prepared, verdicts
from pruneproof.simulations.workers import Died


def test_a_worker_that_dies_costs_its_claim_only(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = claims("spectral.X[289]")
    settings = prepared(chosen)

    def spread(task: Any, names: list[str], workers: int) -> Iterator[Any]:
        for name in names:
            yield Died(-9) if name == "spectral.X8" else judge(*claims(name), settings)

    monkeypatch.setattr(run, "spread", spread)
    found = {verdict.claim: verdict for verdict in verdicts(chosen, settings, workers=2)}
    lost = found.pop("spectral.X8")
    assert (lost.word, lost.ok) == ("INAPPLICABLE", False)
    assert "killed by signal 9" in lost.evidence
    assert all(verdict.ok for verdict in found.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plan": "guessing"}, "plan must be one of betting, clopper-pearson, but is 'guessing'"),
        ({"alpha": 0.0}, "alpha must"),
        ({"alpha": 1.5}, "alpha must"),
        ({"certificates": "/proc/no/such/folder"}, "/proc/no/such/folder"),
    ],
)
def test_settings_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        verify("spectral.X2", **options)


def test_certificates_in_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file"):
        verify("spectral.X2", certificates=tmp_path / "file")


def test_the_error_level_is_shared_by_the_frozen_instances() -> None:
    chosen = claims("spectral.P*")
    settings = prepared(chosen, alpha=0.06)
    count = sum(len(claim.examples) for claim in chosen)
    assert settings.hypotheses == count > 1
    assert settings.share == pytest.approx(0.03 / count, rel=1e-15, abs=0)
    for claim in chosen:  # run alone at its part, it has the same share
        alone = prepared([claim], alpha=settings.part(claim))
        assert alone.share == pytest.approx(settings.share, rel=1e-14, abs=0)
    assert prepared(claims("spectral.I*")).hypotheses == 0
