"""Chains of layers: how errors reach the output (B1, W1, G0).

Letters: f = W^L phi^L + b^L, phi^{l+1} = eta(W^l phi^l + b^l), ||g||_n^2 the mean of ||g(x_i)||^2.
Left sides are plain forward passes, right sides the bounds of the theory.
"""

from __future__ import annotations

import functools

import numpy as np

from pruneproof import theory

from ..mutants import Mutant
from ..networks import CHAINS, Chain, chain, chain_features, mean_norm, operator_norm
from ..oracles import ridge_fit
from ..registry import register
from ..sides import Floats, Sides, at_most, equal, together

#: One pruned layer meets B1 with equality.
SHALLOW = ({"depth": 2}, {"depth": 2, "ridged": True, "keep": 0.2})
#: Layers whose errors all point one way: B1 is met up to a thousandth, with norms above 1.
ALIGNED = ({"depth": 4, "aligned": True, "ridged": True, "keep": 0.2, "activation": "identity"},)
DEEP = tuple(
    {"depth": 4, "activation": name, "ridged": ridged}
    for name in ("identity", "relu", "tanh")
    for ridged in (False, True)
)


def _as_network(weights: list[Floats], biases: list[Floats], activation: str) -> theory.Network:
    last = len(weights) - 1
    return theory.Network(
        [
            theory.Dense(w, b, "identity" if place == last else activation)
            for place, (w, b) in enumerate(zip(weights, biases))
        ]
    )


def _product(norms: list[float]) -> float:
    return float(functools.reduce(lambda a, b: a * max(b, 1.0), norms, 1.0))


def _carried(norms: list[float], sizes: list[float], after: int = 1) -> float:
    """sum_l (prod_{l'>=l+after} norm_{l'}) size_l, the plain way."""
    return float(sum(np.prod(norms[place + after :]) * size for place, size in enumerate(sizes)))


@register(
    "spectral.B1",
    "inequality",
    chain,
    CHAINS,
    SHALLOW + DEEP + ALIGNED,
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("next layer's norm dropped", {"after": 2}),
        Mutant("errors add up squared", {"power": 2.0}),
        Mutant("norms of W in place of W#", {"compressed": False}),
    ),
)
def network_error(
    net: Chain,
    *,
    constant: float = 1.0,
    after: int = 1,
    power: float = 1.0,
    compressed: bool = True,
) -> Sides:
    """Errors of pruned layers reach the output multiplied by the compressed weights' norms.

    Hypotheses
    ----------
    eta elementwise and 1-Lipschitz; any distinct J_l (all inputs and outputs kept), any tau; A_l
    the reconstruction, W#^l = W^l_{J_{l+1}} A_l, b#^l = b^l_{J_{l+1}}.

    Statement
    ---------
    ||f - f#||_n <= sum_l (prod_{l'>l} ||W#^{l'}||_op) r_l,
    r_l = ||W^l_{J_{l+1}} (phi^l - A_l phi^l_{J_l})||_n.

    Source
    ------
    Derived [D]; compressed weights as in the paper [R, confident].

    Equality cases
    --------------
    One pruned layer. Nearly so: aligned rank-one weights, one node kept at a small ridge.

    References
    ----------
    arXiv 1808.08558
    """
    phi, kept = net.features(), net.kept
    moments = [theory.second_moment(x) for x in phi[1:-1]]
    a = [theory.reconstruction(c, j, t) for c, j, t in zip(moments, kept, net.node_ridges)]
    rows = [*kept, np.arange(2)]
    weights = [net.weights[0][rows[0]]]
    weights += [w[j] @ fold for w, j, fold in zip(net.weights[1:], rows[1:], a)]
    biases = [b[j] for b, j in zip(net.biases, rows)]
    pruned = chain_features(weights, biases, net.activation, net.inputs)[-1]
    gaps = [x - x[:, j] @ fold.T for x, j, fold in zip(phi[1:-1], kept, a)]
    own = [mean_norm(g @ w[j].T) for g, w, j in zip(gaps, net.weights[1:], rows[1:])]
    errors = theory.layer_errors(net.weights[1:], phi[1:-1], kept, a)
    bound = theory.network_error_bound(weights[1:], errors).value
    norms = [operator_norm(w) for w in weights[1:]]
    stated = _carried(norms, own)
    if not compressed:
        norms = [operator_norm(w) for w in net.weights[1:]]
    claimed = _carried([c**power for c in norms], [r**power for r in own], after) ** (1 / power)
    largest = max(1.0, *(mean_norm(x) for x in phi)) * (
        1 + sum(float(np.linalg.norm(f)) for f in a)
    )
    scale = largest * _product([operator_norm(w) for w in [*weights, *net.weights]])
    forward = _as_network(net.weights, net.biases, net.activation).forward(net.inputs)
    gap, size = mean_norm(phi[-1] - pruned), 12 * len(net.weights)
    return together(
        at_most(gap, constant * claimed, scale=scale, size=size, part="output"),
        equal(own, errors, scale=scale, size=size, part="layer errors"),
        equal(bound, stated, scale=scale, size=size, part="bound's value"),
        equal(phi[-1], forward, scale=12 * scale, size=size, part="forward pass"),
        _compressed(net, phi),
    )


