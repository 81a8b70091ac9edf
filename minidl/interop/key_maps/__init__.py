"""Where published weights have other names than ours: one file per family, nothing but names.

`stages` numbers the blocks of families that are built alike.

A map is a tuple of pairs (ours, theirs) of modules. A parameter's name begins with one of them and
goes on alike: with ("fc", "last_linear"), "fc.weight" is theirs "last_linear.weight". All modules
are listed, also those that are called alike; where one is within another, the longer name counts.
"""
