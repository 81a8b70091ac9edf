"""Reading and writing files that can't be trusted: arrays in, arrays out, nothing executed.

atomic           writing a file whole or not at all
tensor_file      named arrays and JSON in one file, with a checksum (safetensors)
"""
