"""The list of references is complete, and so is the recorded comparison with them."""

import re
from pathlib import Path

from models.references import NOT_PUBLISHED, ONE_OF_EACH_FAMILY, PUBLISHED

from minidl import models

RECORD = Path(__file__).parents[2] / "docs" / "agreement.md"
ROW = re.compile(r"^\| (\w+) \| (?:torchvision|timm) \w+ \|(.*)\|$", re.MULTILINE)


def test_every_network_has_a_reference_or_a_reason_why_it_has_none():
    assert sorted([*PUBLISHED, *NOT_PUBLISHED]) == models.list()
    assert all(NOT_PUBLISHED.values())


def test_references_are_in_the_library_that_the_card_names():
    libraries = {name: models.card(name).reference for name in PUBLISHED}
    assert {name: reference.library for name, reference in PUBLISHED.items()} == libraries
    assert not {models.card(name).reference for name in NOT_PUBLISHED} & {"torchvision", "timm"}


def test_what_is_compared_each_time_is_on_the_list():
    assert set(ONE_OF_EACH_FAMILY) <= PUBLISHED.keys()


def test_the_record_has_every_network_and_none_that_failed():
    text = RECORD.read_text()
    rows = dict(ROW.findall(text))
    assert rows.keys() == PUBLISHED.keys()
    assert "failed" not in text
    assert f"All {len(PUBLISHED)} networks agree within the limits." in text
    for row in rows.values():
        float32, float64, *training = (float(cell) for cell in re.findall(r"\d\.\de[+-]\d+", row))
        assert float32 <= 1e-4
        assert float64 <= 1e-9
        assert max(training) <= 1e-6
        assert len(training) == (2 if "–" in row else 3)
