"""Chains of layers: bounds against the error of the network that was really pruned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory import (
    InapplicableError,
    SamplingEvents,
    convolution_bound,
    information_loss,
    layer_errors,
    leverage_scores,
    low_rank_bound,
    mixed_layer_bound,
    network_error_bound,
    paper_width,
    perturbation_bound,
    population_transfer,
    reconstruction,
    sampled_network_bound,
    sampling_events,
    second_moment,
    transfer_level,
)

Matrix = NDArray[np.float64]
#: Rounding of a chain of a few products of well-scaled matrices.
SLACK = 1 + 1e-12
ACTIVATIONS: dict[str, Callable[[Matrix], Matrix]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "identity": lambda x: x,
}


@dataclass
class Chain:
    weights: list[Matrix]
    biases: list[Matrix]
    activation: Callable[[Matrix], Matrix]

    def features(self, x: Matrix) -> list[Matrix]:
        """phi^1 .. phi^L and the output."""
        out = [x]
        for place, (w, b) in enumerate(zip(self.weights, self.biases)):
            last = place + 1 == len(self.weights)
            out.append(out[-1] @ w.T + b if last else self.activation(out[-1] @ w.T + b))
        return out


def random_chain(seed: int, widths: list[int], activation: str = "relu") -> tuple[Chain, Matrix]:
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in pairwise(widths)]
    biases = [0.3 * rng.standard_normal(b) for b in widths[1:]]
    return Chain(weights, biases, ACTIVATIONS[activation]), rng.standard_normal((60, widths[0]))


def norm(rows: Matrix) -> float:
    return float(np.sqrt(np.mean(np.sum(rows**2, axis=1))))


def pruned(chain: Chain, kept: list[list[int]], a: list[Matrix], offsets: list[Matrix]) -> Chain:
    """Keep `kept` of the hidden layers and fold the reconstructions into the next weights."""
    weights, biases = [chain.weights[0][kept[0]]], [chain.biases[0][kept[0]]]
    for place in range(1, len(chain.weights)):
        w, b = chain.weights[place], chain.biases[place] + chain.weights[place] @ offsets[place - 1]
        rows = kept[place] if place < len(kept) else list(range(len(w)))
        weights.append((w @ a[place - 1])[rows])
        biases.append(b[rows])
    return Chain(weights, biases, chain.activation)


@pytest.mark.filterwarnings("ignore::pruneproof.theory.RankDeficientWarning")
@given(
    seed=st.integers(0, 10_000),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    ridge=st.sampled_from([0.0, 0.05]),
    affine=st.booleans(),
)
def test_layer_errors_add_up_to_the_output_error(
    seed: int, activation: str, ridge: float, affine: bool
) -> None:
    rng = np.random.default_rng(seed)
    chain, x = random_chain(seed, [4, 9, 7, 8, 2], activation)
    phi = chain.features(x)
    kept = [sorted(rng.choice(m, size=rng.integers(1, m), replace=False)) for m in (9, 7, 8)]
    a, offsets = [], []
    for j, f in zip(kept, phi[1:4]):
        a.append(reconstruction(second_moment(f, centered=affine), j, ridge))
        mean = np.mean(f, axis=0)
        offsets.append(mean - a[-1] @ mean[j] if affine else np.zeros(f.shape[1]))
    small = pruned(chain, kept, a, offsets)
    errors = layer_errors(chain.weights[1:], phi[1:4], kept, a, offsets)
    bound = network_error_bound(small.weights[1:], errors, trivial=norm(phi[-1]))
    truth = norm(small.features(x)[-1] - phi[-1])
    assert truth <= bound.value * SLACK
    assert bound.vacuous == (bound.value >= norm(phi[-1]))
    # B2 on the same layers: distinct rows, every theta, ridge term included in the loss.
    if not affine:
        for place, theta in product(range(3), (0.0, 0.4, 1.0)):
            w, cov = chain.weights[place + 1], second_moment(phi[place + 1])
            loss = information_loss(cov, kept[place], ridge=ridge, theta=theta, output_weights=w)
            square = mixed_layer_bound(loss, np.linalg.norm(w, 2), theta).value
            # A residual of size 0 is a difference of moments of size Tr(W cov W^T).
            assert errors[place] ** 2 <= square * SLACK + 1e-13 * np.trace(w @ cov @ w.T)


def test_one_pruned_layer_attains_the_bound() -> None:
    chain, x = random_chain(0, [5, 12, 3])
    phi = chain.features(x)
    a = reconstruction(second_moment(phi[1]), [0, 4, 5])
    small = pruned(chain, [[0, 4, 5]], [a], [np.zeros(12)])
    bound = network_error_bound(
        small.weights[1:], layer_errors(chain.weights[1:], phi[1:2], [[0, 4, 5]], [a])
    )
    assert norm(small.features(x)[-1] - phi[-1]) == pytest.approx(bound.value, rel=1e-12)


def test_network_bound_by_hand() -> None:
    """Errors 1, 2, 4 amplified by the norms of all LATER compressed weights (3 and 5)."""
    weights = [np.diag([7.0, 1.0]), np.diag([1.0, 3.0]), np.array([[5.0, 0.0]])]
    bound = network_error_bound(weights, [1.0, 2.0, 4.0], trivial=29.0)
    assert list(bound.terms.values()) == pytest.approx([15.0, 10.0, 4.0], rel=1e-13)
    assert list(bound.terms) == ["layer 0", "layer 1", "layer 2"]
    assert bound.value == sum(bound.terms.values())
    assert network_error_bound(weights, [0.0, 0.0, 4.0], trivial=5.0).vacuous is False


def test_mixed_bound_is_attained_and_needs_distinct_rows() -> None:
    """Orthogonal weights at any theta: equality. Repeated rows: exceeded, so refused."""
    rng = np.random.default_rng(2)
    w = 3.0 * np.linalg.qr(rng.standard_normal((6, 6)))[0]
    x = rng.standard_normal((40, 6))
    cov, kept = second_moment(x), [1, 3]
    a = reconstruction(cov, kept)
    gap = x - x[:, kept] @ a.T
    for theta in (0.0, 0.5, 1.0):
        loss = information_loss(cov, kept, theta=theta, output_weights=w)
        bound = mixed_layer_bound(loss, 3.0, theta, next_kept=range(6))
        assert norm(gap @ w.T) ** 2 == pytest.approx(bound.value, rel=1e-12)
    repeats = [int(np.argmax(np.sum((gap @ w.T) ** 2, axis=0)))] * 20
    loss = information_loss(cov, kept, theta=0.0, output_weights=w)
    assert norm(gap @ w[repeats].T) ** 2 > 2 * mixed_layer_bound(loss, 3.0, 0.0).value
    with pytest.raises(InapplicableError, match="19 nodes more than once"):
        mixed_layer_bound(loss, 3.0, 0.0, next_kept=repeats)
    with pytest.raises(InapplicableError, match="W != 0"):
        mixed_layer_bound(loss, 0.0, 0.0)


def test_sampled_chain_obeys_the_paper_form() -> None:
    """B3 on draws whose events hold (all do here), with multisets merged exactly."""
    worst, accepted = 0.0, 0
    for seed in range(5):
        chain, x = random_chain(seed, [6, 40, 30, 2])
        phi, rng = chain.features(x), np.random.default_rng(seed)
        kept, a, ridges, events = [], [], [], []
        for f in phi[1:3]:
            cov = second_moment(f)
            lam = 0.05 * float(np.trace(cov))
            q = leverage_scores(cov, lam)
            k = paper_width(cov, lam)
            nodes, counts = np.unique(rng.choice(len(q), size=k, p=q / q.sum()), return_counts=True)
            kept.append([int(j) for j in nodes])
            ridges.append(lam)
            a.append(reconstruction(cov, nodes, k * lam * q[nodes] / q.sum() / counts))
            events.append(sampling_events(cov, lam, nodes, counts))
        if max(max(e) for e in events) > 1:
            continue
        accepted += 1
        small = pruned(chain, kept, a, [np.zeros(40), np.zeros(30)])
        bound = sampled_network_bound(chain.weights[1:], ridges, events)
        worst = max(worst, norm(small.features(x)[-1] - phi[-1]) / bound.value)
        rows = [np.sqrt(len(w)) * np.max(np.linalg.norm(w, axis=1)) for w in chain.weights[1:]]
        radius = np.sqrt(20 / 3) * np.array(rows)
        exact = radius[0] * radius[1] * ridges[0] ** 0.5 + radius[1] * ridges[1] ** 0.5
        assert bound.value == pytest.approx(exact, rel=1e-12)
    assert accepted >= 3
    assert 0 < worst <= 1


def test_a_failed_event_is_refused_with_its_figure() -> None:
    cov = np.diag(np.concatenate([np.full(10, 1.0), np.full(10, 1e-3)]))
    poor = sampling_events(cov, 1e-2, [0, 1])
    assert poor.loewner > 1
    with pytest.raises(InapplicableError, match=r"the loewner event fails, its figure is \d"):
        sampled_network_bound([np.ones((2, 20))], [1e-2], [poor])


@given(seed=st.integers(0, 10_000), ranks=st.tuples(*(st.integers(0, 6),) * 3))
def test_low_rank_weights(seed: int, ranks: tuple[int, ...]) -> None:
    chain, x = random_chain(seed, [4, 6, 6, 3])
    truncated = []
    for w, r in zip(chain.weights, ranks):
        u, s, v = np.linalg.svd(w, full_matrices=False)
        truncated.append((u[:, :r] * s[:r]) @ v[:r])
    phi = chain.features(x)
    error = norm(Chain(truncated, chain.biases, chain.activation).features(x)[-1] - phi[-1])
    bound = low_rank_bound(chain.weights, ranks, phi[:3])
    assert error <= bound.value * SLACK + 1e-13 * norm(phi[-1])


def test_errors_beyond_the_squares_of_floats() -> None:
    rng = np.random.default_rng(3)
    w, phi = rng.standard_normal((4, 5)), rng.standard_normal((20, 5))
    plain = low_rank_bound([w], [2], [phi]).value
    for unit in (2.0**-700, 2.0**700):
        found = low_rank_bound([w], [2], [unit * phi]).value
        assert found == pytest.approx(unit * plain, rel=1e-13, abs=0)


def test_low_rank_bound_is_attained_by_one_layer_along_its_lost_direction() -> None:
    w = np.diag([3.0, 2.0, 1.0])
    x = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    assert low_rank_bound([w], [1], [x]).value == pytest.approx(2.0, rel=1e-14)


@given(seed=st.integers(0, 10_000), eps=st.floats(1e-6, 1.0))
def test_moved_parameters_move_outputs_by_at_most_their_lipschitz_constant(
    seed: int, eps: float
) -> None:
    rng = np.random.default_rng(seed)
    chain, _ = random_chain(seed, [3, 5, 4, 2])
    moved = Chain([], [], chain.activation)
    for w, b in zip(chain.weights, chain.biases):
        dw, db = rng.standard_normal(w.shape), rng.standard_normal(b.shape)
        moved.weights.append(w + eps * dw / np.linalg.norm(dw, 2))
        moved.biases.append(b + eps * db / np.linalg.norm(db))
    pairs = zip(chain.weights + chain.biases, moved.weights + moved.biases)
    norms = [max(np.linalg.norm(p, 2), np.linalg.norm(q, 2)) for p, q in pairs]
    x = rng.standard_normal((50, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    bound = perturbation_bound(norms[:3], norms[3:], 2.0, eps)
    difference = chain.features(2 * x)[-1] - moved.features(2 * x)[-1]
    assert np.max(np.linalg.norm(difference, axis=1)) <= bound.value * SLACK


def test_perturbation_bound_is_attained_by_one_layer() -> None:
    """f = (w + eps) x + b + eps at x = D_x."""
    assert perturbation_bound([1.0], [1.0], 3.0, 0.1).value == pytest.approx(0.4, rel=1e-14)
    assert perturbation_bound([1.0], [1.0], 3.0, 0.1).trivial == 8.0


def convolved(images: Matrix, kernel: Matrix, stride: int, padding: str) -> Matrix:
    """Direct loops: images (n, C, H, W), kernel (O, C, kh, kw) -> (n, O, H', W')."""
    _, _, kh, kw = kernel.shape
    if padding != "valid":
        ph, pw = (kh - 1) // 2, (kw - 1) // 2
        mode: Any = {"zero": "constant", "circular": "wrap", "replicate": "edge"}[padding]
        pads = ((0, 0), (0, 0), (ph, kh - 1 - ph), (pw, kw - 1 - pw))
        images = np.pad(images, pads, mode=mode)
    rows = range(0, images.shape[2] - kh + 1, stride)
    columns = range(0, images.shape[3] - kw + 1, stride)
    patches = [[images[:, :, i : i + kh, j : j + kw] for j in columns] for i in rows]
    return np.asarray(np.einsum("rsncab,ocab->nors", np.array(patches), kernel))


@pytest.mark.parametrize("padding", ["zero", "circular", "valid"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(3, 3), (2, 3), (1, 1)])
def test_channel_pruning_of_convolutions(padding: str, stride: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    images = rng.standard_normal((5, 6, 7, 8)) + rng.standard_normal((5, 1, 7, 8))
    kernel = rng.standard_normal((3, 6, *size))
    rows = np.moveaxis(images, 1, -1).reshape(-1, 6)
    z = np.moveaxis(kernel, 1, -1).reshape(-1, 6)
    cov, kept, ridge = second_moment(rows), [0, 3, 4], 0.01 if size != (1, 1) else 0.0
    a = reconstruction(cov, kept, ridge)
    error = convolved(images, kernel, stride, padding) - convolved(
        images[:, kept], np.einsum("ocab,cj->ojab", kernel, a), stride, padding
    )
    loss = information_loss(cov, kept, ridge=ridge, theta=0.0, output_weights=z)
    total = float(np.sum(error**2)) / 5
    per_input = convolution_bound(loss, size, padding=padding)
    assert total / 56 <= per_input.value * SLACK
    outputs = error.shape[2] * error.shape[3]
    per_output = convolution_bound(loss, size, positions=(56, outputs), padding=padding)
    assert total / outputs <= per_output.value * SLACK
    if size == (1, 1) and stride == 1 and padding == "valid":
        assert total / 56 == pytest.approx(per_input.value, rel=1e-12)  # attained


def test_convolution_bound_is_attained_by_constants() -> None:
    """Every offset of a circular 3 x 3 kernel adds the same: (9)^2 = 9 * 9."""
    error = convolved(np.ones((1, 1, 4, 5)), np.ones((1, 1, 3, 3)), 1, "circular")
    assert np.mean(error**2) == convolution_bound(9.0, (3, 3), padding="circular").value == 81.0


def test_means_over_outputs_and_repeated_pixels_break_the_plain_bound() -> None:
    """Stride 2 picks the loud positions (4 x); replicate padding reads the loud corner twice."""
    image = np.zeros((1, 1, 4, 4))
    image[0, 0, ::2, ::2] = 1.0
    error = convolved(image, np.ones((1, 1, 1, 1)), 2, "valid")
    loss = float(np.mean(image**2))  # the only channel is dropped
    assert np.mean(error**2) == 4 * convolution_bound(loss, (1, 1)).value
    assert np.mean(error**2) == convolution_bound(loss, (1, 1), positions=(16, 4)).value
    corner = np.zeros((1, 1, 3, 3))
    corner[0, 0, 0, 0] = 1.0
    loud = convolved(corner, np.ones((1, 1, 3, 3)), 1, "replicate")
    assert np.mean(loud**2) > convolution_bound(float(np.mean(corner**2)), (3, 3)).value
    with pytest.raises(InapplicableError, match="replicate"):
        convolution_bound(1.0, (3, 3), padding="replicate")


@given(seed=st.integers(0, 10_000), ridge=st.floats(0.05, 5.0), reads=st.booleans())
def test_transfer_to_the_population(seed: int, ridge: float, reads: bool) -> None:
    rng = np.random.default_rng(seed)
    truth = np.diag(rng.uniform(0.01, 2.0, 5))
    cov = second_moment(rng.standard_normal((25, 5)) * np.sqrt(np.diag(truth)))
    kept = [0, 2]
    a = reconstruction(cov, kept)
    z = rng.standard_normal((2, 5)) if reads else np.eye(5)
    level = transfer_level(truth, cov, ridge)
    root = np.linalg.inv(np.linalg.cholesky(truth + ridge * np.eye(5)))
    assert level == pytest.approx(
        max(np.linalg.eigvalsh(root @ (truth - cov) @ root.T)[-1], 0), abs=1e-12
    )
    gap = z @ (np.eye(5) - a @ np.eye(5)[kept])
    bound = population_transfer(truth, cov, ridge, kept, a, output_weights=z if reads else None)
    assert np.trace(gap @ truth @ gap.T) <= bound.value * SLACK


def test_transfer_is_attained_and_refused() -> None:
    truth, cov = np.diag([1.0, 2.0]), np.diag([1.0, 0.5])
    a = np.array([[1.0], [0.0]])
    bound = population_transfer(truth, cov, 0.3, [0], a)
    t = 1.5 / 2.3
    expected = {"level": t, "empirical": 0.5 / (1 - t), "ridge": t * 0.3 / (1 - t)}
    assert bound.terms == pytest.approx(expected, rel=1e-13, abs=0)
    assert bound.value == pytest.approx(2.0, rel=1e-12)
    read = population_transfer(truth, cov, 0.3, [0], a, output_weights=[[0.0, 3.0]])
    assert (bound.trivial, read.trivial) == (3.0, 18.0)
    with pytest.raises(InapplicableError, match="t < 1, but t is 1 to rounding at ridge 1e-20"):
        population_transfer([[1.0]], [[0.0]], 1e-20, [0], [[1.0]])


def test_wrong_shapes_are_named() -> None:
    x, w = np.ones((4, 3)), np.ones((2, 3))
    with pytest.raises(ValueError, match="weights 1, features 2"):
        layer_errors([w], [x, x], [[0]], [np.ones((3, 1))])
    with pytest.raises(ValueError, match=r"layer 0: weights .* do not fit"):
        layer_errors([w], [x], [[0, 1]], [np.ones((3, 1))])
    with pytest.raises(ValueError, match="do not chain: place 1 reads 3 features"):
        network_error_bound([w, w], [1.0, 1.0])
    with pytest.raises(ValueError, match="coefficients must have shape"):
        population_transfer(np.eye(3), np.eye(3), 0.1, [0, 1], np.ones((3, 1)))


def test_backends_agree(to_backend: Any) -> None:
    chain, x = random_chain(1, [4, 6, 5, 2])
    phi = chain.features(x)
    kept = [[0, 2], [1, 3, 4]]
    a = [reconstruction(second_moment(f), j) for f, j in zip(phi[1:], kept)]
    there = layer_errors(chain.weights[1:], phi[1:3], kept, a)
    here = layer_errors(
        [to_backend(w) for w in chain.weights[1:]],
        [to_backend(f) for f in phi[1:3]],
        [to_backend(j) for j in kept],
        [to_backend(c) for c in a],
    )
    assert here == pytest.approx(there, rel=1e-12)
    bound = low_rank_bound([to_backend(w) for w in chain.weights], [1, 2, 1], phi[:3])
    assert bound.value == pytest.approx(low_rank_bound(chain.weights, [1, 2, 1], phi[:3]).value)
    cov, truth = np.diag([1.0, 0.5, 0.2]), np.eye(3)
    one = np.eye(3)[:, :1]
    here_ = population_transfer(to_backend(truth), to_backend(cov), 1.0, [0], to_backend(one))
    assert here_.value == pytest.approx(population_transfer(truth, cov, 1.0, [0], one).value)


def test_events_refuse_what_leverage_sampling_never_draws() -> None:
    """Sigma = 0 without a warning on the way, and no fraction of a draw."""
    with pytest.raises(InapplicableError, match="leverage 0"):
        sampling_events(np.zeros((3, 3)), 0.1, [0, 1])
    with pytest.raises(ValueError, match="whole number of at least 1"):
        sampling_events(np.eye(3), 0.1, [0, 1], [1.5, 1.0])


def test_sizes_and_lists_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel_size must be two whole numbers, but is 3"):
        convolution_bound(0.1, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="positions must be two whole numbers"):
        convolution_bound(0.1, (3, 3), positions=(64,))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="next_kept must have 1 axis"):
        mixed_layer_bound(0.1, 2.0, 0.5, next_kept=3)


def test_the_mixed_bound_holds_for_weights_of_any_size() -> None:
    """loss ||W||^2/theta + ..., where ||W||^2 alone leaves the floats."""
    assert mixed_layer_bound(1.0, 1e200, 0.5).value == pytest.approx(2.0, rel=1e-15, abs=0)
    assert mixed_layer_bound(1.0, 1e-200, 0.5).value == 0.0


def test_terms_and_words_by_hand() -> None:
    mixed = mixed_layer_bound(3.0, 2.0, 0.4, trivial=9.0)
    assert mixed.terms == pytest.approx({"loss": 3.0, "share": 0.7}, rel=1e-14, abs=0)
    assert (mixed.value, mixed.trivial) == (pytest.approx(3 / 0.7, rel=1e-14, abs=0), 9.0)
    strided = convolution_bound(3.0, (3, 2), positions=(16, 4), trivial=99.0)
    assert strided.terms == {"loss": 3.0, "offsets": 6.0, "positions": 4.0}
    assert (strided.value, strided.trivial) == (72.0, 99.0)
    assert "mean over samples and output positions" in strided.note
    plain = convolution_bound(3.0, (3, 2))
    assert (plain.value, plain.terms["positions"]) == (18.0, 1.0)
    assert "mean over samples and input positions" in plain.note
    moved = perturbation_bound([2.0, 0.5], [1.0, 0.0], 1.5, 0.1)  # X = 1.5, 4, 2
    assert (moved.terms, moved.trivial) == ({"lipschitz": 0.5 * 2.5 + 5.0, "eps": 0.1}, 4.0)
    ranks = low_rank_bound([np.diag([3.0, 2.0]), np.diag([5.0, 1.0])], [1, 1], [np.eye(2)] * 2)
    assert ranks.terms == pytest.approx({"layer 0": 10.0, "layer 1": 1.0}, rel=1e-14, abs=0)
    none = low_rank_bound([np.diag([3.0, 2.0]), np.diag([5.0, 1.0])], [1, 0], [np.eye(2)] * 2)
    assert none.terms == pytest.approx({"layer 0": 0.0, "layer 1": 5.0}, rel=1e-14, abs=0)
    assert low_rank_bound([np.eye(2)], [2], [np.eye(2)]).value == 0.0


def test_the_worst_event_of_each_kind_is_shown() -> None:
    """Rows of norm 1: Rbar = sqrt(20/3 m), and the second layer has one row."""
    events = [SamplingEvents(0.3, 1.0), SamplingEvents(0.7, 0.2)]  # 1 is still allowed
    bound = sampled_network_bound([np.eye(3)[:2], np.array([[0.6, 0.8]])], [0.25, 4.0], events)
    expected = {"layer 0": 20 / 3 * 2**0.5 * 0.5, "layer 1": (20 / 3) ** 0.5 * 2.0}
    figures = {"loewner": 0.7, "inverse_probability": 1.0}
    assert bound.terms == pytest.approx(expected | figures, rel=1e-14, abs=0)
    assert bound.value == pytest.approx(expected["layer 0"] + expected["layer 1"], rel=1e-14, abs=0)
