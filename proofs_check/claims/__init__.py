"""The claims, one file a family; each is one short function whose docstring is the statement."""
