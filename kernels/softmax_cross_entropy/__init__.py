"""Softmax followed by cross-entropy, in one."""
