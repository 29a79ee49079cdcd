"""Students: predictors fitted to a sample, each of them a `theory.Network` with its loss curve.

linear            least squares and ridge regression, by the singular values of the inputs
random_features   a fixed random layer under a ridge head
initialisation    networks at initialisation: standard, small, lazy
sgd               mini-batch gradient descent of any fully connected network
perceptrons       fitted scikit-learn networks

Nothing here loads Numba or scikit-learn before it is used.
"""

from __future__ import annotations

from .initialisation import initial
from .linear import least_squares, ridge
from .perceptrons import student_of_perceptron
from .random_features import random_features
from .sgd import train
from .student import Student

__all__ = [
    "Student",
    "initial",
    "least_squares",
    "random_features",
    "ridge",
    "student_of_perceptron",
    "train",
]
