"""Sparsification of weight matrices that preserves their spectrum.

Samplers and thresholds, the perturbation of singular values and subspaces, norms of what was
dropped, concentration of random sparsifications, effective resistances, spectra of convolutions.
"""