def _compressed(net: Chain, phi: list[Floats]) -> Sides:
    """compress() folds the least-squares reconstruction of its own choice of nodes."""
    tau = float(net.node_ridges[0][0])
    widths = [len(j) for j in net.kept]
    network = _as_network(net.weights, net.biases, net.activation)
    found = theory.compress(network, net.inputs, widths, ridge=tau, affine=False)
    fits, rows = [], []
    for x, pruned in zip(phi[1:-1], found.layers):
        nodes = np.asarray(pruned.selection.kept)
        fits.append(ridge_fit(x, x, nodes, np.full(len(nodes), tau)))
        rows.append(nodes)
    rows.append(np.arange(2))
    weights = [net.weights[0][rows[0]]]
    weights += [w[j] @ f.coefficients for w, j, f in zip(net.weights[1:], rows[1:], fits)]
    biases = [b[j] for b, j in zip(net.biases, rows)]
    ours = chain_features(weights, biases, net.activation, net.inputs)[-1]
    theirs = found.network.forward(net.inputs)
    scale = 12 * max(1.0, *(mean_norm(x) for x in phi))
    scale *= _product([operator_norm(w) for w in weights])
    scale *= _product(
        [f.amplification * (f.slope * mean_norm(x)) ** 2 for f, x in zip(fits, phi[1:])]
    )
    return equal(ours, theirs, scale=scale, size=12 * len(weights), part="compress")


@register(
    "spectral.W1",
    "inequality",
    chain,
    CHAINS,
    SHALLOW + DEEP + ({"keep": 0.0}, {"keep": 0.0, "aligned": True}),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("sigma_{r+2} in place of sigma_{r+1}", {"dropped": 2}),
    ),
)
def low_rank_error(net: Chain, *, constant: float = 1.0, dropped: int = 1) -> Sides:
    """Weights truncated to low rank cost at most their first dropped singular values.

    Hypotheses
    ----------
    eta elementwise and 1-Lipschitz; W_r^l the best approximation of rank r_l; biases kept.

    Statement
    ---------
    ||f - f_r||_n <= sum_l (prod_{l'>l} ||W_r^{l'}||_op) sigma_{r_l+1}(W^l) ||phi^l||_n.

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    Aligned weights of rank one, truncated to rank 0.

    References
    ----------
    arXiv 1808.08558 (activations in place of weights [T])
    """
    phi = net.features()
    share = len(net.kept[0]) / net.weights[0].shape[0]
    ranks = [max(0, round(share * min(w.shape))) for w in net.weights]
    factors = [np.linalg.svd(w, full_matrices=False) for w in net.weights]
    truncated = [u[:, :r] * s[:r] @ vt[:r] for (u, s, vt), r in zip(factors, ranks)]
    output = chain_features(truncated, net.biases, net.activation, net.inputs)[-1]
    bound = theory.low_rank_bound(net.weights, ranks, phi[:-1]).value
    scale = max(1.0, *(mean_norm(x) for x in phi)) * _product([f[1][0] for f in factors])
    size = 12 * len(net.weights)
    norms = [float(s[0]) if r else 0.0 for (_, s, _), r in zip(factors, ranks)]

    def sizes(first: int) -> list[float]:
        lost = [float(np.sum(s[r + first - 1 :][:1])) for (_, s, _), r in zip(factors, ranks)]
        return [s * mean_norm(x) for s, x in zip(lost, phi)]

    stated, claimed = _carried(norms, sizes(1)), constant * _carried(norms, sizes(dropped))
    return together(
        at_most(mean_norm(phi[-1] - output), claimed, scale=scale, size=size),
        equal(bound, stated, scale=scale, size=size, part="bound's value"),
    )


