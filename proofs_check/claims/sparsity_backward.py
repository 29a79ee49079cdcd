r"""A small network read off a teacher from the output to the input (I-11).

Letters: K_l the nodes of layer l that are kept, g_j the teacher's pre-activation of node j, r_j its
difference from the new one on the teacher's activations; ||.|| the root of the mean over inputs of
the squared norm. Forward passes are written out here.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from pruneproof import theory

from ..generators import Choice, Real, Whole
from ..mutants import Mutant
from ..pruned_chains import PHI, RHO
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together
from ..soft_vectors import INPUTS, LAWS, entries, inputs


@dataclass(frozen=True, eq=False)
class Teacher:
    """A chain of dense layers, inputs, and how finely it is to be met.

    Attributes
    ----------
    weights, biases : tuples of arrays
    activation : str
        Of all layers but the last, which is linear.
    inputs : (n, d) array
    method : {"omp", "budget"}
    tolerance : float
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    activation: str
    inputs: Floats
    method: str
    tolerance: float

    def forward(self, weights: list[Floats], biases: list[Floats]) -> list[Floats]:
        """Pre-activations of all layers."""
        x, sums = self.inputs, []
        for w, b in zip(weights, biases, strict=True):
            sums.append(x @ w.T + b)
            x = PHI[self.activation](sums[-1])
        return sums


def teacher(
    rng: np.random.Generator,
    *,
    family: str = "diagonal",
    law: str = "cauchy",
    d: int = 5,
    width: int = 4,
    depth: int = 2,
    outputs: int = 2,
    activation: str = "relu",
    method: str = "omp",
    tolerance: float = 0.3,
) -> Teacher:
    """Rows of one law that read inputs of one family."""
    x = inputs(rng, family, d)
    sizes = [d, *[width] * (depth - 1), outputs]
    weights = [
        np.stack([entries(rng, law, a, a) for _ in range(b)]) for a, b in itertools.pairwise(sizes)
    ]
    weights = [w / np.max(np.abs(w)) for w in weights]
    biases = [0.5 * rng.standard_normal(b) for b in sizes[1:]]
    return Teacher(tuple(weights), tuple(biases), activation, x, method, tolerance)


@register(
    "sparsity.I-11",
    "inequality",
    teacher,
    {
        "family": Choice(INPUTS),
        "law": Choice(LAWS),
        "d": Whole(1, 6),
        "width": Whole(1, 5),
        "depth": Whole(1, 3),
        "outputs": Whole(1, 3),
        "activation": Choice(("relu", "identity", "tanh", "logistic")),
        "method": Choice(("omp", "budget")),
        "tolerance": Real(0.01, 0.9),
        "seed": Whole(0, 65535),
    },
    (
        *({"family": family, "depth": 1} for family in INPUTS),
        {},
        {"method": "budget", "depth": 3, "activation": "tanh"},
        {"method": "budget", "depth": 1, "law": "flat", "tolerance": 0.8},
        {"activation": "logistic", "tolerance": 0.8, "width": 5, "d": 6},
        {"tolerance": 0.9, "outputs": 1, "depth": 3},
    ),
    (
        Mutant("bound x .95", {"constant": 0.95}),
        Mutant("no error passed on", {"passed": 0.0}),
        Mutant("residuals within half of the tolerance", {"level": 0.5}),
        Mutant("of one node a layer only", {"nodes": False}),
    ),
)
def backward_approximation(
    case: Teacher,
    *,
    constant: float = 1.0,
    passed: float = 1.0,
    level: float = 1.0,
    nodes: bool = True,
) -> Sides:
    """A network whose kept nodes each meet the teacher's within a tolerance errs by so much.

    Hypotheses
    ----------
    Dense layers, the last one linear; each kept node regressed, with an intercept, on few of the
    teacher's activations before it, by orthogonal greedy steps or within soft sparsity's budget.

    Statement
    ---------
    Residuals keep ||r_j||^2 <= tol^2 Var g_j, and the outputs err by at most sum_l [prod_{k > l}
    rho_k ||Wh_k||_2] rho_l (sum_{j in K_l} ||r_j||^2)^{1/2}.

    Source
    ------
    Derived [D] from I-4A on the kept nodes; the algorithm by the authors' public note [C].

    Equality cases
    --------------
    One layer.

    References
    ----------
    arXiv 2206.05604
    """
    layers = [theory.Dense(w, b, case.activation) for w, b in zip(case.weights, case.biases)]
    layers[-1] = theory.Dense(case.weights[-1], case.biases[-1])
    found = theory.backward_approx(
        theory.Network(layers), case.inputs, method=case.method, tolerance=case.tolerance
    )
    small = [(np.asarray(layer.weight), np.asarray(layer.bias)) for layer in found.network.layers]
    before = case.forward(list(case.weights), list(case.biases))
    after = case.forward([w for w, _ in small], [b for _, b in small])
    phi, n = PHI[case.activation], len(case.inputs)
    parts: list[Sides] = []
    total, size, edges = 0.0, 0.0, 0
    for place, (w, b) in enumerate(small):
        last = place == len(small) - 1
        rho = 1.0 if last else RHO[case.activation]
        x = case.inputs if place == 0 else phi(before[place - 1])[:, found.kept[place]]
        target = before[place][:, found.kept[place + 1]]
        residual = np.mean((target - x @ w.T - b) ** 2, axis=0)
        scale = float(np.sum(np.mean(target**2, axis=0)))
        allowed = (level * case.tolerance) ** 2 * np.var(target, axis=0)
        parts += [
            at_most(lost, most, scale=scale, size=64 * n, part="residual")
            for lost, most in zip(residual, allowed)
        ]
        local = math.sqrt(float(np.sum(residual) if nodes else residual[0]))
        gain = float(np.linalg.norm(w, 2))
        total = rho * (passed * total * gain + local)
        size = rho * (size * gain + math.sqrt(scale) * (1 + gain))
        edges += int(np.count_nonzero(w))
    squared = float(np.mean(np.sum((before[-1] - after[-1]) ** 2, axis=1)))
    return together(
        at_most(math.sqrt(squared), constant * total, scale=size, size=64 * n, part="error"),
        *parts,
        equal(found.squared_error, squared, scale=size**2, size=64 * n, part="error's value"),
        equal(found.edges, edges, scale=0.0, size=1, part="edges"),
    )
