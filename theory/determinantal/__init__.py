"""Determinantal point processes (DPPs) over the nodes of a layer.

Kernels, exact inclusion probabilities, exact samplers, the greedy most likely set, conditioning.
A DPP has P(J) = det L_JJ / det(I + L) over all subsets, a k-DPP P(J) = det L_JJ / e_k(l) over
those of k nodes, which is volume sampling of :mod:`..selection.volume`.
"""
