"""draw: the wires are the data's true ways."""

import pytest
from drawn_edges import Formula, called, conv, edges_of

import minidl
from minidl import functional as F
from minidl import models, nn
from minidl.analysis import draw, summary
from minidl.analysis.calls import Calls
from minidl.analysis.flow import Flow
from minidl.analysis.graph import build_graph
from minidl.analysis.rows import rows_of
from minidl.analysis.trace import input_specs


def test_a_residual_addition():
    model = Formula(lambda m, x: m.b(m.a(x)) + x, a=conv(), b=nn.ReLU())
    assert edges_of(model, (4, 8, 9)) == [
        ("input", "a"), ("a", "b"), ("b", "+"), ("input", "+"), ("+", "output"),
    ]  # fmt: skip


def test_branches_and_a_concatenation():
    model = Formula(
        lambda m, x: F.concatenate([m.a(x), x, m.c(m.b(x))], dim=1),
        a=conv(2), b=nn.MaxPool2d(3, stride=1, padding=1), c=conv(3),
    )  # fmt: skip
    assert edges_of(model, (4, 8, 9)) == [
        ("input", "a"), ("input", "b"), ("b", "c"),
        ("a", "concat"), ("input", "concat"), ("c", "concat"), ("concat", "output"),
    ]  # fmt: skip


def test_a_layer_called_twice_is_two_boxes():
    model = Formula(lambda m, x: m.a(m.a(x)), a=conv())
    nodes = draw(model, (4, 8, 9)).graph.nodes()
    assert [n.title for n in nodes] == ["input", "Conv2d 3×3, 4", "Conv2d 3×3, 4 ↺", "output"]
    assert [n.parameters for n in nodes] == [0, 148, 0, 0]
    assert edges_of(model, (4, 8, 9)) == [("input", "a"), ("a", "a"), ("a", "output")]


def test_functional_calls_are_operations():
    model = Formula(
        lambda m, x: m.b(F.max_pool2d(F.relu(m.a(x)), 2).flatten(1)), a=conv(), b=nn.Linear(64, 5)
    )
    assert edges_of(model, (4, 8, 8)) == [
        ("input", "a"), ("a", "relu"), ("relu", "max pool2d"), ("max pool2d", "flatten"),
        ("flatten", "b"), ("b", "output"),
    ]  # fmt: skip
    costs = {n.title: n.macs for n in draw(model, (4, 8, 8)).graph.nodes()}
    assert costs["Conv2d 3×3, 4"] == 64 * 36 * 4
    assert costs["Linear 5"] == 320


def test_who_uses_the_input_of_a_dropout_does_not_come_after_it():
    """In evaluation both are one array."""
    model = Formula(lambda m, x: (lambda y: m.drop(y) + m.b(y))(m.a(x)),
                    a=conv(), b=conv(), drop=nn.Dropout())  # fmt: skip
    assert edges_of(model, (4, 8, 9)) == [
        ("input", "a"), ("a", "drop"), ("a", "b"), ("drop", "+"), ("b", "+"), ("+", "output"),
    ]  # fmt: skip


def test_identities_are_wires():
    model = Formula(lambda m, x: m.a(m.i(x)) + m.s(x), a=conv(), i=nn.Identity(), s=nn.Sequential())
    assert edges_of(model, (4, 8, 9)) == [("input", "a"), ("a", "+"), ("input", "+"),
                                          ("+", "output")]  # fmt: skip


def test_squeeze_and_excite():
    model = Formula(lambda m, x: m.se(x), se=models.blocks.SqueezeExcite(4, 2))
    names = {"se.avgpool", "se.fc1", "se.activation", "se.fc2", "se.gate"}
    edges = edges_of(model, (4, 8, 9), depth=2)
    assert edges == [
        ("input", "se.avgpool"), ("se.avgpool", "se.fc1"), ("se.fc1", "se.activation"),
        ("se.activation", "se.fc2"), ("se.fc2", "se.gate"), ("input", "×"), ("se.gate", "×"),
        ("×", "output"),
    ]  # fmt: skip
    assert names == {n.path for n in draw(model, (4, 8, 9), depth=2).graph.nodes() if n.call}


def test_constants_and_unused_results_are_left_away():
    def formula(m, x):
        scale = x.new_tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1) + 1
        _ = (x * 2).exp()
        return m.a(x * scale)

    edges = edges_of(Formula(formula, a=conv()), (4, 8, 9))
    assert edges == [("input", "×"), ("×", "a"), ("a", "output")]


