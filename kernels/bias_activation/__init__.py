"""Bias and activation in one pass, and their gradients."""
