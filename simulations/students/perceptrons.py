"""Fitted scikit-learn perceptrons as students."""

from __future__ import annotations

from typing import Any

import numpy as np

from pruneproof.theory import Dense, Network

from .student import Student


def student_of_perceptron(model: Any) -> Student:
    """Student of a fitted MLPRegressor or MLPClassifier, whatever its solver.

    It reads ``coefs_``, ``intercepts_``, ``activation``, ``out_activation_`` and the loss curve, so
    scikit-learn is not imported. A classifier gives scores before the softmax, a two-class one the
    single score before the logistic function, as the losses of :func:`~.sgd.train` take them.

    Parameters
    ----------
    model : fitted scikit-learn perceptron

    Returns
    -------
    Student
        `losses` is ``loss_curve_``, or the final ``loss_`` where the solver keeps no curve; both
        hold scikit-learn's own loss, its penalty included.

    Raises
    ------
    ValueError
        The model is not fitted, gives several labels to one sample, or has an output that is not
        one of identity, logistic and softmax.
    """
    kind = type(model).__name__
    if not hasattr(model, "coefs_") or not hasattr(model, "intercepts_"):
        raise ValueError(
            f"{kind} has no coefs_ and intercepts_; fit it first (MLPClassifier and MLPRegressor "
            "can be read)"
        )
    output = model.out_activation_
    if output not in ("identity", "logistic", "softmax"):
        raise ValueError(
            f"{kind} gives the {output} of its last layer, which is not known here; fit it with "
            "the squared error"
        )
    if output == "logistic" and len(model.intercepts_[-1]) > 1:
        raise ValueError(f"{kind} gives several labels to one sample; fit one label at a time")
    names = [str(model.activation)] * (len(model.coefs_) - 1) + ["identity"]
    network = Network(
        [
            Dense(np.asarray(w).T, np.asarray(b), name)
            for w, b, name in zip(model.coefs_, model.intercepts_, names)
        ]
    )
    curve = getattr(model, "loss_curve_", [model.loss_])
    return Student(network, np.array(curve, dtype=np.float64))
