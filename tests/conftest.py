"""Shared by all tests: a clean state for each, and the table of mutants at the end."""

import pytest

import minidl
from minidl.models import registry
from minidl.random import default_generator


@pytest.fixture(autouse=True)
def _clean_state():
    """Every test starts with the same random numbers, and must put back the global switches."""
    state = default_generator.get_state()
    known = [(each, dict(each)) for each in (registry._makers, registry._cards)]
    default_generator.manual_seed(0)
    yield
    default_generator.set_state(state)
    for names, before in known:  # a test's own networks are gone
        names.clear()
        names.update(before)
    assert minidl.is_grad_enabled(), "the test left gradients disabled"
    assert minidl.backends.default().name == "numpy", "the test left another default backend"


def pytest_terminal_summary(terminalreporter):
    """Print which mutants were caught, one row per backward pass."""
    rows = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for key, value in getattr(report, "user_properties", []):
                if key == "mutant":
                    name, mutation = value
                    rows.setdefault(name, {})[mutation] = outcome == "passed"
    if rows:
        mutations = list(dict.fromkeys(m for row in rows.values() for m in row))
        terminalreporter.section("mutants caught (backward pass × mutation)")
        terminalreporter.write_line(f"{'':28}" + "".join(f"{m:>9}" for m in mutations))
        for name, row in sorted(rows.items()):
            cells = (
                "caught" if row.get(m) else "MISSED" if m in row else "same" for m in mutations
            )
            terminalreporter.write_line(f"{name:28}" + "".join(f"{c:>9}" for c in cells))
