"""A wrong formula of the neighbouring theory is refuted, one sabotage at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.proofs_check import verify

Original = Any


def _scaled(factor: float) -> Callable[[Original], Any]:
    return lambda original: lambda *args, **options: factor * original(*args, **options)


def _scaled_option(place: int, factor: float) -> Callable[[Original], Any]:
    """One argument is scaled before the call."""

    def sabotage(original: Original) -> Any:
        def wrong(*args: Any, **options: Any) -> Any:
            changed = list(args)
            changed[place] = factor * changed[place]
            return original(*changed, **options)

        return wrong

    return sabotage


def _first_normal(original: Original) -> Any:
    return lambda *args, law="normal": original(*args)


def _nyquist_kept(original: Original) -> Any:
    def wrong(x: Any, m: int) -> Any:
        found = original(x, m)
        if m % 2 == 0 and m < len(x):
            found = found + np.mean(found * (-1.0) ** np.arange(m)) * (-1.0) ** np.arange(m)
        return found

    return wrong


SABOTAGES: list[tuple[str, str, str, Callable[[Original], Any]]] = [
    ("2 % more", "relu_harmonic_coefficient", "1", _scaled(1.02)),
    ("sign", "sign_harmonic_coefficient", "1", _scaled(-1.0)),
    ("2 % less", "neuron_width_tail", "1", _scaled(0.98)),
    (
        "one function more",
        "neuron_width_tail",
        "1",
        lambda f: lambda d, k, *a: f(d, k + (k > 0), *a),
    ),
    ("one more each", "harmonic_multiplicity", "1", lambda f: lambda d, ell: f(d, ell) + 1),
    ("2 % more", "neuron_width_tail", "2", _scaled(1.02)),
    ("2 % less", "harmonic_block_error", "2", _scaled(0.98)),
    ("2 % more", "average_width", "2", _scaled(1.02)),
    ("2 % less", "neuron_distances", "2", _scaled(0.98)),
    ("half", "neuron_distances", "3", _scaled(0.5)),
    ("2 % less", "discarded_energy", "4", _scaled(0.98)),
    ("2 % more", "spectral_filter", "4", _scaled(1.02)),
    ("Nyquist frequency whole", "spectral_pool", "4", _nyquist_kept),
    ("ends swapped", "pooling_error", "4", lambda f: lambda *a: f(*a)[::-1]),
    ("sqrt 2 dropped", "certified_radii", "5", _scaled(2.0**0.5)),
    ("radii doubled", "certified_points", "5", _scaled_option(4, 2.0)),
    ("2 % less", "cover_error_bound", "5", _scaled(0.98)),
    ("2 % more", "total_cover", "5", _scaled(1.02)),
    ("2 % less", "label_distances", "5", _scaled(0.98)),
    ("2 % less", "sketched_product_variance", "7", _scaled(0.98)),
    ("as of normal entries", "sketched_trace_variance", "7", _first_normal),
    ("reversed", "circular_autocorrelation", "7", lambda f: lambda x: f(x)[::-1]),
]


@pytest.mark.parametrize(
    ("name", "claim", "sabotage"),
    [row[1:] for row in SABOTAGES],
    ids=[f"{name} {what} {claim}" for what, name, claim, _ in SABOTAGES],
)
def test_sabotage_is_refuted(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    claim: str,
    sabotage: Callable[[Original], Any],
) -> None:
    monkeypatch.setattr(theory, name, sabotage(getattr(theory, name)))
    (verdict,) = verify(f"sparsity.III-{claim}", budget="quick")
    assert (verdict.word, verdict.ok) == ("REFUTED", False)


def test_wrong_occam_bounds_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = theory.best_occam_bound
    monkeypatch.setattr(theory, "best_occam_bound", lambda *a, **o: real(*a, **{**o, "bits": 0.5}))
    (verdict,) = verify("sparsity.III-6", budget="quick")
    assert verdict.word == "REFUTED"


def test_monotone_losses_would_spoil_the_false_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    real = theory.pruning_losses
    monkeypatch.setattr(theory, "pruning_losses", lambda *a: np.sort(real(*a))[::-1])
    (verdict,) = verify("sparsity.III-8", budget="quick")
    assert not verdict.ok
