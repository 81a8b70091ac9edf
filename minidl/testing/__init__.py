"""Checks anyone can run: gradcheck, naive truths, the conformance suite."""
