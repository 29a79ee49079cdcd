"""Statements decided in ball arithmetic, and the certificates that replay it."""
