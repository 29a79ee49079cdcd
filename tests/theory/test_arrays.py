"""Gates of arguments: what passes, of which kind it comes back, and what is refused."""

from __future__ import annotations

import array_api_compat.numpy as compat
import array_api_strict
import numpy as np
import pytest

from pruneproof.theory import arrays

EPS = np.finfo(float).eps


def test_numbers_lists_and_tuples_count_as_numpy(to_backend) -> None:
    assert arrays.namespace() is compat
    assert arrays.namespace(1.0, [1], (2,)) is compat
    x = to_backend(np.ones(2))
    assert arrays.namespace([1.0], x) is arrays.namespace(x)
    assert arrays.is_numpy(arrays.namespace(x)) == isinstance(x, np.ndarray)


def test_every_library_reaches_the_host_with_its_entries(to_backend) -> None:
    given = np.array([[1, -2], [3, 4]], dtype=np.int32)
    found = arrays.to_numpy(to_backend(given))
    assert type(found) is np.ndarray
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, given)
    assert arrays.to_numpy(given) is given


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int64, np.float32, np.float64])
def test_real_entries_become_float64_of_the_same_library(kind, to_backend) -> None:
    given = np.array([[0.1, 1.0], [1e7, 3.0]]).astype(kind)
    x = to_backend(given)
    found = arrays.as_real("x", x)
    assert type(found) is type(x)
    assert found.dtype == arrays.namespace(x).float64
    np.testing.assert_array_equal(arrays.to_numpy(found), given.astype(np.float64))
    assert kind != np.float64 or found is x or not isinstance(x, np.ndarray)  # no copy


def test_entries_that_are_not_real_are_refused_in_every_library(to_backend) -> None:
    with pytest.raises(ValueError, match=r"x has entries of type .*complex"):
        arrays.as_real("x", to_backend(np.ones(2) + 0j))
    with pytest.raises(ValueError, match="masked"):
        arrays.as_real("x", np.ma.masked_array([1.0, 2.0], mask=[False, True]))
    unmasked = arrays.as_real("x", np.ma.masked_array([1.0, 2.0]))
    assert type(unmasked) is np.ndarray


@pytest.mark.filterwarnings("error")
def test_what_is_not_finite_is_counted_and_placed(to_backend) -> None:
    x = np.zeros((3, 4))
    x[1, 2], x[2, 0], x[2, 1] = np.inf, -np.inf, np.nan
    with pytest.raises(ValueError, match=r"x has 3 entries .* first at \(1, 2\)"):
        arrays.as_real("x", to_backend(x))
    arrays.as_real("x", to_backend(x), finite=False)
    arrays.as_real("x", to_backend(np.full(3, 1e308)))  # finite, though the sum overflows


@pytest.mark.parametrize(
    ("x", "ndim", "words"),
    [
        (np.zeros((3, 0)), 2, r"empty \(shape \(3, 0\)\)"),
        (np.zeros((0, 3)), 2, r"empty \(shape \(0, 3\)\)"),
        ([1.0], 0, r"must be a single number, but has shape \(1,\)"),
        (1.0, 1, r"must have 1 axis, but has shape \(\)"),
        ([1.0], 2, r"must have 2 axes, but has shape \(1,\)"),
    ],
)
def test_shapes_are_named_in_the_message(x, ndim, words) -> None:
    with pytest.raises(ValueError, match=words):
        arrays.as_real("x", x, ndim=ndim)
    assert arrays.as_real("x", np.zeros((0, 3)), ndim=2, empty=True).shape == (0, 3)


def test_rounding_unit_of_what_was_handed_in() -> None:
    for kind in (np.float16, np.float32, np.float64):
        assert arrays.input_eps(np.ones(1, dtype=kind)) == np.finfo(kind).eps
    assert arrays.input_eps(np.ones(1, dtype=int)) == EPS
    assert arrays.input_eps([1.0]) == EPS
    assert arrays.input_eps(array_api_strict.ones(1, dtype=array_api_strict.float32)) == 2.0**-23


def test_symmetrising_leaves_the_argument_alone() -> None:
    cov = np.eye(3)
    cov[0, 1] = EPS
    before = cov.copy()
    found = arrays.as_covariance(cov)
    np.testing.assert_array_equal(cov, before)
    assert found[0, 1] == found[1, 0] == EPS / 2
    symmetric = np.eye(3)
    assert arrays.as_covariance(symmetric) is symmetric


