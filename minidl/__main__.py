"""`python -m minidl` is the same as `minidl`."""

from minidl.cli import main

main()
