"""Training: gradients by finite differences, the twins, points of rest, divergence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, softmax

from pruneproof.simulations.students import Student, initial, kernels, plain, ridge, train
from pruneproof.simulations.students.flat import ACTIVATIONS, LOSSES, flatten, rebuild
from pruneproof.simulations.students.sgd import trained
from pruneproof.theory import Conv2d, Dense, Network

EPS = float(np.finfo(np.float64).eps)
Floats = NDArray[np.float64]
KINDS = sorted(ACTIVATIONS)
DEFAULTS: dict[str, Any] = {
    "epochs": 2,
    "batch": 32,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "loss": "squared",
}


def task(loss: str, n: int, d: int, outputs: int, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    if loss == "squared":
        return x, rng.standard_normal((n, outputs))
    return x, rng.integers(0, max(outputs, 2), n).astype(np.float64)


def with_biases(network: Network, seed: int = 0) -> Network:
    """The network with biases drawn, so that they matter."""
    rng = np.random.default_rng(seed)
    layers: Any = network.layers
    return Network([Dense(w.weight, rng.normal(0, 0.3, w.outputs), w.activation) for w in layers])


def kernel_gradient(network: Network, x: Floats, y: Floats, loss: str) -> tuple[float, Floats]:
    """Loss and gradient of one batch by the compiled kernel."""
    theta, shape = flatten(network)
    room = np.empty((3, len(x) * int(shape.widths.sum())))
    room[0, : x.size] = x.ravel()
    gradient = np.empty_like(theta)
    value = kernels.batch_gradient(
        theta, shape.widths, shape.activations, y, LOSSES[loss], room, np.ones(len(x)), gradient
    )
    return value, gradient


def objective(network: Network, x: Floats, y: Floats, decay: float, loss: str) -> float:
    """Penalised loss written out on the network's own forward pass; y indicator rows if softmax."""
    f = np.asarray(network.forward(x))
    if loss == "squared":
        losses = 0.5 * ((f - y) ** 2).sum(axis=1)
    elif loss == "logistic":
        losses = -np.log(np.where(y == 1, expit(f), expit(-f)))[:, 0]
    else:
        losses = -np.log((softmax(f, axis=1) * y).sum(axis=1))
    layers: Any = network.layers
    return float(losses.mean() + 0.5 * decay * sum((w.weight**2).sum() for w in layers))


@pytest.mark.parametrize("rows", [1, 7, 19])  # by vectors; by matrices; eight rows at a time
@pytest.mark.parametrize("activation", KINDS)
@pytest.mark.parametrize("loss", ["squared", "logistic", "softmax"])
def test_gradients_are_central_differences(activation: str, loss: str, rows: int) -> None:
    outputs = {"squared": 2, "logistic": 1, "softmax": 3}[loss]
    network = with_biases(initial([4, 6, 5, outputs], activation, rng=1))
    x, y = task(loss, rows, 4, outputs)
    y = np.eye(3)[y.astype(int)] if loss == "softmax" else y.reshape(rows, -1)
    value, gradient = kernel_gradient(network, x, y, loss)
    twin = plain.batch_gradient(*_parameters(network), x, y, 0.0, LOSSES[loss])
    # Each entry averages rows of products three layers deep of numbers of order one: 1e3 eps.
    np.testing.assert_allclose(gradient, twin[1], rtol=0, atol=1e3 * EPS)
    assert value == pytest.approx(twin[0], rel=1e3 * EPS, abs=0)
    assert value == pytest.approx(objective(network, x, y, 0.0, loss), rel=1e3 * EPS, abs=0)
    theta, shape = flatten(network)
    h = 1e-5
    sums = [x]
    layers: Any = network.layers
    for layer in layers[:-1]:
        sums.append(np.asarray(layer.forward(sums[-1])))
        kinks = np.abs(sums[-2] @ layer.weight.T + layer.bias).min()
        # A step h in one parameter moves a sum by h |state|, and one layer on by some times that.
        assert kinks > 10 * h  # a relu has no kink between the two points
    for i in range(theta.size):
        values = []
        for sign in (1, -1):
            moved = theta.copy()
            moved[i] += sign * h
            values.append(objective(rebuild(moved, shape), x, y, 0.0, loss))
        slope = (values[0] - values[1]) / (2 * h)
        # Taylor: h^2/6 times a third derivative, at most some hundred here (erf, three layers);
        # rounding: some ten eps in values of order one, over h.
        assert abs(slope - gradient[i]) <= 20 * h**2 + 10 * EPS / h


