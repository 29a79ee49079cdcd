r"""Which single weights a network keeps, by the methods of `prune_weights`.

Every layer is a matrix of rows w_i: the inputs of a neuron, or the (in, kh, kw) kernel of an output
channel, whose inputs are patches. Its moment is G, or the covariance where the bias is fixed;
sizes sqrt(G_jj) are not centred even then: between layers sqrt(Cov_jj) favours the inputs of the
network over its features, and loses more at the output of heavy-tailed teachers.

    magnitude           |w|                                                    (T2, T7)
    weighted-magnitude  |w_ij| sqrt(G_jj), G not centred                       (A4, T2')
    adaptive            budgets of layers and rows by their soft sparsity, q = 1/2     (A3, T8)
    sap                 rounds of sparsity-informed adaptive pruning without training  (A8)
    obs                 the exact optimal surgeon, row by row, with refit      (X1)

and the samplers and rules of :func:`~pruneproof.theory.sparsify`.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..selection.removal import independent_nodes
from ..sparsification.sparsify import SPARSIFIERS, sparsify
from ..sparsity.adaptive import sap_step
from ..sparsity.allocation import allocate, layer_budgets, top_of_all
from ..sparsity.indices import norm
from ..sparsity.neuron import refit
from ..sparsity.obs import inverse_moment, surgeon
from ..sparsity.stechkin import stechkin_constant
from ..sparsity.top import top_entries

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
#: The order of soft sparsity by which `adaptive` shares.
ADAPTIVE_ORDER = 0.5
#: Samplers that look at rows and columns; the others take a whole network as one long row.
_MATRIX = ("row-l1", "effective-resistance")


@dataclass(frozen=True, eq=False)
class Task:
    """What a method is asked.

    Attributes
    ----------
    rows : list of (out, d) arrays
        Weights of each layer.
    moments : list of (d, d) arrays
        Second moments of their inputs; covariances where the bias is fixed.
    sizes : list of (d,) arrays
        Root mean squares of the inputs, not centred.
    gains : list of float
        What an error of 1 of each layer's sums comes to at the output, by the norms of the layers
        after it.
    density : float
    scope : str
    rng : Generator
    """

    rows: list[Floats]
    moments: list[Floats]
    sizes: list[Floats]
    gains: list[float]
    density: float
    scope: str
    rng: np.random.Generator

    def count(self, size: int) -> int:
        """Number of weights to keep of `size`, at least 1."""
        return max(1, math.floor(self.density * size + 0.5))

    @property
    def total(self) -> int:
        """Number of weights of the whole network."""
        return sum(w.size for w in self.rows)


def pruned_rows(method: str, task: Task) -> list[Floats]:
    """Weights of each layer after pruning, before any refit.

    Raises
    ------
    ValueError
        An unknown method, or one that has no such scope.
    """
    if method in _OWN:
        return _OWN[method](task)
    if method in SPARSIFIERS:
        return _sampled(method, task)
    known = ", ".join(dict.fromkeys((*_OWN, *SPARSIFIERS)))
    raise ValueError(f"method must be one of {known}, but is {method!r}")


def _magnitude(task: Task) -> list[Floats]:
    return _kept(task, _top(task, [np.abs(w) for w in task.rows]))


def _weighted(task: Task) -> list[Floats]:
    return _kept(task, _top(task, [np.abs(w) * g for w, g in zip(task.rows, task.sizes)]))


def _top(task: Task, scores: Sequence[Floats]) -> list[Mask]:
    """The largest scores of every row, every layer, or the network."""
    if task.scope == "neuron":
        return [np.asarray(top_entries(s, task.count(s.shape[1]))) for s in scores]
    if task.scope == "layer":
        return [top_of_all([s], task.count(s.size))[0] for s in scores]
    return top_of_all(scores, task.count(task.total))


def _adaptive(task: Task) -> list[Floats]:
    """A3 within each layer; between layers, whose bounds add, by T8 (iii).

    Layers that cost nothing, such as all of them where the inputs do not vary, get what is left of
    the budget by the size of their weights.
    """
    if task.scope == "neuron":
        raise ValueError(
            "adaptive shares a budget between rows, so scope neuron leaves it nothing to share; "
            "use scope layer or global, or method magnitude"
        )
    q = ADAPTIVE_ORDER
    budgets = [task.count(w.size) for w in task.rows]
    if task.scope == "global":
        c = stechkin_constant(q, 2.0)
        tops = [max(0.0, float(np.linalg.eigvalsh(g)[-1])) for g in task.moments]
        norms = [
            a * c * math.sqrt(top) * norm(w, q) for a, top, w in zip(task.gains, tops, task.rows)
        ]
        caps = [np.count_nonzero(w) for w in task.rows]
        budgets = layer_budgets(norms, task.count(task.total), q, caps=caps).tolist()
    counts = [allocate(list(w), 1.0, s, q) for w, s in zip(task.rows, budgets)]
    masks = [np.asarray(top_entries(w, s)) for w, s in zip(task.rows, counts)]
    left = task.count(task.total) - sum(int(np.count_nonzero(m)) for m in masks)
    if task.scope == "global" and left > 0:
        more = top_of_all([np.where(m, 0.0, np.abs(w)) for w, m in zip(task.rows, masks)], left)
        masks = [m | o for m, o in zip(masks, more)]
    return _kept(task, masks)


def _sap(task: Task) -> list[Floats]:
    """Rounds until the whole network's density is reached; the last one prunes in part."""
    target = task.count(task.total)
    masks = [np.ones(w.shape, dtype=bool) for w in task.rows]
    while True:
        after = sap_step(task.rows, masks, scope=task.scope)
        left = sum(int(np.count_nonzero(m)) for m in after)
        if left <= target:
            gone = [m & ~a for m, a in zip(masks, after)]
            scores = [np.where(g, np.abs(w), 0.0) for w, g in zip(task.rows, gone)]
            back = top_of_all(scores, target - left)
            return _kept(task, [a | (g & b) for a, g, b in zip(after, gone, back)])
        if left == sum(int(np.count_nonzero(m)) for m in masks):
            return _kept(task, after)
        masks = after


