r"""Spectral pruning of a whole network, with its theory beside it.

At every site k of the m channels are kept, J is chosen on the ORIGINAL network's features for

    L^theta(J) = theta Tr S_J + (1 - theta) Tr Z S_J Z^T,

and the reconstruction phi ~ A_J phi_J + c is folded into the readers (Suzuki et al., arXiv
1808.08558 [R]; the constant c [D]). The readers of one residual stream share J, which is chosen on
the mean of their second moments and their stacked weights; each is then reconstructed by its own
second moment, which loses no more in the mean of Tr S_J than one A for all (S_J is concave in
Sigma).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from ..arrays import Array, as_count, as_generator, as_ridge, as_theta, namespace
from ..bounds.bound import Bound
from ..errors import InapplicableError
from ..laws import coherence_score, sampled_loss_law, sampled_ridge
from ..selection.selection import Selection
from ..spectrum import decompose, output_degrees_of_freedom
from .compressed import ChannelCompression, CompressedLayer, mixed_loss, run_both
from .error_bound import chain_error_bound
from .folding import ReaderFold, folded_network, folded_reader
from .layers import like
from .network import Network, as_inputs
from .selectors import Question, as_method, node_ridge, selected
from .site_moments import SiteMoments, site_moments
from .sites import Site, dotted, incoming_norms, prunable_sites
from .widths import DEFAULT_THETA, AdvisedWidth


def compress(
    network: Network,
    inputs: Any,
    widths: int | Sequence[int] | Mapping[str, int] | Mapping[str, AdvisedWidth],
    *,
    method: str = "greedy",
    theta: float = DEFAULT_THETA,
    ridge: float = 0.0,
    affine: bool = True,
    rng: Any = None,
) -> ChannelCompression:
    """Prune every hidden site of a network to the given widths.

    Parameters
    ----------
    network : Network
    inputs : (n, width) or (n, channels, height, width) array
        The sample behind P_n.
    widths : int, sequence or mapping
        Channels to keep: one number for all sites; one a site in the order of
        :func:`~pruneproof.theory.prunable_sites`; or name to number (or to advised width), where
        a site that is not named is left whole. At most the site's own width.
    method : str
        greedy, backward, exchange, best_of, derandomised, volume, leverage, magnitude or random;
        all are reconstructed alike.
    theta : float
        Weight of the input loss in the choice of J. It acts through the choice only: the
        reconstruction is the same for every theta, and the bound on the output error is smallest
        at theta = 0 (claim spectral.X7 [D]). The default is small rather than 0, as the output
        loss alone cannot tell nodes apart once k reaches the rank of Z (the number of classes,
        before a last layer).
    ridge : float
        tau, the same on every node, in the choice and reconstruction of all methods but leverage,
        for which it is lam of the drawing law; 0 stands there for lam_N(k), where N(lam) = k.
    affine : bool
        Reconstruct with a constant, folded into the bias: for the same nodes never worse on the
        sample. Readers that pad with zeros do without.
    rng : seed or Generator
        For the methods that draw.

    Returns
    -------
    ChannelCompression

    Raises
    ------
    InapplicableError
        A site to be pruned whose features do not vary over the sample, so that no choice is
        better than another.
    ValueError
        No hidden sites, widths out of range or of the wrong number, an unknown method, inputs that
        the network cannot take, a theta outside [0, 1], a negative ridge.
    """
    x = as_inputs(inputs)
    wanted = as_widths(prunable_sites(network), widths)
    method, theta, ridge = as_method(method), as_theta(theta), as_ridge(ridge)
    rng = as_generator(rng)
    layers = [
        _pruned_site(network, moments, wanted[moments.site.name], method, theta, ridge, rng)
        for moments in site_moments(network, x, affine=affine)
    ]
    pruned = folded_network(
        network,
        {fold.reader.path: fold for layer in layers for fold in layer.folds},
        {path: layer.selection.kept for layer in layers for path in layer.site.writers},
    )
    runs = run_both(network, pruned, layers, x)
    losses = runs.measurement(layers).losses
    done = tuple(replace(layer, measured=loss) for layer, loss in zip(layers, losses))
    bound, note = chain_error_bound(network, pruned, done, runs)
    return ChannelCompression(network, pruned, done, runs.output_error, bound, note)


def as_widths(
    sites: Sequence[Site],
    widths: int | Sequence[int] | Mapping[str, int] | Mapping[str, AdvisedWidth],
) -> dict[str, int]:
    """Width of every site by name, checked to lie between 1 and the site's own."""
    if not sites:
        raise ValueError("the network has no hidden layer, so there is nothing to prune")
    if isinstance(widths, Mapping):
        unknown = [name for name in widths if name not in {site.name for site in sites}]
        if unknown:
            names = ", ".join(site.name for site in sites)
            raise ValueError(f"widths names {unknown[0]!r}, but the sites are {names}")
        given = [widths.get(site.name, site.width) for site in sites]
        given = [w.width if isinstance(w, AdvisedWidth) else w for w in given]
    elif np.ndim(widths) == 0:
        given = [cast(int, widths)] * len(sites)
    else:
        given = list(cast(Sequence[int], widths))
    if len(given) != len(sites):
        raise ValueError(
            f"widths has {len(given)} entries, but the network has {len(sites)} sites: "
            f"{', '.join(f'{site.name} ({site.width})' for site in sites)}"
        )
    return {
        site.name: as_count(f"width of {site.name}", width, least=1, most=site.width)
        for site, width in zip(sites, given)
    }