def _parameters(network: Network) -> tuple[Floats, Any, Any]:
    theta, shape = flatten(network)
    return theta, shape.widths, shape.activations


@pytest.mark.parametrize("widths", [[5, 16, 1], [5, 40, 24, 3]])
@pytest.mark.parametrize("batch", [1, 8, 50])
@pytest.mark.parametrize("activation", KINDS)
def test_the_kernel_and_its_plain_twin_agree(
    widths: list[int], batch: int, activation: str
) -> None:
    network = with_biases(initial(widths, activation, rng=2))
    x, y = task("squared", 21, 5, widths[-1])  # 21 rows: the last batch is shorter
    options = {**DEFAULTS, "batch": batch, "learning_rate": 0.001, "weight_decay": 0.02}
    ours = train(network, x, y, **options, rng=3)
    base = trained(plain.epoch, network, x, y, **options, rng=3)
    # A step's gradients differ by at most K eps times sums of order one, K the terms that any entry
    # passes through (3 layers of 40 terms and 21 rows: 141). Velocities add up to 1/(1 - .9) = 10
    # of them at rate .001, so each of at most 42 steps moves the weights apart by K eps/100. What
    # is apart widens by a factor of at most 1 + .01 curvature a step: curvatures of 10, that is
    # |x|^2 = 5 times squared norms of the other layers, give e^4 in all.
    error = 42 * 141 * EPS / 100 * np.exp(4)
    for a, b in zip(_layers(ours), _layers(base)):
        np.testing.assert_allclose(a.weight, b.weight, rtol=0, atol=error)
        np.testing.assert_allclose(a.bias, b.bias, rtol=0, atol=error)
    np.testing.assert_allclose(ours.losses, base.losses, rtol=0, atol=10 * error)


def _layers(student: Student) -> Any:
    return student.network.layers


def test_the_first_loss_of_a_full_batch_is_that_of_the_start() -> None:
    network = initial([5, 9, 2], "erf", rng=0)
    x, y = task("squared", 30, 5, 2)
    student = train(network, x, y, epochs=3, batch=1000, rng=1)
    expected = objective(network, x, y, 0.0, "squared")
    assert student.losses[0] == pytest.approx(expected, rel=100 * EPS, abs=0)
    assert student.losses.shape == (3,)
    assert student.losses[2] < student.losses[0]


def test_the_point_of_rest_of_a_linear_layer_is_ridge_regression() -> None:
    x, y = task("squared", 40, 4, 2)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    lam = 0.3
    student = train(
        initial([4, 2], "identity", rng=5),
        x,
        y,
        epochs=1500,
        batch=40,
        learning_rate=0.1,
        weight_decay=lam,
        rng=6,
    )
    (layer,) = _layers(student)
    expected: Any = ridge(x, y, lam).network.layers[0]
    # Momentum .9 shrinks the error by sqrt(.9) a step, .9^750 < 1e-34 in all; what is left are
    # gradients of 40 terms known to within 40 eps, over a curvature of at least lam.
    np.testing.assert_allclose(layer.weight, expected.weight, rtol=0, atol=100 * 40 * EPS / lam)
    np.testing.assert_allclose(layer.bias, 0.0, rtol=0, atol=100 * 40 * EPS)


@pytest.mark.parametrize(("loss", "outputs"), [("logistic", 1), ("softmax", 3)])
def test_the_point_of_rest_of_a_classifier_is_stationary(loss: str, outputs: int) -> None:
    x, labels = task(loss, 50, 3, outputs)
    lam = 0.1
    student = train(
        initial([3, outputs], "identity", rng=5),
        x,
        labels,
        epochs=3000,
        batch=50,
        learning_rate=0.2,
        weight_decay=lam,
        loss=loss,  # type: ignore[arg-type]
        rng=6,
    )
    (layer,) = _layers(student)
    scores = student.forward(x)
    if loss == "logistic":
        excess = expit(scores) - labels[:, None]
    else:
        excess = softmax(scores, axis=1) - np.eye(3)[labels.astype(int)]
    # Sums of 50 terms of order one.
    np.testing.assert_allclose(excess.T @ x / 50 + lam * layer.weight, 0.0, atol=500 * EPS)
    np.testing.assert_allclose(excess.mean(axis=0), 0.0, atol=500 * EPS)