@register(
    "spectral.G0",
    "inequality",
    chain,
    CHAINS,
    DEEP + ({"aligned": True, "depth": 4},),
    mutants=(
        Mutant("constant x .95", {"constant": 0.95}),
        Mutant("moved biases dropped", {"bias_step": 0.0}),
        Mutant("B_l dropped from X_l", {"bias_size": 0.0}),
        Mutant("next layer's norm dropped", {"after": 2}),
    ),
)
def parameter_change(
    net: Chain,
    *,
    constant: float = 1.0,
    bias_step: float = 1.0,
    bias_size: float = 1.0,
    after: int = 1,
) -> Sides:
    """Outputs move at most G eps when every parameter array moves by eps.

    Hypotheses
    ----------
    eta elementwise, 1-Lipschitz, 0 at 0; both networks have ||W^l||_op <= R_l, ||b^l|| <= B_l;
    ||x|| <= D_x; every W^l (operator norm) and b^l moves by at most eps (here outwards by 1e-3).

    Statement
    ---------
    ||f(x) - f'(x)|| <= G eps, G = sum_l (prod_{l'>l} R_{l'}) (X_l + 1), X_1 = D_x,
    X_{l+1} = R_l X_l + B_l.

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    Aligned rank-one weights and biases, relu or identity, in the limit eps -> 0.

    References
    ----------
    arXiv 1808.08558 (covering numbers [R])
    """
    eps = 1e-3
    moved_weights = [eps * w / operator_norm(w) for w in net.weights]
    moved_biases = [eps * b / np.linalg.norm(b) for b in net.biases]
    weights = [w + d for w, d in zip(net.weights, moved_weights)]
    biases = [b + d for b, d in zip(net.biases, moved_biases)]
    norms = [operator_norm(w) for w in weights]  # moved outwards: larger than before
    sizes = [float(np.linalg.norm(b)) for b in biases]
    radius = float(np.max(np.linalg.norm(net.inputs, axis=1)))
    moved = chain_features(weights, biases, net.activation, net.inputs)[-1]
    change = float(np.max(np.linalg.norm(net.features()[-1] - moved, axis=1)))
    bound = theory.parameter_lipschitz(norms, sizes, radius) * eps
    scale = (radius + sum(sizes) + 1.0) * _product(norms)

    def reaches(biased: float) -> list[float]:
        found = [radius]
        for norm, size in zip(norms[:-1], sizes):
            found.append(norm * found[-1] + biased * size)
        return found

    stated = eps * _carried(norms, [reach + 1.0 for reach in reaches(1.0)])
    claimed = eps * _carried(norms, [reach + bias_step for reach in reaches(bias_size)], after)
    return together(
        at_most(change, constant * claimed, scale=scale, size=12 * len(norms)),
        equal(bound, stated, scale=scale * len(norms), size=12, part="bound's value"),
    )
