"""Rational arithmetic: identities and inequalities of small layers decided without rounding."""
