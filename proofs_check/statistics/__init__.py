"""Statistics: tests by betting, exact binomial limits, many hypotheses at once."""