def test_a_layer_whose_result_is_not_used_is_drawn():
    model = Formula(lambda m, x: (m.a(x), m.b(x))[1], a=conv(), b=conv())
    assert edges_of(model, (4, 8, 9)) == [("input", "a"), ("input", "b"), ("b", "output")]


def test_changes_in_place_are_operations():
    def formula(m, x):
        y = x * 2
        y += m.a(x)
        return y

    assert edges_of(Formula(formula, a=nn.ReLU()), (4, 8, 9)) == [
        ("input", "×"), ("input", "a"), ("×", "+"), ("a", "+"), ("+", "output"),
    ]  # fmt: skip


def test_a_result_that_depends_on_no_input_has_no_wire():
    model = Formula(lambda m, x: m.a.weight, a=conv())
    assert edges_of(model, (4, 8, 9)) == []


def test_several_inputs_and_outputs():
    model = Formula(lambda m, x, y: (m.a(x) + y, m.b(y)), a=nn.Linear(3, 5), b=nn.Linear(5, 2))
    drawing = draw(model, [(7, 3), (7, 5)])
    shapes = [(n.title, n.output) for n in drawing.graph.nodes() if n.kind == "io"]
    assert shapes == [
        ("input", (7, 3)), ("input", (7, 5)), ("output", (7, 5)), ("output", (7, 2)),
    ]  # fmt: skip
    assert edges_of(model, [(7, 3), (7, 5)]) == [
        ("input", "a"), ("a", "+"), ("input", "+"), ("input", "b"), ("+", "output"),
        ("b", "output"),
    ]  # fmt: skip


def test_parts_of_a_split_are_different_tensors():
    model = Formula(lambda m, x: m.a(F.split(x, 2, dim=1)[0]), a=nn.Conv2d(2, 3, 1))
    edges = draw(model, (4, 8, 9)).graph.edges
    assert [(called(e.source), called(e.target), e.shape) for e in edges] == [
        ("input", "slice", (1, 4, 8, 9)), ("slice", "a", (1, 2, 8, 9)),
        ("a", "output", (1, 3, 8, 9)),
    ]  # fmt: skip


def test_a_network_of_one_layer_and_depth_0_are_one_box():
    assert edges_of(conv(), (4, 8, 9)) == [("input", ""), ("", "output")]
    drawing = draw(models.create("lenet5"), (1, 28, 28), depth=0)
    assert [n.title for n in drawing.graph.nodes()] == ["input", "LeNet5", "output"]
    assert (drawing.graph.nodes()[1].parameters, drawing.graph.nodes()[1].macs) == (61706, 416520)


def test_auxiliary_heads_are_there_in_training():
    with minidl.backends.use_backend("meta"):
        model = models.create("googlenet")
    assert {"aux1", "aux2"} & {n.path for n in draw(model, (3, 224, 224)).graph.nodes()} == set()
    edges = set(edges_of(model, (3, 224, 224), training=True))
    assert {("inception4a", "aux1"), ("inception4d", "aux2")} <= edges
    assert ("aux1", "output auxiliary[0]") in edges


def test_one_image_in_training_is_enough_and_costs_what_one_image_costs():
    """Batch norm behind a pooling to 1×1 needs more than one."""
    with minidl.backends.use_backend("meta"):
        model = models.create("inception_v3")
    drawing = draw(model, (3, 299, 299), depth=1, fold=False, training=True)
    quiet = draw(model, (3, 299, 299), depth=1, fold=False)
    macs = {node.path: node.macs for node in drawing.graph.nodes() if node.call is not None}
    head = 128 * 768 * 25 + 768 * 128 * 25 + 768 * 1000  # 1×1 on 5×5; 5×5 to 1×1; dense
    assert macs.pop("AuxLogits") == head
    assert macs == {node.path: node.macs for node in quiet.graph.nodes() if node.call is not None}
    assert "input 1×3×299×299" in drawing.svg


def test_a_concatenation_of_one_tensor_is_a_wire():
    model = Formula(lambda m, x: m.a(F.concatenate([x], dim=1)), a=conv())
    assert edges_of(model, (4, 8, 9)) == [("input", "a"), ("a", "output")]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "name", ["googlenet", "inception_v3", "densenet_bc", "mobilenet_v2", "shufflenet_v2_x0_5"]
)
def test_every_layer_that_runs_is_one_box_and_nothing_is_lost(name, training):
    with minidl.backends.use_backend("meta"):
        model = models.create(name)
    size = models.card(name).input
    table = summary(model, (2, *size), training=training)
    ran = [row.path for row in table.rows if row.status == "run" and not row.again]
    leaves = {path for path, module in model.named_modules() if not list(module.children())}
    idle = {path for path, module in model.named_modules() if type(module) is nn.Identity}
    drawing = draw(model, size, depth=99, fold=False, training=training)
    nodes = [node for node in drawing.graph.nodes() if node.call is not None]
    first = [node.path for node in nodes if "↺" not in node.title]
    assert sorted(first) == sorted(set(ran) & leaves - idle)
    run = sum(row.parameters for row in table.rows if row.status == "run")
    assert sum(node.parameters for node in nodes) == run
    assert 2 * sum(node.macs for node in drawing.graph.nodes()) == table.macs


