"""The studies that come with pruneproof: name of a study -> module of this folder that holds it."""

from __future__ import annotations

#: A module is imported when its study is asked for; it holds one Study of that name.
STUDIES: dict[str, str] = {
    "dof-scaling": "dof_scaling",
    "compression-error": "compression_error",
    "sampling-lemma": "sampling_lemma",
    "coherence": "coherence",
    "bbp": "bbp",
    "random-features": "random_features",
    "pruned-least-squares": "pruned_least_squares",
    "scaling-exponents": "scaling_exponents",
    "bias-variance": "bias_variance",
    "feature-learning": "feature_learning",
    "theta": "theta",
    "generalization-gap": "generalization_gap",
    "sgd-against-ode": "sgd_against_ode",
    "node-against-edge": "node_against_edge",
    "crossover": "crossover",
    "reweighting": "reweighting",
    "dpp-degrees-of-freedom": "dpp_degrees_of_freedom",
    "divnet-digits": "divnet_digits",
    "width-tails": "width_tails",
    "coherence-crossover": "coherence_crossover",
    "spectrum-after-pruning": "spectrum_after_pruning",
    "convolution-spectrum": "convolution_spectrum",
    "allocation": "allocation",
    "soft-sparsity": "soft_sparsity",
    "sap-path": "sap_path",
    "prune-digits": "prune_digits",
}
