"""Circulant teacher: spectra by transforms against dense ones, feasibility, a million nodes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import circulant
from scipy.stats import norm

from pruneproof import theory
from pruneproof.simulations.teachers import Circulant, EmpiricalMoment, sample_dof
from pruneproof.simulations.teachers.circulant import all_frequencies

EPS = np.finfo(float).eps
KINDS = [("identity", 1.0), ("erf", 0.5), ("relu", 1.0)]


def decay(m: int, exponent: float) -> np.ndarray:
    """Eigenvalue (1 + min(f, m - f))^-exponent at the frequencies 0..m//2."""
    return (1.0 + np.arange(m // 2 + 1)) ** -exponent


@pytest.mark.parametrize("m", [1, 2, 7, 32, 33])
@pytest.mark.parametrize(("activation", "scale"), KINDS)
def test_spectrum_is_that_of_the_dense_matrix(m: int, activation: str, scale: float) -> None:
    teacher = Circulant.prescribed(decay(m, 1.0), m, activation, scale=scale)
    dense = teacher.second_moment().matrix
    assert np.array_equal(dense, circulant(teacher.moment_row).T)
    found = np.linalg.eigvalsh(dense)[::-1]
    assert np.max(np.abs(teacher.spectrum().eigenvalues - found)) <= 8 * m * EPS * found[0]
    kernel = {
        "identity": lambda q: q,
        "erf": theory.arcsine_kernel,
        "relu": lambda q: theory.arccosine_kernel(q, centered=True),
    }[activation]
    assert np.max(np.abs(kernel(circulant(teacher.row)) - dense)) <= 8 * EPS * dense[0, 0]


def test_relu_features_are_centred_by_their_mean() -> None:
    """Where a unit is silent its feature is -E relu(u), by quadrature."""
    teacher = Circulant.prescribed(decay(8, 0.5), 8, "relu")
    v = float(teacher.row[0])
    mean, _ = quad(lambda u: u * norm.pdf(u, scale=np.sqrt(v)), 0.0, np.inf)
    found = teacher.features(teacher.inputs(50, rng=0))
    assert np.min(found) == pytest.approx(-mean, rel=1e-9, abs=0)


def test_the_scale_is_one_that_the_activation_may_have() -> None:
    for activation, scale in KINDS:
        teacher = Circulant.prescribed(decay(32, 0.5), 32, activation)
        assert teacher.feasibility.met
        mean = float(np.mean(all_frequencies(decay(32, 0.5), 32)))
        variance = scale * (1.0 if activation == "erf" else mean)
        assert teacher.moment_row[0] == pytest.approx(variance, rel=1e-14, abs=0)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize(("activation", "scale"), KINDS)
@pytest.mark.parametrize("m", [32, 1001])
def test_prescribed_is_achieved(m: int, activation: str, scale: float, exponent: float) -> None:
    half = decay(m, exponent)
    teacher = Circulant.prescribed(half, m, activation, scale=scale)
    assert teacher.feasibility.met
    wanted = np.sort(all_frequencies(half, m))[::-1] * teacher.scale
    achieved = teacher.feasibility.achieved.eigenvalues
    # the rows are exact to a few eps of their first entry, the mean eigenvalue, and transforms to
    # eps log m of the root mean square one: 1e-14 mu_1, and 1e-12 of itself down to mu_1/1000
    assert np.max(np.abs(achieved - wanted)) <= 1e-14 * wanted[0]
    large = wanted > 1e-3 * wanted[0]
    assert achieved[large] == pytest.approx(wanted[large], rel=1e-12, abs=0)
    if activation == "erf":
        assert teacher.moment_row[0] == pytest.approx(0.5, rel=4 * EPS, abs=0)


@pytest.mark.parametrize(
    ("exponent", "met"), [(0.5, True), (1.0, True), (1.5, False), (2.0, False)]
)
def test_erf_near_saturation_fails_for_fast_decays(exponent: float, met: bool) -> None:
    """At most 1000 nodes: the correlations of a longer ring fall slowly enough at any exponent."""
    for m in (32, 1000):
        teacher = Circulant.prescribed(decay(m, exponent), m, "erf", scale=0.99)
        found = teacher.feasibility
        assert found.met is met
        if not met:
            assert "read the achieved spectrum" in found.sentence
            dense = theory.arcsine_kernel(circulant(teacher.row))
            exact = np.linalg.eigvalsh(dense)[::-1]
            assert np.max(np.abs(found.achieved.eigenvalues - exact)) <= 1e-12 * exact[0]
            assert dense[0, 0] == pytest.approx(0.99, rel=1e-12, abs=0)
    assert Circulant.prescribed(decay(10**5, exponent), 10**5, "erf", scale=0.99).feasibility.met


@pytest.mark.parametrize(("activation", "scale"), KINDS)
def test_samples_follow_the_moment(activation: str, scale: float) -> None:
    teacher = Circulant.prescribed(decay(9, 1.0), 9, activation, scale=scale, noise=0.1)
    sample = teacher.sample(40_000, rng=2)
    moment = teacher.second_moment().matrix
    empirical = EmpiricalMoment.of(sample.features).matrix
    top = moment[0, 0]  # E phi^4 is below 12 top^2: 3 Gaussian, 8.0 centred ReLU
    assert np.max(np.abs(empirical - moment)) < 6 * np.sqrt(12 / 40_000) * top
    assert np.max(np.abs(np.mean(sample.features, axis=0))) < 6 * np.sqrt(top / 40_000)
    assert np.std(sample.targets - teacher.targets(sample.inputs)) == pytest.approx(0.1, rel=0.03)
    risk = teacher.risk(lambda x: 0.0 * x[:, 0], draws=4000)
    total = teacher.weights @ moment @ teacher.weights
    assert abs(risk.value - total) < 6 * risk.error < 0.3 * total


@pytest.mark.parametrize(("activation", "scale"), KINDS)
def test_a_million_nodes(activation: str, scale: float) -> None:
    m = 10**6
    teacher = Circulant.prescribed(decay(m, 1.0), m, activation, scale=scale)
    assert teacher.feasibility.met
    moment = teacher.second_moment()
    wanted = np.sort(all_frequencies(decay(m, 1.0), m))[::-1] * teacher.scale
    assert np.max(np.abs(moment.spectrum.eigenvalues - wanted)) <= 1e-14 * wanted[0]
    ridge = float(wanted[2000])
    dof = theory.degrees_of_freedom(moment.spectrum, ridge)
    by_hand = np.sum(wanted / (wanted + ridge))
    assert dof == pytest.approx(float(by_hand), rel=1e-10, abs=0)
    kappa = theory.sampled_ridge(moment.spectrum, ridge, 50_000)
    left = kappa * (1 - theory.degrees_of_freedom(moment.spectrum, kappa) / 50_000)
    assert left == pytest.approx(ridge, rel=1e-9, abs=0)
    assert sample_dof(moment, ridge, 50_000) < dof
    with pytest.raises(ValueError, match="known by its spectrum only"):
        _ = moment.matrix
    assert teacher.features(teacher.inputs(1, rng=0)).shape == (1, m)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"has 5 eigenvalues >= 0.* but 3 from 1 to 1"):
        Circulant.prescribed(np.ones(3), 8)
    with pytest.raises(ValueError, match="of identity, erf and relu units, not of 'tanh'"):
        Circulant(np.array([1.0, 0.0]), "tanh")
    with pytest.raises(ValueError, match="row must be symmetric"):
        Circulant(np.array([1.0, 0.2, 0.3]))
    with pytest.raises(ValueError, match="its least eigenvalue is -1"):
        Circulant(np.array([1.0, 2.0]))
    with pytest.raises(theory.InapplicableError, match=r"diagonal goes from 1\.5"):
        Circulant.prescribed(np.ones(3), 4, "erf", scale=1.5)
