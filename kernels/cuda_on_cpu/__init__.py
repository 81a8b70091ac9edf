"""Runs the .cu files on a machine without a GPU."""
