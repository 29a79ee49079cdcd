"""The mathematics of network compression: arrays in, arrays out; no files, no printing.

Each section of the theory is a module; the names of the public contract are gathered here and
loaded on first use, so that nothing is imported (or compiled) before it is needed.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES: dict[str, str] = {
    "InapplicableError": "errors",
    "RankDeficientWarning": "errors",
    "as_covariance": "arrays",
    "second_moment": "moments",
    "MomentAccumulator": "moments",
    "Spectrum": "spectrum",
    "decompose": "spectrum",
    "degrees_of_freedom": "spectrum",
    "ridge_for_degrees_of_freedom": "spectrum",
    "leverage_scores": "spectrum",
    "volume_ridge": "spectrum",
    "output_degrees_of_freedom": "spectrum",
    "smoother": "spectrum",
    "tail_sum": "spectrum",
    "sampled_ridge": "laws",
    "sampled_loss_law": "laws",
    "coherence_score": "laws",
    "COHERENCE_WARNING": "laws",
    "reconstruction": "objective",
    "residual": "objective",
    "information_loss": "objective",
    "projected_output_weights": "objective",
    "affine_offset": "objective",
    "Selection": "selection.selection",
    "select_greedy": "selection.greedy",
    "select_backward": "selection.removal",
    "select_exchange": "selection.exchange",
    "Bound": "bounds.bound",
    "LowerBound": "bounds.directions",
    "floor": "bounds.layer",
    "converse_floor": "bounds.layer",
    "dof_bound": "bounds.layer",
    "volume_bound": "bounds.layer",
    "doubled_dof_bound": "bounds.layer",
    "tail_bound": "bounds.layer",
    "reconstruction_norm_bound": "bounds.layer",
    "determinant_bound": "bounds.layer",
    "paper_width": "bounds.paper",
    "paper_ridge": "bounds.paper",
    "sampling_bound": "bounds.paper",
    "paper_bound": "bounds.paper",
    "effective_dimension": "bounds.sampling",
    "sampling_width": "bounds.sampling",
    "sampling_level": "bounds.sampling",
    "leverage_bound": "bounds.sampling",
    "sampling_floor": "bounds.sampling",
    "bernoulli_probabilities": "bounds.sampling",
    "drawing_constant": "bounds.paper",
    "drawing_width": "bounds.paper",
    "inverse_probability_bound": "bounds.paper",
    "dof_sandwich": "bounds.rates",
    "power_law_dof_bound": "bounds.rates",
    "power_law_ridge_sandwich": "bounds.rates",
    "width_for_budget": "bounds.advice",
    "advised_widths": "bounds.advice",
    "layer_errors": "bounds.network",
    "network_error_bound": "bounds.network",
    "mixed_layer_bound": "bounds.network",
    "convolution_bound": "bounds.network",
    "low_rank_bound": "bounds.network",
    "parameter_lipschitz": "bounds.network_class",
    "perturbation_bound": "bounds.network_class",
    "SamplingEvents": "bounds.sampled_network",
    "sampling_events": "bounds.sampled_network",
    "sampled_network_bound": "bounds.sampled_network",
    "transfer_level": "bounds.transfer",
    "population_transfer": "bounds.transfer",
    "NetworkClass": "bounds.network_class",
    "covering_number_log": "bounds.network_class",
    "slow_bound": "bounds.generalization",
    "fast_bound": "bounds.generalization",
    "compressed_risk": "bounds.generalization",
    "ramp_loss": "bounds.margin",
    "ramp_lipschitz": "bounds.margin",
    "classification_bound": "bounds.margin",
    "held_out_bound": "bounds.held_out",
    "holdout_transfer_bound": "bounds.held_out",
    "uncompressed_risk": "bounds.held_out",
    "occam_bound": "bounds.held_out",
    "occam_kl_bound": "bounds.held_out",
    "description_length_bound": "bounds.held_out",
    "Dense": "network.layers",
    "Conv2d": "network.layers",
    "AvgPool2d": "network.layers",
    "MaxPool2d": "network.layers",
    "Flatten": "network.layers",
    "BatchNorm": "network.layers",
    "Residual": "network.layers",
    "Network": "network.network",
    "elementary_ratios": "elementary",
    "log_elementary": "elementary",
    "volume_loss": "elementary",
    "volume_residual": "elementary",
    "select_leverage": "selection.leverage",
    "select_bernoulli": "selection.leverage",
    "select_volume": "selection.volume",
    "select_magnitude": "selection.baselines",
    "select_random": "selection.baselines",
    "Site": "network.sites",
    "prunable_sites": "network.sites",
    "site_output_weights": "network.sites",
    "SiteMoments": "network.site_moments",
    "ReaderMoments": "network.site_moments",
    "site_moments": "network.site_moments",
    "ReaderFold": "network.folding",
    "CompressedLayer": "network.compressed",
    "Compression": "network.compressed",
    "Measurement": "network.compressed",
    "SiteLoss": "network.compressed",
    "compress": "network.compress",
    "select_volume_derandomised": "selection.derandomised",
    "select_best_of": "selection.best_of",
    "information_losses": "batched",
    "AdvisedWidth": "network.widths",
    "widths_for_ridge": "network.widths",
    "widths_for_error": "network.widths",
    "widths_for_parameters": "network.parameter_budget",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
