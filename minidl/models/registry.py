"""Models by name."""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import inspect
import re
import typing
from collections.abc import Callable, Iterable
from typing import Any, overload

from minidl.errors import ArgumentError, DTypeError, unknown_name
from minidl.models.card import Card
from minidl.models.pytorchs import LISTING, refuse_option, refuse_width
from minidl.naming import refuse_arguments
from minidl.nn import Module

Maker = Callable[..., Any]

_makers: dict[str, Maker] = {}
_cards: dict[str, Card] = {}


@overload
def register(card: Maker) -> Maker: ...
@overload
def register(
    card: Card, *, block: Callable[..., Any] | None = None, fixed: tuple[str, ...] = ()
) -> Callable[[Maker], Maker]: ...
def register(
    card: Maker | Card,
    *,
    block: Callable[..., Any] | None = None,
    fixed: tuple[str, ...] = (),
) -> Any:
    """Decorator: make a function that builds a model known by its name, with or without a card.

        @register                       @register(Card(paper=…, input=…, …))
        def my_net(num_classes=10):     def my_net(num_classes=1000):

    What the function hands on as **options are those of the class that it says it returns, and
    those of `block`, if that class hands some on. `fixed` are options that the function itself
    gives: no others are taken.

    Raises ArgumentError if the name is taken.
    """
    if not isinstance(card, Card):
        return _register(card, None, None, ())
    return lambda maker: _register(maker, card, block, fixed)


def _register(
    maker: Maker, card: Card | None, block: Callable[..., Any] | None, fixed: tuple[str, ...]
) -> Maker:
    name = maker.__name__
    if name in _makers:
        raise ArgumentError(f"register: a model named {name!r} exists already.")

    @functools.wraps(maker)
    def make(*args: Any, **options: Any) -> Any:
        if isinstance(options.get("width"), float):
            default = _options(maker, block).get("width")
            if isinstance(default, int):
                refuse_width(name, options["width"], default)
        try:
            return maker(*args, **options)
        except TypeError as error:  # only the layer that an option is for knows whether it exists
            found = re.search(r"(unexpected|multiple values).* argument '(\w+)'", str(error))
            if found is None or found[2] not in options:
                raise
        option, known = found[2], _options(maker, block)
        if found[1] == "multiple values" and option in known and option not in fixed:
            raise DTypeError(f"{name}: {option} is given twice, in its place and by its name.")
        refuse_option(name, option, options.pop(option), _without(fixed, known), fixed)
        return make(*args, **options)  # it meant nothing, such as pretrained=False

    _makers[name] = make
    if card is not None:
        _cards[name] = card
    return maker if isinstance(maker, type) else make


def create(name: str, **options: Any) -> Module:
    """Build a model by name; options such as num_classes and in_channels go to its maker.

    >>> type(create("lenet5", num_classes=3)).__name__
    'LeNet5'
    """
    model: Module = _find("create", name)(**options)
    return model


def _options(maker: Maker, block: Callable[..., Any] | None) -> dict[str, Any]:
    """The options of a maker, of the class that it makes and of the block, with their defaults."""
    options = _defaults(maker)
    if any(p.kind is p.VAR_KEYWORD for p in inspect.signature(maker).parameters.values()):
        with contextlib.suppress(NameError, KeyError, TypeError, ValueError):  # it may not say so
            options |= _without(options, _defaults(typing.get_type_hints(maker)["return"]))
    if block is not None:
        options |= _without({**options, "stride": "the stage's"}, _defaults(block))
    return options


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _without(names: Iterable[str], options: dict[str, Any]) -> dict[str, Any]:
    return {name: default for name, default in options.items() if name not in names}


def card(name: str) -> Card | None:
    """The card of a model; None for one that was registered without.

    >>> card("lenet5").paper.authors
    'Y. LeCun, L. Bottou, Y. Bengio, P. Haffner'
    """
    _find("card", name)
    return _cards.get(name)


def names(pattern: str = "*", **pytorchs: Any) -> list[str]:
    """Names of the registered models that match a shell pattern, or that have it as a part.

    >>> names("lenet*"), names("inception"), names("resnet18")
    (['lenet5', 'lenet5_1998'], ['inception_v2', 'inception_v3', 'inception_v4'], ['resnet18'])
    """
    refuse_arguments("models.list", pytorchs, names, LISTING)
    if pattern not in _makers and not set(pattern) & set("*?["):
        pattern = f"*{pattern}*"
    return sorted(fnmatch.filter(_makers, pattern))


def _find(operation: str, name: str) -> Maker:
    if name not in _makers:
        plain = str(name).rpartition("/")[2].partition(".")[0]  # hf_hub:timm/resnet18.a1_in1k
        subject, command = f"{operation}: there is no model", "`minidl models`"
        unknown_name(subject, name, _makers, like=plain, listed_by=command)
    return _makers[name]
