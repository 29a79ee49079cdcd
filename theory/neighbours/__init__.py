"""Neighbours of compression: widths of neuron families, pooling, covers, prunability, sketches."""
