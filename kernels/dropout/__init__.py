"""Philox random numbers, dropout and stochastic depth."""
