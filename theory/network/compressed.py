r"""What pruning gives back: the pruned network and, site by site, loss, law and bounds.

Measured losses are taken on the raw residuals phi - A phi_J - c of the ORIGINAL network's
features, averaged over samples and positions:

    theta mean_r Tr R_r + (1 - theta) sum_r Tr Z_r R_r Z_r^T,   R_r = mean (residual)(residual)^T

over the readers r of the site (one, but for residual streams). Without a ridge this is the closed
form L^theta; with one it is below it (claim spectral.I6 [D]).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..arrays import Array, namespace
from ..bounds.bound import Bound
from ..moments import MomentAccumulator
from ..selection.selection import Selection
from ..spectrum import Spectrum
from .folding import ReaderFold, loss_parts
from .network import Network, as_inputs, batches
from .site_moments import SiteMoments
from .sites import Path, Site, layer_inputs, parametric, reader_features


@dataclass(frozen=True)
class SiteLoss:
    """Loss of one site: L^A, L^B and their mixture L^theta, units of the features squared."""

    input: float
    output: float
    mixed: float


@dataclass(frozen=True, eq=False)
class CompressedLayer:
    """One pruned site: what was chosen, predicted, measured, and what theory says of it.

    Attributes
    ----------
    moments : SiteMoments
        Site, second moments (centred where the reconstruction is affine) and output weights.
    selection : Selection
    spectrum : Spectrum
        Of the site's second moment ``moments.cov``, with eigenvectors.
    theta, ridge : float
        As given to :func:`~pruneproof.theory.compress`.
    folds : tuple of ReaderFold
        The reconstruction of each reader.
    predicted, measured : SiteLoss
        By the closed form, ridge included, and on the sample (NaN until measured).
    law : float
        What L^theta of as many leverage-sampled nodes at `law_ridge` would be, kappa Tr(Q H_kappa):
        a prediction, not a bound (laws.L2), to be distrusted where `coherence` is above .12.
    input_law : float
        The same for L^A, kappa N(kappa).
    law_ridge, coherence : float
        lam: the ridge that leverage sampling was given, else lam_N(k), where N(lam) = k.
    bounds : dict of Bound
        On the site's second moment. "dof" (X1), "volume" (D6), and "tail" (D8, of the input loss):
        losses that SOME choice of k nodes meets without a ridge. "paper" (P1): the loss, ridges
        included, of as many leverage draws as were asked for, w.p. 14/15. Left empty for a site
        whose features do not vary.
    notes : tuple of str
        What a reader of the figures should know.
    """

    moments: SiteMoments
    selection: Selection
    spectrum: Spectrum
    theta: float
    ridge: float
    folds: tuple[ReaderFold, ...]
    predicted: SiteLoss
    law: float
    input_law: float
    law_ridge: float
    coherence: float
    bounds: dict[str, Bound]
    notes: tuple[str, ...]
    measured: SiteLoss = SiteLoss(math.nan, math.nan, math.nan)

    @property
    def site(self) -> Site:
        """Which channels these are."""
        return self.moments.site

    @property
    def name(self) -> str:
        """Name of the site."""
        return self.site.name

    @property
    def width(self) -> int:
        """Number of kept channels."""
        return self.selection.width

    @property
    def size(self) -> int:
        """Number of channels before."""
        return self.site.width

    @property
    def predicted_loss(self) -> float:
        """L^theta by the closed form."""
        return self.predicted.mixed

    @property
    def measured_loss(self) -> float:
        """L^theta on the sample."""
        return self.measured.mixed

    @property
    def input_loss(self) -> float:
        """L^A by the closed form."""
        return self.predicted.input

    @property
    def output_loss(self) -> float:
        """L^B by the closed form."""
        return self.predicted.output


@dataclass(frozen=True)
class Measurement:
    """Loss of every site, in order, and ||f - f#||_n, on one sample."""

    losses: tuple[SiteLoss, ...]
    output_error: float


