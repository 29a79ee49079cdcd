"""Heavy-tailed teachers: rows of one length, tails that concentrate it, samples only."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import cauchy, norm, t

from pruneproof.simulations.teachers import EmpiricalMoment, HeavyTailed
from pruneproof.simulations.teachers.heavy_tails import TAILS, heavy_rows
from pruneproof.theory import Dense, Network, second_moment


def test_rows_have_one_length_and_heavier_tails_fewer_entries() -> None:
    shares = []
    for tail in TAILS:
        rows = heavy_rows(400, 300, tail, rng=0)
        assert np.sum(np.abs(rows), axis=1) == pytest.approx(np.ones(400), rel=1e-13, abs=0)
        shares.append(np.mean(1.0 / np.sum(rows**2, axis=1)))  # effective number of entries
    # E|a|^2/E a^2 of 300: 2/pi Normal; 4/pi^2 for t3 as n grows, with a slow excess; few for Cauchy
    assert shares[0] == pytest.approx(300 * 2 / np.pi, rel=0.03)
    assert 300 * 4 / np.pi**2 < shares[1] < 0.9 * shares[0]
    assert shares[2] < 0.3 * shares[1]


@pytest.mark.parametrize(("tail", "law"), list(zip(TAILS, (norm, t(3), cauchy))))
def test_entries_follow_their_law(tail: str, law) -> None:
    """Ratio of two quantiles of |a|, which no scale changes."""
    n = 200_000
    row = np.abs(heavy_rows(1, n, tail, rng=3)[0])
    ratio = np.quantile(row, 0.99) / np.quantile(row, 0.5)
    high, low = law.ppf(0.995), law.ppf(0.75)
    # standard errors sqrt(p (1 - p)/n)/density of both; 6 of them, added, not in quadrature
    spread = sum(
        np.sqrt(p * (1 - p) / n) / (2 * law.pdf(q) * q) for p, q in ((0.99, high), (0.5, low))
    )
    assert ratio == pytest.approx(high / low, rel=6 * spread)
    assert 6 * spread < 0.2


@pytest.mark.parametrize("tail", TAILS)
def test_teacher_is_its_network(tail: str) -> None:
    teacher = HeavyTailed.random(20, [30, 10], tail, length=5.0, noise=0.2, rng=1)
    sample = teacher.sample(5000, rng=2)
    assert sample.features.shape == (5000, 10)
    last = teacher.network.layers[-1]
    by_hand = sample.features @ last.weight[0] + last.bias[0]
    assert np.max(np.abs(teacher.targets(sample.inputs) - by_hand)) <= 1e-12
    assert np.std(sample.targets - by_hand) == pytest.approx(0.2, rel=0.06)
    for layer in teacher.network.layers:
        assert np.sum(np.abs(layer.weight), axis=1) == pytest.approx(5.0, rel=1e-13, abs=0)
    assert teacher.risk(teacher.network, draws=100).value == 0.0


def test_its_moment_is_of_samples() -> None:
    teacher = HeavyTailed.random(5, [8], "t3", rng=0)
    moment = teacher.second_moment(samples=2500, rng=4)
    assert isinstance(moment, EmpiricalMoment)
    assert moment.samples == 2500
    rng = np.random.default_rng(4)
    x = np.concatenate([teacher.inputs(n, rng=rng) for n in (1000, 1000, 500)])
    assert np.max(np.abs(moment.matrix - second_moment(teacher.features(x)))) <= 1e-12
    assert not teacher.feasibility.met
    assert "of samples" in teacher.feasibility.sentence


def test_refusals() -> None:
    with pytest.raises(ValueError, match="tail must be one of normal, t3, cauchy, but is 'levy'"):
        HeavyTailed.random(3, [2], "levy", rng=0)
    with pytest.raises(ValueError, match="at least one hidden width"):
        HeavyTailed.random(3, [], "t3", rng=0)
    with pytest.raises(ValueError, match=r"linear with one output, not Dense\(2 -> 3\)"):
        HeavyTailed(Network([Dense(np.ones((2, 4))), Dense(np.ones((3, 2)))]))
