"""The networks, one file per paper."""
