"""What every teacher promises, whichever it is."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import sem

from pruneproof import theory
from pruneproof.simulations import decays, teachers
from pruneproof.simulations.teachers import EmpiricalMoment, PopulationMoment, Risk
from pruneproof.simulations.teachers.common import monte_carlo_risk

MU = decays.power_law(6, 1.0)
ROTATION = teachers.haar_rotation(6, rng=0)
TARGET = (ROTATION * MU) @ ROTATION.T / 2
TEACHERS = {
    "linear": teachers.LinearGaussian(MU, ROTATION, noise=0.5),
    "finite": teachers.FinitePopulation(MU, ROTATION, noise=0.5),
    "rational": teachers.RationalPopulation([3, 2, 1], teachers.random_skew(3, rng=0), noise=0.5),
    "activations": teachers.ActivationsFirst.prescribed(MU, 40, noise=0.5, rng=0),
    "erf": teachers.ErfGaussian.prescribed(TARGET, noise=0.5),
    "relu": teachers.ReluGaussian.prescribed(np.eye(6), noise=0.5),
    "circulant": teachers.Circulant.prescribed(MU[:4], 6, "relu", noise=0.5),
    "spiked": teachers.spiked(6, [3.0], noise=0.5, rng=0),
    "blocks": teachers.blocks([2, 4], [0.5, 0.1], noise=0.5),
    "source-capacity": teachers.source_capacity(6, 1.0, 0.5, noise=0.5, rng=0),
    "coherent": teachers.coherent(MU, 0.5, noise=0.5, rng=0),
    "heavy tails": teachers.HeavyTailed.random(4, [6], "cauchy", noise=0.5, rng=0),
    "committee": teachers.Committee.orthogonal(2, 5, noise=0.5, rng=0),
}


@pytest.fixture(params=sorted(TEACHERS))
def teacher(request: pytest.FixtureRequest):
    return TEACHERS[request.param]


def test_shapes_and_streams(teacher) -> None:
    n = 40
    x = teacher.inputs(n, rng=1)
    assert x.ndim == 2
    assert len(x) == n
    x.flags.writeable = False
    features = teacher.features(x)
    m = teacher.spectrum().size
    assert features.shape == (n, m)
    clean = teacher.targets(x)
    assert clean.shape == (n,)
    assert np.array_equal(clean, teacher.targets(x))
    noise = teacher.targets(x, rng=3) - clean
    assert 0.2 < np.std(noise) < 0.9
    first, second = teacher.sample(n, rng=5), teacher.sample(n, rng=5)
    for name in ("inputs", "features", "targets"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert np.array_equal(first.features, teacher.features(first.inputs))
    assert not np.array_equal(first.targets, teacher.targets(first.inputs))


def test_moment_is_that_of_the_features(teacher) -> None:
    moment = teacher.second_moment()
    assert isinstance(moment, PopulationMoment | EmpiricalMoment)
    found = np.linalg.eigvalsh(moment.matrix)[::-1]
    spectrum = teacher.spectrum()
    assert np.max(np.abs(found - spectrum.eigenvalues)) <= 1e-13 * found[0]
    if spectrum.eigenvectors is not None:
        basis = np.asarray(spectrum.eigenvectors)
        rebuilt = (basis * spectrum.eigenvalues) @ basis.T
        assert np.max(np.abs(rebuilt - moment.matrix)) <= 1e-13 * found[0]
    n = 40 if isinstance(teacher, teachers.ActivationsFirst) else 4000
    features = teacher.features(teacher.inputs(n, rng=2))
    empirical = EmpiricalMoment.of(features).matrix
    error = np.std(features[:, :, None] * features[:, None, :], axis=0) / np.sqrt(n)
    if isinstance(moment, EmpiricalMoment):
        error = error * np.sqrt(1 + n / moment.samples)
    assert np.all(np.abs(empirical - moment.matrix) <= 6 * error + 1e-13 * found[0])


def test_feasibility_tells_the_achieved_spectrum(teacher) -> None:
    found = teacher.feasibility
    assert isinstance(found.met, bool)
    assert found.sentence
    assert found.scale > 0
    assert np.array_equal(found.achieved.eigenvalues, teacher.spectrum().eigenvalues)


def test_risk_takes_networks_trained_students_and_functions(teacher) -> None:
    d = teacher.inputs(40, rng=0).shape[1]
    zero = theory.Network([theory.Dense(np.zeros((1, d)))])
    for student in (zero, SimpleNamespace(network=zero), lambda x: np.zeros(len(x))):
        risk = teacher.risk(student)
        assert isinstance(risk, Risk)
        assert risk.error >= 0.0
        mean_square = np.mean(teacher.targets(teacher.inputs(40, rng=1)) ** 2)
        assert 0.1 * mean_square < risk.value < 10 * mean_square
    itself = teacher.risk(lambda x: teacher.targets(x))
    assert itself.value <= 1e-25


def test_teachers_are_frozen(teacher) -> None:
    field = dataclasses.fields(teacher)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(teacher, field, None)


def test_public_names_are_documented() -> None:
    for name in teachers.__all__:
        thing = getattr(teachers, name)
        assert thing.__doc__, name
        for method, value in vars(thing).items() if isinstance(thing, type) else ():
            if callable(value) and not method.startswith("_"):
                assert value.__doc__, f"{name}.{method}"


def test_the_error_of_monte_carlo_is_that_of_the_mean() -> None:
    teacher = teachers.LinearGaussian([2.0, 1.0, 0.5])
    found = monte_carlo_risk(teacher, lambda x: x[:, 0] ** 2, 1000, 3)
    x = teacher.inputs(1000, rng=3)
    squares = (x[:, 0] ** 2 - teacher.targets(x)) ** 2
    # sums in another order: 1e-13
    assert found.value == pytest.approx(np.mean(squares), rel=1e-13, abs=0)
    assert found.error == pytest.approx(sem(squares), rel=1e-13, abs=0)
