"""Reading and writing files that can't be trusted: arrays in, arrays out, nothing executed.

archive          single files out of a .tar.gz, into memory
atomic           writing a file whole or not at all
images           image files as uint8 pixels, upright
pickle_reader    pickles as plain data; nothing they name is imported or run
                 (pickle_stream, _opcodes, _machine, _values, _numpy are its parts)
reading          a whole file's bytes
tensor_file      named arrays and JSON in one file, with a checksum (safetensors)
"""
