"""How a claim is put to the test: today the search for a refutation."""
