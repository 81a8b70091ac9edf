"""A scene as an SVG file: plain XML, no scripts, no style sheet that could leak into a notebook."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from minidl.analysis.describe import KINDS
from minidl.analysis.graph import AGAIN, Node
from minidl.analysis.lettering import text_width
from minidl.analysis.scene import OUTLINE, SMALL, Box, Line, Scene, Text, is_round, sizes_text
from minidl.analysis.tables import count

COLOURS = {
    "convolution": ("#dce9f8", "#3f72a8"),
    "dense": ("#eadff5", "#7650a0"),
    "norm, activation": ("#e3f2df", "#4f8f49"),
    "pooling": ("#fde5d8", "#c8622d"),
    "block": ("#e9edf2", "#5d6b7c"),
    "other": ("#f3eedb", "#8d7a2b"),
    "operation": ("#fff3c4", "#b08900"),
    "io": ("#ffffff", "#33404d"),
}
"""Filling and border of every kind; texts on them are nearly black, and the paper is white."""
_INK, _GREY, _WIRE = "#1c2733", "#556270", "#8592a0"
_FRAMES = ("#f6f8fa", "#ffffff")
_MARGIN = 24.0
_LETTERS = "Helvetica, Arial, 'DejaVu Sans', sans-serif"


def to_svg(scene: Scene, title: str, subtitle: str) -> str:
    """The file's text; the same scene always gives the same."""
    head = [Text(_MARGIN, 34, title, 17.0, bold=True)]
    head += [Text(_MARGIN, 52 + 16 * i, line, 11.0) for i, line in enumerate(subtitle.split("\n"))]
    kinds = [
        kind for kind in KINDS if kind != "io" and any(b.node.kind == kind for b in scene.boxes)
    ]
    inner = max(scene.width, *(text.width for text in head), 260.0)
    width = inner + 2 * _MARGIN
    again = any(AGAIN in box.node.title for box in scene.boxes)
    legend, legend_height = _legend(kinds, again, inner)
    top = head[-1].y + 18
    height = top + scene.height + 22 + legend_height + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" '
        f'width="{_n(width)}" height="{_n(height)}" role="img" font-family="{_LETTERS}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_n(width)}" height="{_n(height)}" rx="10" fill="#ffffff"/>',
        f'<g fill="{_INK}">{"".join(map(_text, head))}</g>',
        f'<g transform="translate({_n(_MARGIN + (inner - scene.width) / 2)} {_n(top)})">',
        *map(_frame, scene.frames),
        f'<g fill="none" stroke="{_WIRE}" stroke-width="1.4">',
        *map(_line, scene.lines),
        "</g>",
        f'<g fill="{_WIRE}">',
        *(_arrow(line) for line in scene.lines if line.arrow),
        *(_dot(line) for line in scene.lines if line.tap),
        "</g>",
        *map(_box, scene.boxes),
        f'<g fill="{_GREY}" data-role="labels">',
        *map(_text, scene.labels),
        "</g>",
        "</g>",
        f'<g transform="translate({_n(_MARGIN)} {_n(top + scene.height + 22)})">{legend}</g>',
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _n(number: float) -> str:
    """A coordinate, in tenths of a pixel."""
    return f"{round(number, 1) + 0.0:.1f}".removesuffix(".0")  # + 0.0: no "-0"


def _text(text: Text) -> str:
    about = f'x="{_n(text.x)}" y="{_n(text.y)}" font-size="{_n(text.size)}"'
    if text.anchor != "start":
        about += f' text-anchor="{text.anchor}"'
    if text.bold:
        about += ' font-weight="bold"'
    return f"<text {about}>{escape(text.text)}</text>"


def _frame(box: Box) -> str:
    rim = OUTLINE if box.node.times > 1 else 0.0
    fill = _FRAMES[box.depth % 2]
    style = f'fill="{fill}" stroke="#b3bec9"'
    outer = _rect(box, 0.0, 9, 'fill="none" stroke="#b3bec9"') if rim else ""
    return (
        f"<g{_about(box.node)}>{_tooltip(box.node)}{outer}{_rect(box, rim, 8, style)}"
        f'<g fill="{_GREY}">{"".join(map(_text, box.texts))}</g></g>'
    )