@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_large_scores_have_finite_losses(loss: str) -> None:
    outputs = 1 if loss == "logistic" else 2
    scores = np.array([[1e4]]) if outputs == 1 else np.array([[0.0, 1e4]])
    network = Network([Dense(scores.T)])
    x = np.array([[1.0], [1.0]])
    student = train(
        network,
        x,
        np.array([0.0, 1.0]),
        epochs=1,
        batch=2,
        loss=loss,  # type: ignore[arg-type]
        rng=0,
    )
    # One sample is right at no loss, the other wrong by 1e4.
    assert student.losses == pytest.approx([5e3], rel=10 * EPS, abs=0)


def test_training_is_deterministic_and_leaves_its_inputs_alone() -> None:
    network = initial([5, 12, 1], "relu", rng=0)
    x, y = task("squared", 33, 5, 1)
    x.flags.writeable = y.flags.writeable = False
    before = [w.weight.copy() for w in network.layers]  # type: ignore[union-attr]
    first, second = (train(network, x, y[:, 0], epochs=3, rng=4) for _ in range(2))
    other = train(network, x, y, epochs=3, rng=5)
    np.testing.assert_array_equal(first.losses, second.losses)
    for a, b, kept, start in zip(_layers(first), _layers(second), before, network.layers):
        np.testing.assert_array_equal(a.weight, b.weight)
        np.testing.assert_array_equal(start.weight, kept)  # type: ignore[union-attr]
    assert (other.losses != first.losses).any()


@pytest.mark.parametrize("epoch", [kernels.epoch, plain.epoch])
def test_divergence_is_told_with_its_epoch_and_learning_rate(epoch: Callable[..., float]) -> None:
    x, y = task("squared", 40, 5, 1)
    options = {**DEFAULTS, "epochs": 50, "learning_rate": 30.0}
    with pytest.raises(ValueError, match=r"diverged in epoch \d+ of 50: .* learning rate 30;"):
        trained(epoch, initial([5, 12, 1], "relu", rng=0), x, y, **options, rng=1)


def test_a_start_beyond_float64_is_not_blamed_on_the_learning_rate() -> None:
    x, y = task("squared", 40, 5, 1)
    with pytest.raises(ValueError, match=r"the loss is inf before the first step: .*scale them"):
        train(initial([5, 12, 1], "relu", rng=0), x, 1e200 * y, epochs=2, rng=1)


def test_a_slow_divergence_is_seen_before_it_overflows() -> None:
    x, y = task("squared", 40, 5, 1)
    options = {**DEFAULTS, "epochs": 60, "batch": 40, "momentum": 0.0, "learning_rate": 4.0}
    # One step an epoch, 1 - 4 x curvature of about 1.5: the error grows by a factor of 5 each.
    with pytest.raises(ValueError, match=r"diverged in epoch \d+ of 60: the loss became \d.*e\+"):
        train(initial([5, 1], "identity", rng=0), x, y, **options, rng=1)