# -------------------------------------------------------------- against running it on numbers


def everything_once():
    """A network with a shortcut, branches, a gate, a layer used twice, and what it doesn't use."""

    def formula(m, x):
        x = m.stem(x)
        left, right = m.left(x), m.right2(m.right1(x))
        x = F.concatenate([left, right], dim=1)
        m.unused(x)
        y = m.drop(x)
        gate = m.gate2(m.gate1(y.mean((2, 3), keepdim=True)))
        y = y * gate + x
        y = m.twice(m.twice(y))
        return m.head(m.act(y).mean((2, 3)))

    pointwise = nn.Conv2d
    return Formula(
        formula,
        stem=nn.Conv2d(3, 4, 3), left=pointwise(4, 2, 1), right1=pointwise(4, 3, 1),
        right2=pointwise(3, 2, 1), unused=pointwise(4, 4, 1), drop=nn.Dropout(),
        gate1=pointwise(4, 2, 1), gate2=pointwise(2, 4, 1), twice=pointwise(4, 4, 1),
        act=nn.Tanh(), head=nn.Linear(4, 2),
    ).eval()  # fmt: skip


def influences(model, x):
    """Pairs (i, j) of calls: the result of call i, changed, changes the input of call j."""

    def run(changed=None):
        seen = []

        def look(module, inputs, output):
            seen.append((inputs[0].numpy().copy(), output))
            return output + 0.5 if len(seen) - 1 == changed else None

        handles = [layer.register_forward_hook(look) for layer in model.children()]
        with minidl.no_grad():
            model(x)
        for handle in handles:
            handle.remove()
        return [given for given, _ in seen]

    plain = run()
    return {
        (i, j)
        for i in range(len(plain))
        for j, given in enumerate(run(changed=i))
        if j > i and (given != plain[j]).any()
    }


def reachable(graph):
    """The same pairs by the drawing: there is a way from one box to the other."""
    layers = [node for node in graph.nodes() if node.call is not None]
    number = {id(node): i for i, node in enumerate(layers)}
    found = set()
    for i, start in enumerate(layers):
        reached, todo = set(), [start]
        while todo:
            node = todo.pop()
            for edge in graph.edges:
                if edge.source is node and id(edge.target) not in reached:
                    reached.add(id(edge.target))
                    todo.append(edge.target)
        found |= {(i, number[key]) for key in reached if key in number}
    return found


def test_there_is_a_way_where_and_only_where_a_change_arrives():
    model = everything_once()
    expected = influences(model, minidl.randn(2, 3, 6, 7))
    assert len(expected) > 30
    assert reachable(draw(model, (2, 3, 6, 7), fold=False).graph) == expected


NETWORKS = (
    *("googlenet", "mobilenet_v2", "shufflenet_v1_g3", "resnet18", "seresnet18"),
    *("shufflenet_v2_x1_0", "densenet121", "lenet5"),
)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name in models.list()])
def test_closing_the_frames_of_a_deep_graph_gives_the_shallow_one(name):
    with minidl.backends.use_backend("meta"):
        model = models.create(name)
    flow = Flow(model, input_specs("draw", model, models.card(name).input), training=False)
    calls = Calls(flow, rows_of(model, flow))

    def key(node, shallow):
        """What stands for a node in the shallow graph: the outermost box around it that is one."""
        for around in reversed(list(node.above())):
            if around.call is not None and id(around.call) in shallow:
                return around.call.path, calls.position[id(around.call)]
        return node.path, node.title

    def ends(graph, shallow):
        pairs = {(key(e.source, shallow), key(e.target, shallow)) for e in graph.edges}
        return {(a, b) for a, b in pairs if a != b}

    for depth in (1, 2, 3):
        graphs = [build_graph(flow, calls, d) for d in (depth, depth + 1)]
        shallow = {id(node.call) for node in graphs[0].nodes() if node.call is not None}
        assert ends(graphs[0], shallow) == ends(graphs[1], shallow)
