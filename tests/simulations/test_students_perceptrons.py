"""Students of fitted scikit-learn perceptrons against the models themselves."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from pruneproof.simulations.students import student_of_perceptron

neural = pytest.importorskip("sklearn.neural_network")
EPS = float(np.finfo(np.float64).eps)


def fitted(kind: str, targets: Any, **options: Any) -> Any:
    x = np.random.default_rng(0).standard_normal((40, 5))
    model = getattr(neural, kind)(hidden_layer_sizes=(8, 6), max_iter=6, random_state=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # six epochs are too few to converge
        return model.fit(x, targets), x


# Three layers of at most 8 terms, outputs of order one.
TOLERANCE = 500 * EPS


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_regressors(activation: str, solver: str) -> None:
    y = np.random.default_rng(1).standard_normal((40, 2))
    model, x = fitted("MLPRegressor", y, activation=activation, solver=solver)
    student = student_of_perceptron(model)
    np.testing.assert_allclose(student.forward(x), model.predict(x), rtol=0, atol=TOLERANCE)
    assert student.losses[-1] == model.loss_
    assert len(student.losses) == (1 if solver == "lbfgs" else 6)


def test_classifiers_give_scores() -> None:
    from scipy.special import expit, softmax

    labels = np.arange(40) % 3
    model, x = fitted("MLPClassifier", labels)
    scores = student_of_perceptron(model).forward(x)
    expected = model.predict_proba(x)
    np.testing.assert_allclose(softmax(scores, axis=1), expected, rtol=0, atol=TOLERANCE)
    model, x = fitted("MLPClassifier", labels > 0)
    scores = student_of_perceptron(model).forward(x)
    expected = model.predict_proba(x)[:, 1:]
    np.testing.assert_allclose(expit(scores), expected, rtol=0, atol=TOLERANCE)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="fit it first"):
        student_of_perceptron(neural.MLPClassifier())
    labels = (np.arange(80).reshape(40, 2) % 3) > 0
    model, _ = fitted("MLPClassifier", labels)
    with pytest.raises(ValueError, match="fit one label at a time"):
        student_of_perceptron(model)
