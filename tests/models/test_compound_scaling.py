"""The rule of compound scaling, and the search for its constants."""

import math

import pytest
from models.zoo import macs, on_meta, parameters

from minidl import models, nn
from minidl.analysis import summary
from minidl.errors import ArgumentError
from minidl.models.compound_scaling import ALPHA, BETA, GAMMA, measure, scale, search
from minidl.models.efficientnet import SCALES, EfficientNet, Scale


class Tower(nn.Module):
    """A network that does scale as the formula says: d times the layers, w² and r² the work."""

    def __init__(self, width, depth):
        super().__init__()
        channels = round(100 * width)
        self.layers = nn.Sequential(
            nn.Conv2d(3, channels, 1),
            *(nn.Conv2d(channels, channels, 1) for _ in range(round(20 * depth))),
        )

    def forward(self, x):
        return self.layers(x)


def constants(candidate):
    return candidate.alpha, candidate.beta, candidate.gamma


# --------------------------------------------------------------------------------- rule


def test_rule_with_phi_0_is_the_baseline():
    assert scale(0) == SCALES["efficientnet_b0"] == Scale(1.0, 1.0, 224)


def test_rule_raises_each_constant_to_phi():
    scaled = scale(3, alpha=1.5, beta=1.25, gamma=1.1, resolution=100)
    assert scaled == Scale(width=1.25**3, depth=1.5**3, resolution=133)


def test_constants_of_the_paper_nearly_double_the_work():
    assert round(ALPHA * BETA**2 * GAMMA**2, 2) == 1.92


@pytest.mark.parametrize(("name", "phi"), [("efficientnet_b2", 1), ("efficientnet_b3", 2)])
def test_published_multipliers_are_the_rules_rounded(name, phi):
    published, ruled = SCALES[name], scale(phi)
    assert published.width == pytest.approx(ruled.width, abs=0.05)
    assert published.depth == pytest.approx(ruled.depth, abs=0.05)
    assert published.resolution == pytest.approx(ruled.resolution, abs=5)


def test_published_multipliers_leave_the_rule_further_up():
    published = SCALES["efficientnet_b7"]
    phis = (
        math.log(published.depth, ALPHA),
        math.log(published.width, BETA),
        math.log(published.resolution / 224, GAMMA),
    )
    assert [round(phi, 1) for phi in phis] == [6.2, 7.3, 7.0]  # as the docstring says


# ------------------------------------------------------------------------------- figures


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_b3", "efficientnet_b7"])
def test_measured_network_is_the_registered_one(name):
    card = models.card(name)
    assert measure(EfficientNet, SCALES[name]) == (card.parameters, card.macs)


def test_macs_are_those_that_the_profiler_counts():
    size = Scale(width=1.1, depth=1.2, resolution=97)
    network = on_meta("efficientnet_b0", width=size.width, depth=size.depth)
    table = summary(network, (3, size.resolution, size.resolution))
    assert measure(EfficientNet, size)[1] == sum(row.macs for row in table.rows)


def test_measuring_leaves_no_hooks_and_computes_nothing():
    made = []

    def make(width, depth):
        made.append(Tower(width, depth))
        return made[-1]

    parameters_, macs_ = measure(make, Scale(1.0, 1.0, 10_000))  # 40 GB per layer, if it did
    assert macs_ == (3 * 100 + 20 * 100 * 100) * 10_000**2
    assert parameters_ == parameters(made[0])
    assert not any(module.has_hooks for module in made[0].modules())


# -------------------------------------------------------------------------------- search


def test_search_finds_every_point_of_the_grid_within_the_budget():
    found = search(step=0.1, tolerance=0.1, resolution=32, make=Tower)
    steps = [1 + i / 10 for i in range(12)]
    expected = {
        (round(a, 1), round(b, 1), round(c, 1))
        for a in steps
        for b in steps
        for c in steps
        if abs(a * b**2 * c**2 - 2) <= 0.1 + 1e-9
    }
    assert {constants(c) for c in found} == expected
    assert len(found) == len(expected)


def test_papers_constants_are_on_the_papers_grid():
    found = {constants(c): c for c in search(resolution=32, make=Tower)}
    candidate = found[ALPHA, BETA, GAMMA]
    assert candidate.product == pytest.approx(1.92027)
    assert candidate.scale == scale(1, resolution=32)


def test_candidates_carry_what_their_network_costs():
    for candidate in search(step=0.25, tolerance=0.2):
        _, depth, resolution = candidate.scale
        network = on_meta("efficientnet_b0", width=candidate.beta, depth=depth)
        assert depth == candidate.alpha
        assert resolution == round(224 * candidate.gamma)
        assert candidate.parameters == parameters(network)
        assert candidate.macs == macs(network, (3, resolution, resolution))
        assert candidate.growth == candidate.macs / models.card("efficientnet_b0").macs
        assert candidate.score is None


def test_work_grows_by_the_product_where_nothing_is_rounded():
    for candidate in search(step=0.2, tolerance=0.15, resolution=200, make=Tower):
        assert candidate.growth == pytest.approx(candidate.product, rel=0.02)  # the first layer


def test_work_of_the_real_network_grows_by_more_because_blocks_are_whole():
    _, baseline = measure(EfficientNet, scale(0))
    _, scaled = measure(EfficientNet, scale(1))
    assert round(scaled / baseline, 2) == 2.57


def test_nearest_to_the_budget_comes_first_without_a_score():
    found = search(budget=3, step=0.2, tolerance=0.3, resolution=32, make=Tower)
    distances = [abs(c.growth - 3) for c in found]
    assert len(found) > 3
    assert distances == sorted(distances)


def test_best_score_comes_first():
    asked = []

    def score(candidate):
        asked.append(constants(candidate))
        return candidate.gamma - candidate.alpha

    found = search(step=0.2, tolerance=0.15, resolution=32, make=Tower, score=score)
    assert [c.score for c in found] == sorted((c.gamma - c.alpha for c in found), reverse=True)
    assert sorted(asked) == sorted(constants(c) for c in found)


def test_budget_of_one_is_the_baseline_alone():
    (only,) = search(budget=1, tolerance=0.0, resolution=32, make=Tower)
    assert constants(only) == (1, 1, 1)
    assert only.growth == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 0.5}, r"budget is 0\.5, expected a number ≥ 1"),
        ({"budget": float("nan")}, r"budget is nan, expected a number ≥ 1"),
        ({"tolerance": -0.1}, r"tolerance is -0\.1, expected a number ≥ 0"),
        ({"step": 0}, r"step is 0, expected a number > 0"),
    ],
)
def test_impossible_search_is_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        search(**options)