def _obs(task: Task) -> list[Floats]:
    """Row by row; inputs that do not vary, or that others determine, cost nothing, and go first."""
    idle = [_idle(g) for g in task.moments]
    rows = [
        np.where(dead, 0.0, w) + _taken_over(w, dead, g)
        for w, dead, g in zip(task.rows, idle, task.moments)
    ]
    inverses = [
        inverse_moment(np.where(dead | dead[:, None], np.diag(dead * 1.0), g))
        for dead, g in zip(idle, task.moments)
    ]
    paths = [[surgeon(r, m, r.size)[1] for r in w] for w, m in zip(rows, inverses)]
    if task.scope == "neuron":
        counts = [[w.shape[1] - task.count(w.shape[1])] * w.shape[0] for w in rows]
    elif task.scope == "layer":
        counts = [_removals([p], w.size - task.count(w.size))[0] for p, w in zip(paths, rows)]
    else:
        counts = _removals(paths, task.total - task.count(task.total))
    out = [w.copy() for w in task.rows]
    for layer, inverse, dead, g, new, some in zip(rows, inverses, idle, task.moments, out, counts):
        for place, removals in enumerate(some):
            order, _, found = surgeon(layer[place], inverse, removals)
            own = np.where(dead, new[place], 0.0)
            own[order] = 0.0  # idle inputs that are kept, with the weights they had
            new[place] = found + own - _taken_over(own[None], dead, g)[0]
            new[place, order] = 0.0
    return out


def _idle(moment: Floats) -> Mask:
    """Inputs that do not vary, or that the others determine: all but independent ones."""
    idle = np.ones(moment.shape[0], dtype=bool)
    idle[independent_nodes(moment, np.zeros(idle.size))] = False
    return idle


def _taken_over(rows: Floats, idle: Mask, moment: Floats) -> Floats:
    """What the weights of idle inputs come to on the others, (out, d), at no loss."""
    own = np.where(idle & (np.diag(moment) > 0.0), rows, 0.0)
    if not own.any():
        return np.zeros_like(rows)
    return refit(own, np.broadcast_to(~idle, rows.shape), moment)


def _removals(paths: Sequence[Sequence[Floats]], removals: int) -> list[list[int]]:
    """How many entries each row loses if the cheapest next removal of all rows is always taken."""
    counts = [[0] * len(layer) for layer in paths]
    heap = [(float(p[0]), i, j) for i, layer in enumerate(paths) for j, p in enumerate(layer)]
    heapq.heapify(heap)
    for _ in range(removals):
        _, i, j = heapq.heappop(heap)
        counts[i][j] += 1
        if counts[i][j] < paths[i][j].size:
            heapq.heappush(heap, (float(paths[i][j][counts[i][j]]), i, j))
    return counts


def _sampled(method: str, task: Task) -> list[Floats]:
    """A sampler of sparsification on each row, each layer, or all weights as one long row."""
    if task.scope == "neuron":
        return [
            np.concatenate(
                [sparsify(r[None], task.count(r.size), method=method, rng=task.rng) for r in w]
            )
            for w in task.rows
        ]
    if task.scope == "layer":
        return [sparsify(w, task.count(w.size), method=method, rng=task.rng) for w in task.rows]
    if method in _MATRIX:
        raise ValueError(f"{method} samples one matrix, so it has no scope global; use scope layer")
    long = np.concatenate([w.reshape(1, -1) for w in task.rows], axis=1)
    found = sparsify(long, task.count(task.total), method=method, rng=task.rng)
    ends = np.cumsum([w.size for w in task.rows])[:-1]
    parts = np.split(np.asarray(found).reshape(-1), ends)
    return [part.reshape(w.shape) for part, w in zip(parts, task.rows)]


def _kept(task: Task, masks: Sequence[Mask]) -> list[Floats]:
    return [np.where(m, w, 0.0) for m, w in zip(masks, task.rows)]


_OWN: dict[str, Callable[[Task], list[Floats]]] = {
    "magnitude": _magnitude,
    "weighted-magnitude": _weighted,
    "adaptive": _adaptive,
    "sap": _sap,
    "obs": _obs,
}
#: Methods whose rows keep their largest |w|; those of their largest |w| sqrt(G_jj).
BY_SIZE = ("magnitude", "adaptive", "sap")
BY_WEIGHTED_SIZE = ("weighted-magnitude",)
