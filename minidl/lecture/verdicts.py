"""Whether a figure on a slide holds: rules, the same for all of them.

A figure is compared with one or several readings of it, each a number that was computed under a
convention (such as "MACs" and "FLOP = 2 · MACs"). The first reading is what the slide says, word
for word.

    exact       the first reading is the figure
    rounded     it is, rounded to the digits that the slide shows
    cut off     it is, with the digits behind those left out
    ambiguous   the first reading is another number, but a later one is the figure
    wrong       no reading is the figure; by a factor of ten, if that is what is the matter
    published   nothing here can compute it
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

__all__ = ["KINDS", "Number", "Reading", "Verdict", "judge", "match", "number"]

KINDS = ("exact", "rounded", "cut off", "ambiguous", "wrong", "published")

_PATTERN = re.compile(r"([\d,]*\.?\d+)\s*(?:×\s*10\^(\d+)|([KkMG]))?x?")
_UNITS = {"K": 3, "k": 3, "M": 6, "G": 9}


@dataclass(frozen=True)
class Number:
    """What is printed, and how much its last digit is worth."""

    value: Decimal
    step: Decimal


def number(text: str) -> Number | None:
    """Read a figure as slides print it; None if it is something else.

    >>> number("0.48M"), number("1,000"), number("25.5×10^6").step
    (Number(value=Decimal('4.8E+5'), step=Decimal('1E+4')), \
Number(value=Decimal('1000'), step=Decimal('1')), Decimal('1E+5'))
    >>> number("76x").value, number("112×112")
    (Decimal('76'), None)
    """
    found = _PATTERN.fullmatch(text.strip())
    if found is None:
        return None
    digits, power, unit = found.groups()
    unit_power = int(power) if power else _UNITS.get(unit, 0)
    last = unit_power - len(digits.partition(".")[2])
    value = Decimal(digits.replace(",", "")).scaleb(unit_power)
    return Number(value, step=Decimal(1).scaleb(last))


def match(text: str, value: Any) -> str | None:
    """How `value` is the figure `text`: "exact", "rounded", "cut off"; None if it is not.

    >>> match("0.44M", 442_368), match("346M", 346_816_512), match("48k", 48_000)
    ('rounded', 'cut off', 'exact')
    >>> match("0.48M", 48_000), match("(1, 10)", (1, 10))
    (None, 'exact')
    """
    if isinstance(value, bool):
        return "exact" if value else None
    printed = number(text) if isinstance(value, (int, float, Decimal)) else None
    if printed is None:
        return "exact" if str(value) == text else None
    excess = Decimal(value) - printed.value
    if excess == 0:
        return "exact"
    if abs(excess) <= printed.step / 2:
        return "rounded"
    return "cut off" if 0 < excess < printed.step else None


@dataclass(frozen=True)
class Reading:
    """What a figure can mean, and what it then is."""

    convention: str
    value: Any
    """A number; or a shape or text that must be the same; or whether a statement is true."""
    text: str = ""
    """How to show it, if not as it is."""

    def __str__(self) -> str:
        if self.text:
            return self.text
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        if isinstance(self.value, float):
            return f"{self.value:.4g}" if self.value < 1000 else f"{self.value:,.0f}"
        return f"{self.value:,}" if isinstance(self.value, int) else str(self.value)


@dataclass(frozen=True)
class Verdict:
    """One of KINDS, and the reading that is right (or, if it is wrong, that is meant)."""

    kind: str
    reading: Reading | None
    remark: str = ""


def judge(
    text: str, readings: Sequence[Reading], causes: Sequence[Reading] = (), unknown: str = ""
) -> Verdict:
    """The verdict on a figure.

    Args:
        text: the figure as the slide prints it.
        readings: what it can mean; none if nothing here can compute it.
        causes: numbers that explain a wrong figure without making it right.
        unknown: if there are no readings: why.

    >>> flop = [Reading("FLOP = 2 · MACs", 235_200), Reading("MACs", 117_600)]
    >>> judge("0.12M", flop)
    Verdict(kind='ambiguous', reading=Reading(convention='MACs', value=117600, text=''), \
remark='rounded')
    >>> judge("1.2M", flop).kind, judge("1.2M", flop).remark
    ('wrong', 'ten times too large')

    """
    if not readings:
        return Verdict("published", None, unknown)
    for place, reading in enumerate(readings):
        how = match(text, reading.value)
        if how is not None:
            return Verdict(how, reading) if place == 0 else Verdict("ambiguous", reading, how)
    meant, remarks = readings[0], []
    for words, factor in _FACTORS.items():
        found = [r for r in readings if _is_number(r.value) and match(text, _times(r, factor))]
        if found:
            meant, remarks = found[0], [words]
            break
    hows = ((cause, match(text, cause.value)) for cause in causes)
    remarks += [f"it is {cause.convention}, {how}" for cause, how in hows if how is not None]
    return Verdict("wrong", meant, ", ".join(remarks))


_FACTORS = {
    "ten times too large": Decimal(10),
    "a tenth of it": Decimal("0.1"),
    "a hundred times too large": Decimal(100),
    "a hundredth of it": Decimal("0.01"),
}


def _times(reading: Reading, factor: Decimal) -> Decimal:
    return Decimal(reading.value) * factor


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
