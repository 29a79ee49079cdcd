"""The subject of an audit: a network and its samples, checked against each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory.arrays import as_count, as_real, to_numpy
from pruneproof.theory.network.network import Network, as_inputs, batches
from pruneproof.theory.network.sites import Site, prunable_sites

from .digits import split
from .models import labels_of, network_from_sklearn
from .scoring import Task, checked_targets


@dataclass(frozen=True, eq=False)
class Subject:
    """The network, its samples, and what is asked of it."""

    network: Network
    inputs: NDArray[np.float64]
    test_inputs: NDArray[np.float64]
    held_out: str
    task: Task | None
    sites: list[Site]
    theta: float
    seed: int

    def widths(self, width: int) -> list[int]:
        """Width of every site: narrower ones are left whole."""
        return [min(width, site.width) for site in self.sites]

    def rng(self, *key: int) -> np.random.Generator:
        """Stream of one draw, whatever else is drawn."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def checked_subject(
    model: Any,
    inputs: Any,
    targets: Any,
    test_inputs: Any,
    test_targets: Any,
    theta: float,
    seed: int,
    name: str,
) -> Subject:
    """Check a call of :func:`pruneproof.audit`; hold rows out where there are no test rows.

    Raises
    ------
    ValueError
        What is wrong with the call.
    """
    network, classes = _as_network(model)
    _check_pairs(targets, test_inputs, test_targets)
    as_count("seed", seed, least=0)
    if classes is not None:
        targets, test_targets = (
            None if t is None else labels_of(t, classes) for t in (targets, test_targets)
        )
    x = to_numpy(as_inputs(inputs))
    known = _checked("targets", targets, _outputs("inputs", network, x))
    if test_inputs is None:
        x, test_x, known, asked, held_out = _divided(x, known, seed)
    else:
        test_x = to_numpy(as_inputs(as_real("test_inputs", test_inputs)))
        outputs = _outputs("test_inputs", network, test_x)
        asked = _checked("test_targets", test_targets, outputs)
        held_out = f"{len(test_x)} rows given as test rows"
    task = None if known is None or asked is None else Task(known.ndim == 1, known, asked)
    if task is not None and task.targets.ndim != task.test_targets.ndim:
        raise ValueError("targets and test_targets must both be labels or both be numbers")
    sites = prunable_sites(network)
    if not sites:
        raise ValueError(
            f"{name} has no hidden layer, so there is nothing to prune; give a network of two "
            "layers or more"
        )
    return Subject(network, x, test_x, held_out, task, sites, theta, seed)


class _TooLarge(Exception):
    """Number of the layer, its largest value, and the limit."""


def _outputs(name: str, network: Network, x: NDArray[Any]) -> NDArray[Any]:
    """Outputs; samples of another shape and sums of squared activations that overflow are refused.

    Raises
    ------
    ValueError
        Which samples or which layer, and by how much.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            outputs: NDArray[Any] = network.forward(x)
            for part in batches(x):
                for number, value in enumerate(network.activations(part)):
                    limit = math.sqrt(np.finfo(float).max / value.size * len(part) / len(x))
                    largest = float(np.max(np.abs(value)))
                    if not largest < limit:
                        raise _TooLarge(number, largest, limit)
    except _TooLarge as found:
        number, largest, limit = found.args
        raise ValueError(
            f"layer {number} gives values up to {largest:.3g} on the {name}, whose squares "
            f"overflow (the limit is {limit:.2g}); scale the inputs or the weights down"
        ) from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return outputs


def _check_pairs(targets: Any, test_inputs: Any, test_targets: Any) -> None:
    """Refuse test rows that are given by half."""
    if test_targets is not None and (test_inputs is None or targets is None):
        missing = "test_inputs" if test_inputs is None else "targets"
        raise ValueError(f"test_targets are given without {missing}; give both or neither")
    if test_inputs is not None and targets is not None and test_targets is None:
        raise ValueError("test_inputs are given without test_targets; give both or neither")


def _checked(name: str, targets: Any, outputs: NDArray[Any]) -> NDArray[Any] | None:
    return None if targets is None else checked_targets(name, targets, outputs)


def _divided(
    x: NDArray[Any], known: NDArray[Any] | None, seed: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None, NDArray[Any] | None, str]:
    """Rows to prune on and a seeded quarter held out, with their targets, and words for it."""
    if len(x) < 4:
        raise ValueError(
            f"inputs have {len(x)} rows, too few to hold any out; give at least 4, or give "
            "test_inputs"
        )
    train, test = split(len(x), seed)
    words = (
        f"a seeded quarter of the rows ({len(test)} of {len(x)}) is held out here; if the network "
        "was trained on them, they are not held out from training"
    )
    if known is None:
        return x[train], x[test], None, None, words
    return x[train], x[test], known[train], known[test], words


def _as_network(model: Any) -> tuple[Network, Any]:
    """Network of a model, and its classes where it is a scikit-learn classifier."""
    if isinstance(model, Network):
        return model, None
    if hasattr(model, "intercepts_") or hasattr(model, "hidden_layer_sizes"):
        return network_from_sklearn(model), getattr(model, "classes_", None)
    raise ValueError(
        f"the network is a {type(model).__name__}; give a pruneproof Network or a fitted "
        "scikit-learn MLPClassifier or MLPRegressor"
    )
