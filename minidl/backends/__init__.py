"""Backends: the contract, its implementations, and the registry."""
