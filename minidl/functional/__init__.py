"""Differentiable operations, one file per family."""
