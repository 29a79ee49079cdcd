"""The built-in model `digits`: a two-hidden-layer ReLU network on scikit-learn's digits.

It is trained once, with a seed, and kept with its data in the user's cache folder
($PRUNEPROOF_CACHE, else $XDG_CACHE_HOME/pruneproof, else ~/.cache/pruneproof) under a name that
carries the recipe, so that another recipe trains again. A damaged file is trained again too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from pruneproof.theory.network.network import Network

from .files import read_arrays
from .models import Data, data_of, network_from_sklearn, network_of, save_network

HELD_OUT_FRACTION = 0.25
RECIPE: dict[str, Any] = {
    "data": "sklearn.datasets.load_digits, divided by 16",
    "held_out": HELD_OUT_FRACTION,
    "hidden_layer_sizes": (256, 256),
    "activation": "relu",
    "max_iter": 60,
    "version": 1,
}


def cache_folder() -> Path:
    """Folder for what can be computed again."""
    own = os.environ.get("PRUNEPROOF_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pruneproof"


def cached_file(seed: int) -> Path:
    """Where the trained network of `seed` is kept."""
    key = hashlib.sha256(repr(sorted(RECIPE.items())).encode()).hexdigest()[:12]
    return cache_folder() / f"digits-{key}-seed{seed}.npz"


def digits(seed: int = 0) -> tuple[Network, Data]:
    """Trained network and its data, from the cache where it is there and sound.

    Returns
    -------
    Network
        64 - 256 - 256 - 10, ReLU, the last layer giving class scores.
    Data
        Pixels in [0, 1] and labels; a seeded quarter of the 1797 images is held out.

    Raises
    ------
    ValueError
        The network is not in the cache and scikit-learn, which trains it, is not installed.
    """
    place = cached_file(seed)
    if place.exists():
        with contextlib.suppress(ValueError):  # damaged: train it again
            arrays = read_arrays(place)
            return network_of(arrays, str(place)), data_of(arrays, str(place))
    network, data = _train(seed)
    with contextlib.suppress(OSError, ValueError):  # a cache that cannot be written costs time only
        place.parent.mkdir(parents=True, exist_ok=True)
        save_network(place, network, data)
    return network, data


def _train(seed: int) -> tuple[Network, Data]:
    try:
        from sklearn.datasets import load_digits
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        raise ValueError(
            "the built-in model 'digits' is trained by scikit-learn, which is not installed; "
            "install it with: pip install 'pruneproof[sklearn]'"
        ) from None
    images, labels = load_digits(return_X_y=True)
    images = images / 16.0
    train, test = split(len(images), seed)
    model = MLPClassifier(
        hidden_layer_sizes=RECIPE["hidden_layer_sizes"],
        activation=RECIPE["activation"],
        max_iter=RECIPE["max_iter"],
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 60 epochs are the recipe
        model.fit(images[train], labels[train])
    data = Data(images[train], labels[train], images[test], labels[test])
    return network_from_sklearn(model), data


def split(n: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Row numbers kept for training and held out: a seeded quarter of n, at least one each."""
    order = np.random.default_rng(seed).permutation(n)
    held_out = max(1, int(HELD_OUT_FRACTION * n))
    return np.sort(order[held_out:]), np.sort(order[:held_out])
