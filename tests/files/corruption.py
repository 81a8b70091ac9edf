"""Damage to files, at random and reproducible: what disks, networks and attackers do to them."""

import struct

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
EXTREMES += (2**63 - 1, 2**63, 2**64 - 1)
NUMBERS = (b"0", b"1", b"-1", b"255", b"65536", b"4294967296", b"9223372036854775808", b"1e999")


def corrupted(seeds, rng):
    """One of the files with one to four damages; it never is one of them unchanged."""
    while True:
        content = bytes(rng.choice(seeds))
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            content = rng.choice(DAMAGES)(content, rng, seeds)
        if content not in seeds:
            return content


def position(content, rng):
    """Anywhere, but as often near the start or the end, where formats keep their structure."""
    near = rng.randrange(min(len(content), 200) + 1)
    return rng.choice((rng.randrange(len(content) + 1), near, len(content) - near))


def span(content, rng):
    start = position(content, rng)
    return start, start + rng.choice((1, 2, 4, 8, rng.randrange(len(content) + 1)))


def flip_bit(content, rng, seeds):
    start = position(content, rng)
    changed = bytes(byte ^ (1 << rng.randrange(8)) for byte in content[start : start + 1])
    return content[:start] + changed + content[start + 1 :]


def change_bytes(content, rng, seeds):
    start = position(content, rng)
    new = rng.randbytes(rng.choice((1, 1, 2, 4, 16)))
    return content[:start] + new + content[start + len(new) :]


def truncate(content, rng, seeds):
    return content[: position(content, rng)]


def insert(content, rng, seeds):
    start = position(content, rng)
    return content[:start] + rng.randbytes(rng.choice((1, 2, 4, 100))) + content[start:]


def delete(content, rng, seeds):
    start, stop = span(content, rng)
    return content[:start] + content[stop:]


def duplicate(content, rng, seeds):
    start, stop = span(content, rng)
    return content[:stop] + content[start:stop] * rng.choice((1, 1, 2, 50)) + content[stop:]


def zero(content, rng, seeds):
    start, stop = span(content, rng)
    stop = min(stop, len(content))
    return content[:start] + bytes(max(0, stop - start)) + content[stop:]


def swap_blocks(content, rng, seeds):
    first, second, third = sorted(position(content, rng) for _ in range(3))
    return content[:first] + content[second:third] + content[first:second] + content[third:]


def extreme_field(content, rng, seeds):
    """A number of a header becomes the largest, the smallest, the first one too large."""
    start, order, width = position(content, rng), rng.choice("<>"), rng.choice("BHIQ")
    field = struct.Struct(order + width)
    value = rng.choice(EXTREMES) & ((1 << 8 * field.size) - 1)
    return content[:start] + field.pack(value) + content[start + field.size :]


def extreme_text(content, rng, seeds):
    """A number written in digits becomes another."""
    start = position(content, rng)
    while start < len(content) and not content[start : start + 1].isdigit():
        start += 1
    stop = start
    while content[stop : stop + 1].isdigit():
        stop += 1
    return content[:start] + rng.choice(NUMBERS) + content[stop:]


def concatenate(content, rng, seeds):
    return content + rng.choice(seeds)


def splice(content, rng, seeds):
    """The start of one file and the end of another."""
    other = rng.choice(seeds)
    return content[: position(content, rng)] + other[position(other, rng) :]


DAMAGES = (
    *(flip_bit, change_bytes, truncate, insert, delete, duplicate, zero, swap_blocks),
    *(extreme_field, extreme_text, concatenate, splice),
)
