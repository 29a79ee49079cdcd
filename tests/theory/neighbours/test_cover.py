"""Covers: certified points of networks whose Lipschitz constant is known, integrals, complexity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof import theory


def data(seed: int, n: int = 40, classes: int = 3):
    """Points of the unit square, labelled by a linear map of which the norm is the constant."""
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((classes, 2))
    x, train = rng.random((2, n, 2)) - 0.5
    labels, theirs = (np.argmax(points @ weight.T, axis=1) for points in (x, train))
    return weight, x, labels, train, theirs


@settings(max_examples=20)
@given(seed=st.integers(0, 9999))
def test_certified_points_are_classified_rightly(seed) -> None:
    weight, x, _, train, theirs = data(seed)
    rng = np.random.default_rng(seed)
    # labels of the points that a classifier may get wrong: the linear map is bent
    labels = np.argmax(x @ weight.T + 0.3 * rng.standard_normal((len(x), 3)), axis=1)
    g = theory.classification_margins(train @ weight.T, theirs)
    radii = theory.certified_radii(g, np.linalg.norm(weight, 2))
    sure = theory.certified_points(x, labels, train, theirs, radii)
    right = np.argmax(x @ weight.T, axis=1) == labels
    assert np.all(right[sure])


def test_the_radius_is_sharp() -> None:
    """f = (x, -x) with Lip = sqrt 2: the margin of x = .3 is .6, and the radius reaches to 0."""
    g = theory.classification_margins([[0.3, -0.3]], [0])
    radii = theory.certified_radii(g, np.sqrt(2.0))
    assert radii == pytest.approx([0.3], rel=1e-15)
    points = np.array([[1e-9], [-1e-9]])
    found = theory.certified_points(points, [0, 0], [[0.3]], [0], radii)
    assert found.tolist() == [True, False]
    assert theory.certified_points([[0.3]], [1], [[0.3]], [0], radii).tolist() == [False]


@settings(max_examples=20)
@given(seed=st.integers(0, 9999), cap=st.floats(0.05, 2.0))
def test_the_total_cover_is_the_integral_of_the_shares(seed, cap) -> None:
    _, x, labels, train, theirs = data(seed)
    distances = theory.label_distances(x, labels, train, theirs)
    # h is a step function: its integral by its jumps
    jumps = np.sort(distances[distances < cap])
    ends = np.append(jumps, cap)
    integral = float(np.diff(ends) @ (np.arange(1, len(jumps) + 1) / len(distances)))
    assert theory.total_cover(distances, cap) == pytest.approx(integral, rel=1e-12, abs=1e-15)


@settings(max_examples=15)
@given(seed=st.integers(0, 9999))
def test_the_cover_bounds_the_error(seed) -> None:
    weight, x, labels, train, theirs = data(seed)
    bent = weight + 0.1 * np.random.default_rng(seed).standard_normal(weight.shape)
    g = theory.classification_margins(train @ bent.T, theirs)
    right = g > 1e-3
    train, theirs, g = train[right], theirs[right], g[right]
    radius = float(np.min(theory.certified_radii(g, np.linalg.norm(bent, 2))))
    wrong = float(np.mean(np.argmax(x @ bent.T, axis=1) != labels))
    distances = theory.label_distances(x, labels, train, theirs)
    delta = min(radius, 1.0)
    bound = theory.cover_error_bound(distances, delta, cap=1.0, least_radius=radius)
    assert wrong <= bound


def test_distances_of_labels_without_training_points() -> None:
    found = theory.label_distances([[0.0], [1.0]], [0, 2], [[3.0], [0.5]], [0, 1])
    assert found.tolist() == [3.0, np.inf]
    assert theory.total_cover(found, 4.0) == 0.5  # (1 + 0)/2
    assert theory.cover_error_bound(found, 2.0, cap=4.0, least_radius=2.0) == 1.75


@pytest.mark.parametrize("scale", [2.0**-700, 2.0**700])
def test_distances_whose_squares_are_not_floats(scale) -> None:
    """A power of two rounds nothing: 3, 4, 5 times it, and none counts as 0."""
    points, train = np.array([[3.0, 4.0], [0.0, 1.0]]) * scale, np.zeros((1, 2))
    found = theory.label_distances(points, [0, 0], train, [0])
    assert (found / scale).tolist() == [5.0, 1.0]
    radii = np.array([2.0 * scale])
    assert theory.certified_points(points, [0, 0], train, [0], radii).tolist() == [False, True]


def test_complexity_of_two_classes_by_hand() -> None:
    """Points at their training points, the other class at .5: TC = SC = 1, MC = .5, CC = 0."""
    found = theory.cover_complexity([[0.0], [0.5]], [0, 1], [[0.0], [0.5]], [0, 1])
    assert (found.total, found.own, found.other) == (1.0, 1.0, 0.5)
    assert (found.difference, found.complexity) == (0.5, 0.0)
    moved = theory.cover_complexity([[0.1], [0.5]], [0, 1], [[0.0], [0.5]], [0, 1])
    assert moved.total == pytest.approx(0.95)
    assert moved.other == pytest.approx((0.6 + 0.5) / 2)
    assert moved.complexity == pytest.approx(0.05 / 0.4)
    swapped = theory.cover_complexity([[0.0], [0.5]], [0, 1], [[0.5], [0.0]], [0, 1])
    assert swapped.complexity == np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.classification_margins([[1.0]], [0]), "at least two outputs"),
        (lambda: theory.classification_margins([[1.0, 2.0]], [2]), "labels go from 2 to 2"),
        (lambda: theory.classification_margins([[1.0, 2.0]], [0.5]), "whole numbers"),
        (lambda: theory.certified_radii([1.0], 0.0), "lipschitz must be above 0"),
        (lambda: theory.certified_points([[0.0]], [0], [[0.0]], [0], [1.0, 1.0]), "2 entries"),
        (lambda: theory.label_distances([[0.0]], [0], [[0.0, 1.0]], [0]), "1 columns, train 2"),
        (lambda: theory.total_cover([-1.0]), "negative or NaN"),
        (
            lambda: theory.cover_error_bound([1.0], 0.5, cap=1.0, least_radius=0.2),
            "every certified radius, 0.2, but is 0.5",
        ),
        (lambda: theory.cover_complexity([[0.0]], [0], [[0.0]], [0]), "two classes or more"),
    ],
)
def test_refusals_say_why(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
