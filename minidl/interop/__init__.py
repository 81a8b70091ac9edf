"""State dicts in files: `save` and `load`."""
