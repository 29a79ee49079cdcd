"""One spectrum at every coherence: where the law of the sampled loss holds and where it breaks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pruneproof import theory
from pruneproof.simulations import decays
from pruneproof.simulations.teachers import coherent, haar_rotation
from pruneproof.simulations.teachers.coherence import partial_rotation


@pytest.mark.parametrize("m", [1, 2, 9, 40])
def test_paths_are_one_parameter_groups(m: int) -> None:
    r = haar_rotation(m, rng=m)
    whole = partial_rotation(r, 1.0)
    assert np.linalg.det(whole) == pytest.approx(1.0, rel=1e-12)
    if np.linalg.det(r) > 0:
        assert np.max(np.abs(whole - r)) <= 1e-13
    assert np.max(np.abs(partial_rotation(r, 0.0) - np.eye(m))) <= 1e-13
    third = partial_rotation(r, 1 / 3)
    assert np.max(np.abs(third @ third @ third - whole)) <= 1e-13
    assert np.max(np.abs(third.T @ third - np.eye(m))) <= 1e-13


def test_spectrum_stays_and_coherence_falls() -> None:
    mu = decays.power_law(120, 2.0)
    scores = []
    for mix in (0.0, 0.1, 0.3, 1.0):
        teacher = coherent(mu, mix, rng=0)
        cov = teacher.second_moment().matrix
        assert np.max(np.abs(np.linalg.eigvalsh(cov)[::-1] - mu)) <= 1e-14
        assert np.array_equal(teacher.spectrum().eigenvalues, mu)
        scores.append(theory.coherence_score(teacher.spectrum(), 1e-3, 70))
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 2 * scores[-1] > 0


@pytest.mark.parametrize(("mix", "holds"), [(1.0, True), (0.0, False)])
def test_the_law_of_the_sampled_loss_holds_at_one_end_only(mix: float, holds: bool) -> None:
    m, width, ridge, draws = 200, 70, 1e-3, 120
    cov = coherent(decays.power_law(m, 2.0), mix, rng=1).second_moment().matrix
    law = theory.sampled_law(cov, ridge, width)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(draws):
        picked = theory.select_leverage(cov, width, ridge, rng=rng)
        losses.append(theory.information_loss(cov, picked.kept, ridge=picked.ridge))
    ratio = np.mean(losses) / law.value
    error = np.std(losses, ddof=1) / math.sqrt(draws) / law.value
    if holds:
        assert law.warning is None
        assert abs(ratio - 1.0) < 0.02 + 6 * error < 0.1
    else:
        assert law.warning is not None
        assert ratio - 4 * error > 1.5  # losses of few draws that miss a node are heavy-tailed


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"mix must lie in \[0, 1\]"):
        coherent([1.0], 1.5, rng=0)
