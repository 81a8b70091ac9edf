"""Batch normalisation, with its fused residual and activation."""