@pytest.mark.parametrize(("i", "j"), [(3, 299), (299, 3), (130, 131), (0, 1), (127, 128)])
def test_asymmetry_is_found_in_every_block(i: int, j: int) -> None:
    cov = np.eye(300)
    cov[i, j] = 0.25
    with pytest.raises(ValueError, match=r"largest .* is 0\.25, where"):
        arrays.as_covariance(cov)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e-100, 1e160, 1e300])
def test_the_gate_judges_alike_at_every_scale(scale: float, to_backend) -> None:
    x = np.random.default_rng(0).standard_normal((5, 20))
    cov = scale * (x.T @ x)  # rank 5: rounding makes computed eigenvalues negative
    arrays.as_covariance(to_backend(cov))
    tolerance = 20 * EPS * np.linalg.norm(cov / scale) * scale
    assert arrays.as_symmetric(cov)[1] == pytest.approx(tolerance, rel=1e-12, abs=0)
    with pytest.raises(ValueError, match="semidefinite"):
        arrays.as_covariance(to_backend(cov - 0.1 * scale * np.eye(20)))
    cov[2, 5] += 0.1 * scale
    with pytest.raises(ValueError, match="symmetric"):
        arrays.as_covariance(to_backend(cov))
    assert arrays.as_symmetric(np.zeros((2, 2)))[1] == 0.0
    assert arrays.as_symmetric([[-scale]])[1] == pytest.approx(EPS * scale, rel=1e-12, abs=0)


@pytest.mark.parametrize("large", [0, 1000])
def test_both_factorisations_draw_the_line_at_one_tolerance(
    to_backend, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "_LARGE", large)
    cov = np.full((3, 3), 1.0)
    cov[2, :] = cov[:, 2] = 0.0
    tolerance = arrays.as_symmetric(cov)[1]
    for factor, passes in ((0.5, True), (1.5, False)):  # eigenvalues err by eps, 1/6 of it
        cov[2, 2] = -factor * tolerance
        for order in ("C", "F"):
            given = to_backend(np.array(cov, order=order))
            assert arrays._is_semidefinite(given, tolerance) == passes
            if passes:
                assert arrays.as_covariance(given) is given
            else:
                with pytest.raises(ValueError, match="semidefinite"):
                    arrays.as_covariance(given)
            assert np.array_equal(arrays.to_numpy(given), cov)  # nothing is factored in place


@pytest.mark.parametrize("m", range(1, 9))
def test_the_packed_triangle_unpacks_to_the_matrix(m: int) -> None:
    from scipy.linalg.lapack import dtfttr

    cov = np.arange(1.0, m * m + 1).reshape(m, m)
    cov = cov + cov.T
    n, packed = arrays._packed_lower(cov, 0.25)
    bordered = np.eye(n) * 1.25
    bordered[:m, :m] = cov + 0.25 * np.eye(m)
    full = dtfttr(n, packed, transr="N", uplo="L")[0]
    assert np.array_equal(np.tril(full), np.tril(bordered))


def test_ridges_thetas_and_probabilities_at_their_ends() -> None:
    assert arrays.as_ridge(np.array(0)) == 0.0
    with pytest.raises(ValueError, match="ridge must be above 0, but is 0"):
        arrays.as_ridge(0.0, positive=True)
    with pytest.raises(ValueError, match="lam must be at least 0, but is -1"):
        arrays.as_ridge(-1, name="lam")
    assert (arrays.as_theta(0), arrays.as_theta(1)) == (0.0, 1.0)
    for theta in (-EPS, 1 + EPS):
        with pytest.raises(ValueError, match=r"theta must lie in \[0, 1\]"):
            arrays.as_theta(theta)
    assert arrays.as_probability("delta", EPS) == EPS
    for delta in (0.0, 1.0):
        with pytest.raises(ValueError, match="delta must lie strictly between 0 and 1"):
            arrays.as_probability("delta", delta)


