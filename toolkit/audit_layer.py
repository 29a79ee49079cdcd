"""One hidden layer of an audit: spectrum, advised widths, losses beside laws and bounds.

Everything is of the second moment which the reconstruction uses, and of the mixed loss
L^theta = Tr(Q S_J), whose trivial value is Tr(Q Sigma).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.bounds.advice import advised_widths
from pruneproof.theory.bounds.directions import directions
from pruneproof.theory.bounds.layer import dof_bound, floor, volume_bound
from pruneproof.theory.bounds.paper import paper_bound, paper_width, sampling_bound
from pruneproof.theory.elementary import volume_residual
from pruneproof.theory.errors import InapplicableError
from pruneproof.theory.network.compressed import CompressedLayer
from pruneproof.theory.network.folding import loss_parts
from pruneproof.theory.network.site_moments import SiteMoments
from pruneproof.theory.objective import information_loss
from pruneproof.theory.selection.leverage import select_leverage
from pruneproof.theory.spectrum import Spectrum, degrees_of_freedom

from .audit_data import DecayRow, Estimate, LayerAudit, LossRow, estimate
from .audit_subject import Subject

#: How often leverage sampling is drawn for the loss beside its law.
LOSS_DRAWS = 20


def audited_layer(
    subject: Subject,
    place: int,
    grid: Sequence[int],
    compressed: list[CompressedLayer],
    held_out: list[float],
    share: float,
) -> LayerAudit:
    """Spectrum, advised widths and losses of one site."""
    spectrum, site = compressed[0].spectrum, compressed[0].moments
    mixture: dict[str, Any] = {"theta": subject.theta, "output_weights": site.output_weights}
    trivial = directions(spectrum, **mixture).trivial
    if trivial == 0.0:
        raise InapplicableError(
            f"no loss depends on {site.site.name}: its outgoing weights are all 0 (at theta = "
            f"{subject.theta:g}); raise theta"
        )
    rows = [
        _loss_row(subject, place, site, width, layer, loss)
        for width, layer, loss in zip(grid, compressed, held_out)
        if width < spectrum.size
    ]
    return LayerAudit(
        name=site.site.name,
        width=spectrum.size,
        rank=spectrum.rank,
        trace=spectrum.trace,
        trivial=trivial,
        eigenvalues=tuple(float(value) for value in to_numpy(spectrum.eigenvalues)),
        decay=tuple(_decay(spectrum)),
        budget=share * trivial,
        advised=advised_widths(site.cov, share * trivial, **mixture),
        paper_draws=_paper_draws(spectrum, share * trivial, mixture),
        losses=tuple(rows),
        notes=_layer_notes(site),
    )


def _layer_notes(site: SiteMoments) -> tuple[str, ...]:
    """Which second moment this is, and whether measured losses are of the same."""
    notes = sorted({reader.note for reader in site.readers})
    if len(site.readers) > 1:
        notes.append(
            f"{len(site.readers)} readers: formula, floor, law and bounds are of their mean second "
            "moment; measured losses are of each reader's own, so they may pass below the floor"
        )
    return tuple(notes)


def _paper_draws(spectrum: Spectrum, budget: float, mixture: Mapping[str, Any]) -> int:
    """Draws the paper-style bound asks for, however many nodes there are."""
    from scipy.optimize import brentq

    def excess(log_ridge: float) -> float:
        return math.log(sampling_bound(spectrum, math.exp(log_ridge), **mixture).value / budget)

    # lam Tr(Q H_lam) rises from 0 to Tr(Q Sigma) with lam: far below and above every eigenvalue
    # the bound lies on both sides of a budget below Tr(Q Sigma)
    high = math.log(1e3 * spectrum.trace)
    share = budget / directions(spectrum, **mixture).trivial
    low = math.log(spectrum.trace * share / 1e6)
    while excess(low) > 0.0:
        low -= 10.0
    return paper_width(spectrum, math.exp(brentq(excess, low, high, xtol=1e-9)))


def _decay(spectrum: Spectrum) -> Iterable[DecayRow]:
    """Rows at j = 1, 2, 4, ... up to the rank."""
    mu = to_numpy(spectrum.eigenvalues)
    j = 1
    while j <= spectrum.rank:
        value = float(mu[j - 1])
        tail = float(mu[j:].sum()) / spectrum.trace
        yield DecayRow(j, value, tail, float(degrees_of_freedom(spectrum, value)))
        j *= 2


def _loss_row(
    subject: Subject,
    place: int,
    site: SiteMoments,
    width: int,
    layer: CompressedLayer,
    held_out: float,
) -> LossRow:
    """Losses of one site at one width: floor, greedy, law and bounds."""
    spectrum, theta, z = layer.spectrum, subject.theta, site.output_weights
    mixture: dict[str, Any] = {"theta": theta, "output_weights": z}
    inputs, outputs = loss_parts(volume_residual(spectrum, width), z)
    return LossRow(
        width=width,
        floor=floor(spectrum, width, **mixture).value,
        predicted=information_loss(site.cov, layer.selection.kept, **mixture),
        train=layer.measured_loss,
        held_out=held_out,
        volume_mean=theta * inputs + (1.0 - theta) * outputs,
        law=layer.law,
        law_ridge=layer.law_ridge,
        coherence=layer.coherence,
        sampled=_sampled_loss(subject, place, site, width, layer),
        four_ridge_dof=sampling_bound(spectrum, layer.law_ridge, **mixture).value,
        dof=dof_bound(spectrum, width, **mixture).value,
        volume=volume_bound(spectrum, width, **mixture).value,
        paper=paper_bound(spectrum, width, **mixture).value,
    )


def _sampled_loss(
    subject: Subject, place: int, site: SiteMoments, width: int, layer: CompressedLayer
) -> Estimate:
    """Loss of leverage-sampled multisets with the law's ridges, measured."""
    losses = []
    for draw in range(LOSS_DRAWS):
        rng = subject.rng(0, place, width, draw)
        chosen = select_leverage(layer.spectrum, width, layer.law_ridge, rng=rng)
        loss = information_loss(
            site.cov,
            chosen.kept,
            ridge=chosen.ridge,
            theta=subject.theta,
            output_weights=site.output_weights,
        )
        losses.append(loss)
    return estimate(losses)
