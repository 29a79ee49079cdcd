"""Studies: pure replicates over a grid of conditions."""