def test_a_start_far_away_or_at_the_goal_is_no_divergence() -> None:
    x, y = task("squared", 40, 5, 1)
    options = {**DEFAULTS, "learning_rate": 1e-3}
    far = train(initial([5, 1], "identity", rng=0), x, 1e-9 * y, **options, rng=1)
    goal = train(Network([Dense(np.zeros((1, 5)))]), x, 0 * y, **options, rng=1)
    assert far.losses[0] > 1e-2
    np.testing.assert_array_equal(goal.losses, 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, but is 0"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"epochs": 2.5}, "epochs must be a whole number"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"momentum": 1.0}, r"momentum must be in \[0, 1\), but is 1"),
        ({"weight_decay": -1.0}, "weight_decay must be finite and at least 0"),
        ({"loss": "hinge"}, "loss must be one of squared, logistic, softmax"),
        ({"loss": "logistic"}, "the logistic loss needs one output and targets 0 or 1"),
        ({"loss": "softmax"}, "the softmax loss needs two outputs or more"),
        ({"inputs": np.zeros((8, 2))}, "the network reads 3 inputs, but got 2"),
        ({"targets": np.zeros((8, 2))}, "the network has 1 outputs, but the targets have 2"),
        ({"targets": np.zeros(7)}, "inputs have 8 rows and targets 7"),
        ({"network": Network([Conv2d(np.ones((1, 1, 1, 1)))])}, "layer 0 is Conv2d"),
        (
            {"network": Network([Dense(np.ones((1, 3)), activation="relu")]), "loss": "logistic"},
            "the logistic loss reads scores; give the last layer the identity",
        ),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "network": initial([3, 4, 1], "relu", rng=0),
        "inputs": np.ones((8, 3)),
        "targets": np.full(8, 0.5),
        "epochs": 1,
        **change,
    }
    start, inputs, targets = (arguments.pop(key) for key in ("network", "inputs", "targets"))
    with pytest.raises(ValueError, match=message):
        train(start, inputs, targets, **arguments, rng=0)


@pytest.mark.parametrize("epoch", [kernels.epoch, plain.epoch])
def test_masked_weights_stay_zero_and_the_others_train_as_if_alone(
    epoch: Callable[..., float],
) -> None:
    """Columns masked out are inputs that are not there: the smaller network trains the same."""
    network = with_biases(initial([5, 9, 2], "tanh", rng=0))
    x, y = task("squared", 33, 5, 2)
    options = {**DEFAULTS, "epochs": 4, "weight_decay": 0.02}
    masks = [np.ones((9, 5), dtype=bool), np.ones((2, 9), dtype=bool)]
    masks[0][:, 3:] = False
    ours = trained(epoch, network, x, y, **options, masks=masks, rng=1)
    first, last = network.layers
    smaller = Network([Dense(first.weight[:, :3], first.bias, "tanh"), last])  # type: ignore[union-attr]
    other = trained(epoch, smaller, x[:, :3], y, **options, rng=1)
    np.testing.assert_array_equal(_layers(ours)[0].weight[:, 3:], 0.0)
    # As the twins above: 8 steps at rate .05 of gradients of 33 terms, momentum 10, widening e.
    error = 8 * 33 * EPS * 0.5 * np.e
    for a, b in zip(_layers(ours), _layers(other)):
        np.testing.assert_allclose(a.weight[:, : b.weight.shape[1]], b.weight, rtol=0, atol=error)
        np.testing.assert_allclose(a.bias, b.bias, rtol=0, atol=error)
    assert (_layers(ours)[0].bias != first.bias).all()  # type: ignore[union-attr]
    full = [np.ones_like(mask) for mask in masks]
    same, free = (trained(epoch, network, x, y, **options, masks=m, rng=1) for m in (full, None))
    np.testing.assert_array_equal(same.losses, free.losses)


@pytest.mark.parametrize(
    ("masks", "error", "message"),
    [
        ([np.ones((4, 3), dtype=bool)], ValueError, "2 layers, but there are 1 masks"),
        ([np.ones((3, 4), dtype=bool)] * 2, ValueError, r"masks\[0\] must have the shape \(4, 3\)"),
        ([np.ones((4, 3))] * 2, TypeError, r"masks\[0\] must hold truth values, but holds float64"),
    ],
)
def test_masks_that_do_not_fit(masks: Any, error: type[Exception], message: str) -> None:
    network = initial([3, 4, 1], "relu", rng=0)
    with pytest.raises(error, match=message):
        train(network, np.ones((8, 3)), np.ones(8), epochs=1, masks=masks, rng=0)


def test_flattening_and_rebuilding_are_inverse() -> None:
    network = with_biases(initial([3, 7, 2], "erf", rng=0))
    again = rebuild(*flatten(network))
    for a, b in zip(network.layers, again.layers):
        assert isinstance(a, Dense)
        assert isinstance(b, Dense)
        np.testing.assert_array_equal(a.weight, b.weight)
        np.testing.assert_array_equal(a.bias, b.bias)
        assert a.activation == b.activation
