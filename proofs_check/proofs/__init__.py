"""Statements closed by a prover: z3, sympy, Coq."""