def _box(box: Box) -> str:
    node = box.node
    fill, stroke = COLOURS[node.kind]
    style = f'fill="{fill}" stroke="{stroke}"'
    if is_round(node):
        x, y = box.x + box.width / 2, box.y + box.height / 2
        shape = f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(box.width / 2)}" {style}/>'
    else:
        rim = OUTLINE if node.times > 1 else 0.0
        radius = 12 if node.kind in ("operation", "io") else 5
        outer = _rect(box, 0.0, radius + 2, f'fill="none" stroke="{stroke}"') if rim else ""
        shape = outer + _rect(box, rim, radius, style)
    ink = "".join(_text(text) for text in box.texts if text.size > SMALL)
    grey = "".join(_text(text) for text in box.texts if text.size <= SMALL)
    return (
        f"<g{_about(node)}>{_tooltip(node)}{shape}"
        f'<g fill="{_INK}">{ink}</g><g fill="{_GREY}">{grey}</g></g>'
    )


def _rect(box: Box, inset: float, radius: float, style: str) -> str:
    place = f'x="{_n(box.x + inset)}" y="{_n(box.y + inset)}"'
    size = f'width="{_n(box.width - 2 * inset)}" height="{_n(box.height - 2 * inset)}"'
    return f'<rect {place} {size} rx="{_n(radius)}" {style}/>'


def _about(node: Node) -> str:
    path = f" data-path={quoteattr(node.path)}" if node.path else ""
    role = "frame" if node.children else "box"
    return f' data-role="{role}" data-kind="{node.kind}"{path}'


def _tooltip(node: Node) -> str:
    """What a browser shows when the mouse rests on it."""
    path = node.path if node.times == 1 else f"{node.path} … {node.last}"
    lines = [f"{path}: {node.title}" if path else node.title]
    if node.times > 1:
        lines.append(f"{node.times} equal blocks, one behind the other; together:")
    if node.output:
        lines.append(f"output {sizes_text(node.output)}")
    if node.kind not in ("io", "operation"):
        lines.append(f"{count(node.parameters)} parameters")
    if node.macs or node.kind not in ("io", "operation"):
        lines.append(f"{count(node.macs)} MACs")
    return f"<title>{escape(chr(10).join(lines))}</title>"


def _line(line: Line) -> str:
    x, y = line.start
    path = [f"M{_n(x)} {_n(y)}"]
    for i, part in enumerate(line.parts):
        last = i == len(line.parts) - 1
        end = part[-1] - (5 if last and line.arrow else 0)
        if len(part) == 6:
            path.append("C" + " ".join(map(_n, part)))
        else:
            path.append(f"V{_n(end)}")
    return f'<path data-role="wire" d="{"".join(path)}"/>'


def _arrow(line: Line) -> str:
    x, y = line.parts[-1][-2:]
    corners = [(x, y), (x - 3.6, y - 7.5), (x, y - 6), (x + 3.6, y - 7.5)]
    return f'<path d="M{" ".join(f"{_n(a)} {_n(b)}" for a, b in corners)}Z"/>'


def _dot(line: Line) -> str:
    x, y = line.start
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="2.4"/>'


def _legend(kinds: list[str], again: bool, width: float) -> tuple[str, float]:
    """A swatch and a name for every kind there is, in lines of at most this width."""
    parts = []
    x = y = 0.0
    for name in (*kinds, *([f"{AGAIN} the same layer again"] if again else [])):
        swatch = 18 if name in COLOURS else 0
        needed = swatch + text_width(name, SMALL) + 16
        if x and x + needed > width:
            x, y = 0.0, y + 18
        if swatch:
            fill, stroke = COLOURS[name]
            parts.append(
                f'<rect x="{_n(x)}" y="{_n(y)}" width="12" height="12" rx="3" '
                f'fill="{fill}" stroke="{stroke}"/>'
            )
        parts.append(_text(Text(x + swatch, y + 10, name, SMALL)))
        x += needed
    return f'<g fill="{_GREY}">{"".join(parts)}</g>', y + 12
