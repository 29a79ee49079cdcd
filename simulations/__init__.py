"""The laboratory: teachers with a prescribed spectrum, and figures."""