class PrunedPart(Protocol):
    """What every pruned part of a network says of itself, channels and single weights alike."""

    @property
    def name(self) -> str:
        """Where it is."""

    @property
    def size(self) -> int:
        """Number of channels, or weights, before."""

    @property
    def width(self) -> int:
        """Number that is kept."""

    @property
    def predicted_loss(self) -> float:
        """By the closed form."""

    @property
    def measured_loss(self) -> float:
        """On the sample."""

    @property
    def bounds(self) -> dict[str, Bound]:
        """What theory says of the loss."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures should know."""


@dataclass(frozen=True, eq=False)
class Compression:
    """A pruned network beside the one it came from.

    Attributes
    ----------
    original, network : Network
        Before and after.
    layers : tuple of pruned parts
        :class:`CompressedLayer` a site for channels, in the order of
        :func:`~pruneproof.theory.prunable_sites`; :class:`~pruneproof.theory.PrunedWeights` a
        Dense or Conv2d layer for single weights.
    output_error : float
        ||f - f#||_n, the root of the mean over samples of the squared norm of the difference.
    error_bound : Bound or None
        Bound on `output_error`, where its premises hold.
    error_bound_note : str
        What the bound says, or why there is none.
    """

    original: Network
    network: Network
    layers: tuple[PrunedPart, ...]
    output_error: float
    error_bound: Bound | None
    error_bound_note: str

    @property
    def parameters(self) -> tuple[int, int]:
        """Number of parameters before and after, zeros included."""
        return self.original.parameter_count, self.network.parameter_count


@dataclass(frozen=True, eq=False)
class ChannelCompression(Compression):
    """What :func:`~pruneproof.theory.compress` gives: whole channels are gone.

    `error_bound` is B1's.
    """

    layers: tuple[CompressedLayer, ...]

    def measure(self, inputs: Any) -> Measurement:
        """Losses and output error on other inputs, such as held-out ones.

        Raises
        ------
        ValueError
            Inputs that the network cannot take.
        """
        x = as_inputs(inputs)
        return run_both(self.original, self.network, self.layers, x).measurement(self.layers)


@dataclass(frozen=True, eq=False)
class BothRuns:
    """Sums over a sample of the original network's residuals and of the pruned one's error.

    Attributes
    ----------
    residual_moments : dict
        Reader path to R = mean over samples and positions of (residual)(residual)^T.
    output_error, output_norm : float
        ||f - f#||_n and ||f||_n.
    """

    residual_moments: dict[Path, Array]
    output_error: float
    output_norm: float

    def measurement(self, layers: Sequence[CompressedLayer]) -> Measurement:
        """Losses of the sites."""
        losses = []
        for layer in layers:
            parts = [
                loss_parts(self.residual_moments[fold.reader.path], fold.reader.output_weights)
                for fold in layer.folds
            ]
            losses.append(mixed_loss(parts, layer.theta))
        return Measurement(tuple(losses), self.output_error)


def run_both(
    original: Network, pruned: Network, layers: Sequence[CompressedLayer], x: Array
) -> BothRuns:
    """Run the original network and the pruned one side by side, batch by batch."""
    folds = {fold.reader.path: fold for layer in layers for fold in layer.folds}
    sums = {p: MomentAccumulator(fold.coefficients.shape[0]) for p, fold in folds.items()}
    squared_error = squared_norm = 0.0
    for batch in batches(x):
        seen, outputs = layer_inputs(original, batch)
        for path, fold in folds.items():
            width = fold.coefficients.shape[0]
            features = reader_features(parametric(original, path), seen[path], width)
            sums[path].update(fold.residual_features(features))
        difference = outputs - pruned.forward(batch)
        xp = namespace(outputs)
        squared_error += float(xp.sum(difference * difference))
        squared_norm += float(xp.sum(outputs * outputs))
    n = x.shape[0]
    return BothRuns(
        {path: moment.second_moment for path, moment in sums.items()},
        math.sqrt(squared_error / n),
        math.sqrt(squared_norm / n),
    )


def mixed_loss(parts: Sequence[tuple[float, float]], theta: float) -> SiteLoss:
    """Site's loss from the readers' L^A (their mean counts) and L^B (their sum counts)."""
    inputs = sum(a for a, _ in parts) / len(parts)
    outputs = sum(b for _, b in parts)
    return SiteLoss(inputs, outputs, theta * inputs + (1.0 - theta) * outputs)
