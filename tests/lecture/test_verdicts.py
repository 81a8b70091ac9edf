"""The rules by which a figure of a slide is judged."""

from decimal import Decimal

import pytest

from minidl.lecture.verdicts import KINDS, Number, Reading, judge, match, number

FLOP = (Reading("FLOP = 2 · MACs", 2_000_000), Reading("MACs", 1_000_000))


@pytest.mark.parametrize(
    ("text", "value", "step"),
    [
        ("150", 150, 1),
        ("35K", 35_000, 1_000),
        ("48k", 48_000, 1_000),
        ("60 K", 60_000, 1_000),
        ("2.4K", 2_400, 100),
        ("0.48M", 480_000, 10_000),
        ("1.2 M", 1_200_000, 100_000),
        ("1G", 10**9, 10**9),
        ("25.5×10^6", 25_500_000, 100_000),
        ("25.0×10^6", 25_000_000, 100_000),
        ("1,000", 1_000, 1),
        ("60,000", 60_000, 1),
        ("76x", 76, 1),
    ],
)
def test_number_as_slides_print_it(text, value, step):
    assert number(text) == Number(Decimal(value), Decimal(step))


@pytest.mark.parametrize("text", ["28 x 28", "(10)", "112×112", "", "K", "conv", "1.2.3", "~128"])
def test_what_is_no_number(text):
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("48k", 48_000, "exact"),
        ("48k", 48_499, "rounded"),
        ("48k", 48_500, "rounded"),  # half may be rounded to either side
        ("49k", 48_500, "rounded"),
        ("48k", 48_501, "cut off"),
        ("48k", 48_999, "cut off"),
        ("48k", 49_000, None),
        ("48k", 47_500, "rounded"),
        ("48k", 47_499, None),  # nobody rounds up that far
        ("150", 156, None),
        ("1,000", 1000, "exact"),
        ("76x", 76.9, "cut off"),
        ("76x", 77.1, None),
        ("2", 1.92, "rounded"),
        ("25.0×10^6", 25_028_904, "rounded"),
        ("25.5×10^6", 25_557_032, "cut off"),
        ("25.5×10^6", 25_600_000, None),
        ("(1, 10)", (1, 10), "exact"),
        ("(1, 10)", (1, 11), None),
        ("28 x 28", "28 x 28", "exact"),
        ("1", True, "exact"),  # a statement, not the number 1
        ("1", False, None),
        ("0", False, None),
    ],
)
def test_match(text, value, expected):
    assert match(text, value) == expected


def test_the_literal_reading_decides_whether_it_is_ambiguous():
    assert judge("2M", FLOP).kind == "exact"
    verdict = judge("1M", FLOP)
    assert (verdict.kind, verdict.reading, verdict.remark) == ("ambiguous", FLOP[1], "exact")
    assert judge("0.9M", [FLOP[0], Reading("MACs", 950_100)]).remark == "cut off"


@pytest.mark.parametrize(
    ("text", "remark", "meant"),
    [
        ("10M", "ten times too large", 1),
        ("20M", "ten times too large", 0),
        ("0.1M", "a tenth of it", 1),
        ("100M", "a hundred times too large", 1),
        ("0.01M", "a hundredth of it", 1),
        ("7M", "", 0),
    ],
)
def test_wrong_by_a_power_of_ten(text, remark, meant):
    verdict = judge(text, FLOP)
    assert (verdict.kind, verdict.remark, verdict.reading) == ("wrong", remark, FLOP[meant])


def test_a_cause_explains_what_is_wrong_and_does_not_make_it_right():
    cause = Reading("46M / 0.6M", 46 / 0.6)
    verdict = judge("76x", [Reading("", 824.0)], [cause])
    assert (verdict.kind, verdict.remark) == ("wrong", "it is 46M / 0.6M, cut off")
    assert judge("824x", [Reading("", 824.0)], [cause]).kind == "exact"


def test_without_a_reading_nothing_is_claimed():
    verdict = judge("469 x 387", [], unknown="an average")
    assert (verdict.kind, verdict.reading, verdict.remark) == ("published", None, "an average")


def test_every_kind_can_be_given():
    given = {
        judge("2M", FLOP).kind,
        judge("2.0M", [Reading("", 2_040_000)]).kind,
        judge("2.0M", [Reading("", 2_060_000)]).kind,
        judge("1M", FLOP).kind,
        judge("7M", FLOP).kind,
        judge("7M", []).kind,
    }
    assert given == set(KINDS)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567, "1,234,567"), (1.9203, "1.92"), (2424.6, "2,425"), (True, "yes"), (False, "no")],
)
def test_how_a_value_is_shown(value, text):
    assert str(Reading("", value)) == text
    assert str(Reading("", value, "told")) == "told"
