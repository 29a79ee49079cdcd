"""Models and data that come from outside: .npz files and fitted scikit-learn perceptrons.

An .npz network holds ``layers``, the layers' type names in order, and for layer number i the
fields of that type under ``i.field``::

    layers         ["Conv2d", "AvgPool2d", "Flatten", "Residual", "Dense"]
    0.weight       (out, in, kh, kw); 0.bias, 0.activation, 0.padding, 0.stride where not default
    1.size         2
    3.layers       ["Dense"], the branch of the residual block
    3.0.weight     (out, in)
    4.weight, 4.bias

An .npz data set holds ``inputs`` and, as it likes, ``targets``, ``test_inputs``, ``test_targets``.
Whole-number targets of a network with two outputs or more are class labels 0, 1, ...; others are
regression targets. One file may hold a network and its data. Nothing is ever unpickled.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.simulations.files import written_whole
from pruneproof.simulations.students import student_of_perceptron
from pruneproof.theory.arrays import as_real
from pruneproof.theory.network.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    Residual,
)
from pruneproof.theory.network.network import Network

from .files import read_arrays

Arrays = Mapping[str, NDArray[Any]]

_TYPES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (Dense, Conv2d, AvgPool2d, MaxPool2d, Flatten, BatchNorm, Residual)
}
_DATA_KEYS = ("inputs", "targets", "test_inputs", "test_targets")


@dataclass(frozen=True, eq=False)
class Data:
    """Samples a network is audited on.

    Attributes
    ----------
    inputs : (n, ...) array
    targets : (n,) labels, (n,) or (n, p) numbers, or None
    test_inputs, test_targets : the same for held-out samples, or None
    """

    inputs: NDArray[Any]
    targets: NDArray[Any] | None = None
    test_inputs: NDArray[Any] | None = None
    test_targets: NDArray[Any] | None = None


def save_network(path: str | os.PathLike[str], network: Network, data: Data | None = None) -> None:
    """Write `network` (and `data`) as one .npz file, whole or not at all.

    Raises
    ------
    ValueError
        The file cannot be written there.
    """
    arrays = _network_arrays(network.layers, "")
    if data is not None:
        present = {key: getattr(data, key) for key in _DATA_KEYS}
        arrays |= {key: value for key, value in present.items() if value is not None}
    with written_whole(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _network_arrays(layers: Any, prefix: str) -> dict[str, NDArray[Any]]:
    arrays = {f"{prefix}layers": np.asarray([type(layer).__name__ for layer in layers])}
    for number, layer in enumerate(layers):
        for field in dataclasses.fields(layer):
            value = getattr(layer, field.name)
            if field.name == "layers":
                arrays |= _network_arrays(value, f"{prefix}{number}.")
            elif value is not None:
                arrays[f"{prefix}{number}.{field.name}"] = np.asarray(value)
    return arrays


def load_network(path: str | os.PathLike[str]) -> Network:
    """Network of an .npz file, with the keys which ``help("pruneproof.models")`` names.

    Raises
    ------
    ValueError
        The file cannot be read; a key is missing, unknown or of the wrong kind; an entry is NaN
        or infinite; the layers do not chain.
    """
    return network_of(read_arrays(path), str(path))


def load_data(path: str | os.PathLike[str]) -> Data:
    """Samples of an .npz file: `inputs`, and `targets`, `test_inputs`, `test_targets` if there.

    Raises
    ------
    ValueError
        The file cannot be read, has no `inputs`, holds entries that are no numbers, or its arrays
        differ in their number of rows.
    """
    return data_of(read_arrays(path), str(path))


def network_of(arrays: Arrays, source: str) -> Network:
    """Network of the arrays read from `source`; errors as :func:`load_network`."""
    used: set[str] = set(_DATA_KEYS)
    layers = _layers_of(arrays, "", source, used)
    unknown = sorted(key for key in set(arrays) - used if key[:1].isdigit())
    if unknown:
        raise ValueError(
            f"{source}: '{unknown[0]}' belongs to no field of its layer; check its spelling and "
            f"its number (the file has {len(layers)} layers, counted from 0)"
        )
    try:
        return Network(layers)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{source}: {error}") from None


def _layers_of(arrays: Arrays, prefix: str, source: str, used: set[str]) -> list[Any]:
    key = f"{prefix}layers"
    if key not in arrays:
        raise ValueError(
            f"{source} has no key '{key}'; give the layers' type names in order, such as "
            '["Dense", "Dense"]'
        )
    used.add(key)
    names = arrays[key]
    if names.dtype.kind not in "US" or names.ndim != 1 or names.size == 0:
        raise ValueError(
            f"{source}: '{key}' must be a list of type names, but has shape {names.shape} and "
            f"entries of type {names.dtype}"
        )
    words = [str(name) for name in names.astype(str)]
    return [
        _layer_of(arrays, word, f"{prefix}{number}.", source, used)
        for number, word in enumerate(words)
    ]


def _layer_of(arrays: Arrays, word: str, prefix: str, source: str, used: set[str]) -> Any:
    if word not in _TYPES:
        raise ValueError(
            f"{source}: layer {prefix[:-1]} is of type '{word}', which is not known; the types "
            f"are {', '.join(_TYPES)}"
        )
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(_TYPES[word]):
        key = prefix + field.name
        if field.name == "layers":
            fields["layers"] = _layers_of(arrays, prefix, source, used)
        elif key in arrays:
            used.add(key)
            fields[field.name] = _field(field.name, arrays[key], f"{source}: '{key}'")
        elif field.default is dataclasses.MISSING:
            raise ValueError(
                f"{source} has no key '{key}', which a {word} layer needs; add it (or correct "
                f"'{prefix[:-2]}layers')"
            )
    try:
        return _TYPES[word](**fields)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{source}: layer {prefix[:-1]} ({word}): {error}") from None


def _field(name: str, value: NDArray[Any], place: str) -> Any:
    if name == "activation":
        if value.dtype.kind not in "US" or value.ndim:
            raise ValueError(f"{place} must be one word such as relu, but is {value!r}")
        return str(value.astype(str))
    if name in _WHOLE:
        if value.dtype.kind not in "iu" or value.ndim > 1:
            raise ValueError(f"{place} must be a whole number, but is {value!r}")
        return int(value) if value.ndim == 0 else tuple(int(v) for v in value)
    numbers = as_real(place, value)
    return float(numbers) if name == "epsilon" and numbers.ndim == 0 else numbers


_WHOLE = ("padding", "stride", "size")


def data_of(arrays: Arrays, source: str) -> Data:
    """Samples of the arrays read from `source`; errors as :func:`load_data`."""
    if "inputs" not in arrays:
        raise ValueError(f"{source} has no key 'inputs'; store the samples, one a row, under it")
    found = {key: arrays[key] for key in _DATA_KEYS if key in arrays}
    for key in set(_DATA_KEYS) - set(found):
        for meant in difflib.get_close_matches(key, sorted(set(arrays) - set(found)), 1, 0.85):
            raise ValueError(f"{source}: '{meant}' is no key, but '{key}' is; rename it")
    for key, value in found.items():
        as_real(f"{source}: '{key}'", value)
        if value.ndim == 0:
            raise ValueError(f"{source}: '{key}' is one number; give one row a sample")
    return Data(**found)


def network_from_sklearn(model: Any) -> Network:
    """Network of a fitted scikit-learn MLPClassifier or MLPRegressor.

    That of :func:`pruneproof.simulations.students.student_of_perceptron`, but for a two-class
    model. A classifier's last layer gives scores before the softmax: their largest entry is the
    predicted class, as in the model. A two-class model has one score z there; here it has the two
    scores (0, z).

    Raises
    ------
    ValueError
        The model is not fitted, tells several labels apart at once, or has an output that no
        layer here computes (the exponential of a Poisson loss).
    """
    network: Network = student_of_perceptron(model).network
    if model.out_activation_ != "logistic":
        return network
    *hidden, last = network.layers
    assert isinstance(last, Dense)
    zero = np.zeros_like(last.weight)
    weight, bias = np.concatenate([zero, last.weight]), np.concatenate([[0.0], last.bias])
    return Network([*hidden, Dense(weight, bias)])


def labels_of(targets: Any, classes: Any) -> NDArray[np.int64]:
    """Position of each target in `classes` (any sortable values, as scikit-learn keeps them).

    Raises
    ------
    ValueError
        A target is not one of the classes.
    """
    known = np.asarray(classes)
    asked = np.asarray(targets)
    if asked.ndim == 2 and asked.shape[1] == 1:
        asked = asked[:, 0]
    wrong = ~np.isin(asked, known)
    if wrong.any():
        raise ValueError(
            f"targets hold {int(wrong.sum())} labels that the model does not know (the first is "
            f"{asked[wrong][0]}); its classes are {known.tolist()}"
        )
    return np.searchsorted(known, asked).astype(np.int64)
