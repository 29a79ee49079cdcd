r"""B3, the paper-form bound delta_1 for a network sampled by leverage, with its events checked.

Letters: k_l draws at layer l = 2..L from q = l_j/N(lam_l), ridges k lam q; rows of W^l of norm at
most R_l/sqrt(m_{l+1}); activations elementwise and 1-Lipschitz; Rbar_l = sqrt(20/3) R_l. If at
every layer

    S_J <= 4 lam H_lam                 (the event of P1)
    sum_i 1/q_{v_i} <= (5/3) m_l k_l   (the event of P1b)

then ||f - f#||_n <= delta_1 = sum_l (prod_{l'>=l} Rbar_{l'}) sqrt(lam_l). Form of Suzuki et al.,
arXiv 1808.08558 [R], constants matched by the proof here, claim spectral.B3 [D].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..arrays import as_kept, as_real, as_ridge, namespace, to_numpy
from ..errors import InapplicableError
from ..spectrum import as_spectrum, shrinkage
from .bound import Bound
from .network import as_chain, same_length


class SamplingEvents(NamedTuple):
    """Figures of one layer's draw, each relative to what B3 asks: it needs both at most 1.

    Attributes
    ----------
    loewner : float
        Least c with S_J <= c lam H_lam, over 4.
    inverse_probability : float
        sum_i 1/q_{v_i} over (5/3) m k.
    """

    loewner: float
    inverse_probability: float


def sampling_events(cov: Any, ridge: float, kept: Any, multiplicity: Any = None) -> SamplingEvents:
    r"""Events of one layer's leverage sample.

    S_J <= c lam H_lam holds iff K_J + lam >= (K + lam)/c, with K = Lambda in the eigenbasis and
    K_J = sum_j (c_j/(k q_j)) phi_j phi_j^T, phi_j = Lambda^{1/2} U^T e_j (claim laws.L1). The
    whitened smallest eigenvalue is found without inverting anything small.

    Parameters
    ----------
    cov : (m, m) array, or Spectrum with eigenvectors
    ridge : float
        lam > 0 of the drawing law and of the node ridges.
    kept : (k',) distinct nodes drawn
    multiplicity : (k',) whole numbers, optional
        How often each was drawn; once by default.

    Raises
    ------
    ValueError
        A ridge that is not above 0, nodes repeated or out of range, multiplicities below 1
        or not whole.
    InapplicableError
        A node of leverage 0, which leverage sampling never draws.
    """
    spectrum = as_spectrum(cov, vectors=True)
    lam = as_ridge(ridge, positive=True)
    mu, basis = spectrum.eigenvalues, spectrum.eigenvectors
    xp = namespace(mu)
    index = xp.asarray(as_kept(kept, spectrum.size))
    counts = xp.ones(index.shape[0], dtype=xp.float64)
    if multiplicity is not None:
        counts = xp.asarray(to_numpy(as_real("multiplicity", multiplicity, ndim=1)))
    fractional = bool(xp.any(counts != xp.floor(counts)))
    if counts.shape != index.shape or fractional or float(xp.min(counts)) < 1:
        raise ValueError("multiplicity must hold one whole number of at least 1 a kept node")
    rows = xp.take(basis, index, axis=0)
    weights = shrinkage(spectrum, lam)
    leverage = (rows * rows) @ weights
    if not float(xp.min(leverage)) > 0:
        raise InapplicableError("a kept node has leverage 0, so leverage sampling never draws it")
    q = leverage / xp.sum(weights)
    draws = float(xp.sum(counts))
    scaled = rows * xp.sqrt(weights) * xp.sqrt(counts / (draws * q))[:, None]
    whitened = xp.matrix_transpose(scaled) @ scaled
    whitened = whitened + xp.eye(spectrum.size, dtype=xp.float64) * (lam / (mu + lam))
    least = float(xp.min(xp.linalg.eigvalsh(whitened)))
    markov = float(xp.sum(counts / q)) / (5.0 / 3.0 * spectrum.size * draws)
    return SamplingEvents(1.0 / (4.0 * least), markov)


def sampled_network_bound(
    weights: Sequence[Any],
    ridges: Sequence[float],
    events: Sequence[SamplingEvents],
    *,
    trivial: float = math.inf,
) -> Bound:
    r"""Output error of a leverage-sampled chain, delta_1.

    delta_1 = sum_l (prod_{l'>=l} Rbar_{l'}) sqrt(lam_l), Rbar = sqrt(20/3) R.

    Parameters
    ----------
    weights : sequence of (m_{l+1}, m_l) arrays
        W^l, l = 2..L, of the UNPRUNED network; R_l = sqrt(m_{l+1}) max_j ||W^l_j|| is measured.
    ridges : sequence of float
        lam_l.
    events : sequence of SamplingEvents
        Of :func:`sampling_events`, one a layer.
    trivial : float
        ||f||_n, where it is known.

    Returns
    -------
    Bound
        On ||f - f#||_n; the terms are what each layer adds, with the worst figure of each event.

    Raises
    ------
    InapplicableError
        An event fails; the layer and the figure are in the message.
    ValueError
        Lengths differ, weights that do not chain, a negative ridge.
    """
    same_length(weights=weights, ridges=ridges, events=events)
    for place, event in enumerate(events):
        for name, figure in event._asdict().items():
            if figure > 1.0:
                raise InapplicableError(
                    f"layer {place}: the {name} event fails, its figure is {figure:.3g} where the "
                    "bound needs at most 1; draw again, or draw more nodes"
                )
    terms, amplification = {}, 1.0
    arrays = as_chain(weights)
    for place in range(len(arrays) - 1, -1, -1):
        amplification *= math.sqrt(20.0 / 3.0) * _row_constant(arrays[place])
        lam = as_ridge(ridges[place], name="ridges")
        terms[f"layer {place}"] = amplification * math.sqrt(lam)
    value = sum(terms.values())
    figures = {
        "loewner": max(e.loewner for e in events),
        "inverse_probability": max(e.inverse_probability for e in events),
    }
    note = "||f - f#||_n of the leverage-sampled network; certain, given the events checked"
    return Bound("spectral.B3", value, trivial, dict(reversed(terms.items())) | figures, note)


def _row_constant(weight: Any) -> float:
    """R with every row of norm at most R/sqrt(rows)."""
    xp = namespace(weight)
    return math.sqrt(weight.shape[0] * float(xp.max(xp.sum(weight * weight, axis=1))))
