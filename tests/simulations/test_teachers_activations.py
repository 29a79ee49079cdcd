"""Activations first: the samples' second moment is the prescribed one, for given inputs too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof.simulations import decays
from pruneproof.simulations.teachers import ActivationsFirst, EmpiricalMoment, as_population


@given(
    m=st.integers(1, 24),
    spare=st.integers(0, 40),
    exponent=st.sampled_from([0.0, 1.0, 2.0, 3.0]),
    activation=st.sampled_from(["identity", "tanh", "erf"]),
    seed=st.integers(0, 50),
)
def test_prescribed_is_achieved(m, spare, exponent, activation, seed) -> None:
    mu = decays.power_law(m, exponent)
    teacher = ActivationsFirst.prescribed(mu, m + spare, activation, rng=seed)
    found = teacher.feasibility
    assert found.met
    # x = W^+ z loses the condition of a Gaussian m x 2m matrix, below 20: 1e-14 in singular values
    tolerance = np.minimum(1e-12, 2e-14 * np.sqrt(mu[0] / mu))
    assert np.all(np.abs(found.achieved.eigenvalues / (found.scale * mu) - 1.0) <= tolerance)
    assert np.max(np.abs(teacher.features(teacher.points))) <= 0.9 + 1e-12 or (
        activation == "identity"
    )


def test_given_inputs() -> None:
    x = np.random.default_rng(0).standard_normal((20, 50))
    mu = decays.exponential(8, 0.5)
    teacher = ActivationsFirst.prescribed(mu, 20, "tanh", inputs=x, rng=1)
    assert np.array_equal(teacher.points, x)
    wanted = teacher.scale * mu
    assert teacher.spectrum().eigenvalues == pytest.approx(wanted, rel=1e-12, abs=0)
    with pytest.raises(ValueError, match="20 rows of rank 20, but are 20 of rank 5"):
        ActivationsFirst.prescribed(mu, 20, inputs=x[:, :5], rng=1)


def test_the_moment_is_of_samples() -> None:
    teacher = ActivationsFirst.prescribed(decays.power_law(5, 1.0), 30, noise=0.5, rng=0)
    moment = teacher.second_moment()
    assert isinstance(moment, EmpiricalMoment)
    assert moment.samples == 30
    with pytest.raises(TypeError, match="this one is of 30 samples"):
        as_population(moment)
    with pytest.raises(ValueError, match=r"has 30 samples.* not for 10"):
        teacher.inputs(10)
    sample = teacher.sample(30, rng=1)
    assert np.array_equal(sample.inputs, teacher.points)
    assert not np.array_equal(sample.targets, teacher.targets(sample.inputs))


def test_risk_is_the_mean_over_the_samples() -> None:
    teacher = ActivationsFirst.prescribed(decays.power_law(5, 1.0), 30, rng=0)
    assert teacher.risk(teacher.network()).value <= 1e-28
    w = np.linspace(-1, 1, 5)
    gap = w - teacher.weights
    form = gap @ teacher.second_moment().matrix @ gap
    found = teacher.risk(lambda x: teacher.features(x) @ w)
    assert found.value == pytest.approx(form, rel=1e-13, abs=0)
    assert found.error == 0.0


def test_refusals() -> None:
    with pytest.raises(ValueError, match="not 'relu'"):
        ActivationsFirst.prescribed([1.0], 3, "relu", rng=0)
    with pytest.raises(ValueError, match="samples must be at least 2"):
        ActivationsFirst.prescribed([1.0, 1.0], 1, rng=0)
