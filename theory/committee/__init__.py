"""Committee machines: a teacher and a student of Gaussian inputs, their error and its pruning."""