def _pruned_site(
    network: Network,
    moments: SiteMoments,
    width: int,
    method: str,
    theta: float,
    ridge: float,
    rng: np.random.Generator,
) -> CompressedLayer:
    """Choose and reconstruct the nodes of one site, and set the theory beside them."""
    spectrum = decompose(moments.cov)
    varies = spectrum.trace > 0.0
    if not varies and width < moments.site.width:
        raise InapplicableError(
            f"the features of {moments.site.name} do not vary over the inputs (second moment 0), "
            "so no choice of nodes is better than another; give more inputs, or leave it whole"
        )
    z = moments.output_weights
    norms = like(moments.cov, incoming_norms(network, moments.site))
    question = Question(moments.cov, spectrum, z, width, theta, ridge, norms, rng)
    selection = selected(method if varies else "greedy", question)
    tau = node_ridge(method, question, selection)
    kept = namespace(moments.cov).asarray(selection.kept)
    folds = tuple(folded_reader(reader, kept, tau) for reader in moments.readers)
    predicted = mixed_loss([(fold.input_loss, fold.output_loss) for fold in folds], theta)
    law_ridge = question.sampling_ridge if varies else 0.0
    kappa = sampled_ridge(spectrum, law_ridge, width)
    input_law = sampled_loss_law(spectrum, law_ridge, width)
    output_law = kappa * output_degrees_of_freedom(spectrum, kappa, z)
    return CompressedLayer(
        moments=moments,
        selection=selection,
        spectrum=spectrum,
        theta=theta,
        ridge=ridge,
        folds=folds,
        predicted=predicted,
        law=theta * input_law + (1.0 - theta) * output_law,
        input_law=input_law,
        law_ridge=law_ridge,
        coherence=coherence_score(spectrum, law_ridge, width) if varies else 0.0,
        bounds=_bounds(spectrum, z, theta, width, selection.width) if varies else {},
        notes=_notes(method, question, selection, folds),
    )


def _bounds(spectrum: Any, z: Array, theta: float, draws: int, width: int) -> dict[str, Bound]:
    """Right-hand sides: the paper's at so many draws, the others at so many distinct nodes."""
    from ..bounds.layer import dof_bound, tail_bound, volume_bound
    from ..bounds.paper import paper_bound

    mixture: dict[str, Any] = {"theta": theta, "output_weights": z}
    return {
        "paper": paper_bound(spectrum, draws, **mixture),
        "dof": dof_bound(spectrum, width, **mixture),
        "volume": volume_bound(spectrum, width, **mixture),
        "tail": tail_bound(spectrum, width),
    }


def _notes(
    method: str, question: Question, selection: Selection, folds: Sequence[ReaderFold]
) -> tuple[str, ...]:
    """What a reader of the site's figures should know."""
    notes = [f"reader {dotted(fold.reader.path)}: {fold.reader.note}" for fold in folds]
    if method == "leverage":
        notes.append(
            f"leverage sampling at ridge {question.sampling_ridge:.4g} "
            f"({question.sampling_ridge_source}): {question.width} draws, "
            f"{selection.width} distinct nodes"
        )
    elif selection.width < question.width:
        notes.append(
            f"{selection.width} nodes kept where {question.width} were asked for: the second "
            "moment has no higher rank, so they lose nothing"
        )
    for fold in folds:
        if fold.rank < selection.width:
            notes.append(
                f"reader {dotted(fold.reader.path)}: the block of kept nodes has rank {fold.rank}, "
                "so a pseudo-inverse was used"
            )
    if len(folds) > 1:
        notes.append(
            "several readers: bounds and law are of their mean second moment, the reconstruction "
            "of each by its own"
        )
    return tuple(notes)