def test_node_ridges_join_the_library_of_the_matrix(to_backend) -> None:
    like = to_backend(np.ones(1))
    xp = arrays.namespace(like)
    for ridge in (2, np.float32(2.0), [2.0] * 3, np.full(3, 2), to_backend(np.full(3, 2.0))):
        tau = arrays.as_node_ridge(ridge, 3, xp)
        assert type(tau) is type(like)
        assert tau.dtype == xp.float64
        np.testing.assert_array_equal(arrays.to_numpy(tau), [2.0, 2.0, 2.0])
    assert type(arrays.as_node_ridge(array_api_strict.ones(3), 3, compat)) is np.ndarray
    for wrong in (np.ones((2, 3)), np.ones((3, 1)), np.ones(2)):
        with pytest.raises(ValueError, match=r"scalar or have shape \(3,\) \(one a kept node\)"):
            arrays.as_node_ridge(wrong, 3, xp, length="one a kept node")
    with pytest.raises(ValueError, match=r"smallest entry is -0\.5"):
        arrays.as_node_ridge([1.0, -0.5, 0.0], 3, xp)
    with pytest.raises(ValueError, match="ridge has 1 entries that are NaN"):
        arrays.as_node_ridge([1.0, np.nan, 0.0], 3, xp)


def test_output_weights_join_the_library_of_the_matrix(to_backend) -> None:
    xp = arrays.namespace(to_backend(np.ones(1)))
    z = np.arange(6).reshape(2, 3)
    for given in (z, z.tolist(), to_backend(z)):
        found = arrays.as_output_weights(given, 3, xp)
        assert type(found) is type(to_backend(z))
        np.testing.assert_array_equal(arrays.to_numpy(found), z)
    with pytest.raises(ValueError, match=r"must have 2 columns, .* shape \(2, 3\)"):
        arrays.as_output_weights(z, 2, xp)


def test_whole_numbers_of_any_type_count() -> None:
    for value in (3, 3.0, np.int8(3), np.array(3), array_api_strict.asarray(3)):
        found = arrays.as_count("width", value, most=3)
        assert (type(found), found) == (int, 3)
    wrong = (True, np.True_, 2.5, np.nan, np.inf, "3", None, [3], np.array([3]), 3j)
    for value in wrong:
        with pytest.raises(ValueError, match="width must be a whole number, but is"):
            arrays.as_count("width", value)


@pytest.mark.parametrize(
    ("value", "least", "most"), [(0, 1, None), (1, 2, 5), (4, 0, 3), (-1, 0, 3)]
)
def test_counts_have_both_limits(value, least, most) -> None:
    upper = "" if most is None else f" and at most {most}"
    with pytest.raises(ValueError, match=f"width must be at least {least}{upper}, but is {value}"):
        arrays.as_count("width", value, least=least, most=most)


def test_kept_nodes_keep_their_order(to_backend) -> None:
    for given in ([4, 0, 2], (4, 0, 2), np.array([4, 0, 2], dtype=np.uint8), to_backend([4, 0, 2])):
        found = arrays.as_kept(given, 5)
        assert type(found) is np.ndarray
        assert found.dtype == np.int64
        assert found.tolist() == [4, 0, 2]
    assert arrays.as_kept(range(5), 5).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (3, "flat list of nodes, but is 3"),
        (None, "flat list of nodes, but is None"),
        ([[0], [1, 2]], r"flat list of nodes, but is \[\[0\], \[1, 2\]\]"),
        (np.array(2), r"at least one node, but has shape \(\)"),
        ([True, False, True], "type bool; of a mask give np.flatnonzero"),
        (["a"], "whole node indices, but has entries of type <U1"),
        ([5], "names node 5, but the layer has nodes 0 to 4"),
        ([-1], "names node -1, but the layer"),
        (np.array([2**63], dtype=np.uint64), "names node 9223372036854775808, but"),
        ([4, 3, 4, 3, 3], "names node 3 3 times; merge repeats"),
    ],
)
def test_what_is_no_list_of_nodes_is_refused(kept, words) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        arrays.as_kept(kept, 5)
    assert "\n" not in str(caught.value)


def test_generators_pass_and_seeds_repeat() -> None:
    rng = np.random.default_rng(3)
    assert arrays.as_generator(rng) is rng
    assert arrays.as_generator(3).random() == arrays.as_generator([3]).random()
    for wrong in (-1, 1.5, "seed"):
        with pytest.raises(ValueError, match=r"rng must be a numpy\.random\.Generator"):
            arrays.as_generator(wrong)
