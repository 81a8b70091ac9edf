"""Optimizer steps over lists of arrays."""
