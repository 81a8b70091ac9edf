"""Reading and writing files that can't be trusted: arrays in, arrays out, nothing executed.

atomic           writing a file whole or not at all
"""
