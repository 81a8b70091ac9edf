"""How wide a text is, without a font: letters as wide as in DejaVu Sans, which is wide itself."""

from __future__ import annotations

_NARROW = dict.fromkeys("ijlI.,:;|!'` ·", 0.36) | dict.fromkeys("ftr()[]/\\-", 0.42)
_WIDE = dict.fromkeys("mwMWQO@%…", 0.98) | dict.fromkeys("+×−÷=<>→↺–", 0.84)
_WIDTHS = _NARROW | _WIDE


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Upper estimate of a text's width in pixels.

    >>> text_width("ReLU", 10) < text_width("MMMM", 10) < 10 * 4
    True
    """
    width = 0.0
    for c in text:
        if ord(c) > 0x2E80:  # Chinese, Japanese, Korean; emoji
            width += 1.1
        else:
            width += _WIDTHS.get(c) or (0.74 if c.isupper() else 0.64)
    return width * size * (1.12 if bold else 1.0)


def shortened(text: str, most: int = 42) -> str:
    """A long name, with its middle left out.

    >>> shortened("a" * 30 + "b" * 30, most=7)
    'aaa…bbb'
    """
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
