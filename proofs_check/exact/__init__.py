"""Statements decided in rational arithmetic: small instances, whole enumerations."""
