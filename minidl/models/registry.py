"""Models by name."""

from __future__ import annotations

import contextlib
import fnmatch
import inspect
import re
import typing
from collections.abc import Callable
from typing import Any, overload

from minidl.errors import ArgumentError, DTypeError, unknown_name
from minidl.models.card import Card
from minidl.nn import Module

Maker = Callable[..., Any]

_makers: dict[str, Maker] = {}
_cards: dict[str, Card] = {}


@overload
def register(card: Maker) -> Maker: ...
@overload
def register(card: Card) -> Callable[[Maker], Maker]: ...
def register(card: Maker | Card) -> Any:
    """Decorator: make a function that builds a model known by its name, with or without a card.

        @register                       @register(Card(paper=…, input=…, …))
        def my_net(num_classes=10):     def my_net(num_classes=1000):

    Raises ArgumentError if the name is taken.
    """
    if not isinstance(card, Card):
        return _register(card, None)
    return lambda maker: _register(maker, card)


def _register(maker: Maker, card: Card | None) -> Maker:
    name = maker.__name__
    if name in _makers:
        raise ArgumentError(f"register: a model named {name!r} exists already.")
    _makers[name] = maker
    if card is not None:
        _cards[name] = card
    return maker


def create(name: str, **options: Any) -> Module:
    """Build a model by name; options such as num_classes and in_channels go to its maker.

    >>> type(create("lenet5", num_classes=3)).__name__
    'LeNet5'
    """
    maker = _find("create", name)
    try:
        model: Module = maker(**options)
        return model
    except TypeError as error:  # only the layer that an option is for knows whether it exists
        unknown = re.search(r"(?:unexpected|multiple values).* argument '(\w+)'", str(error))
        if unknown is None or unknown[1] not in options:
            raise
    unknown_name(f"create: {name} has no option", unknown[1], _options(maker), DTypeError)


def _options(maker: Maker) -> list[str]:
    """A maker's options by name; what it hands on as **options are those of the class it makes."""
    parameters = [*inspect.signature(maker).parameters.values()]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        with contextlib.suppress(NameError, KeyError, TypeError, ValueError):  # it may not say so
            made = typing.get_type_hints(maker)["return"]
            parameters += inspect.signature(made).parameters.values()
    return list(dict.fromkeys(p.name for p in parameters if p.default is not p.empty))


def card(name: str) -> Card | None:
    """The card of a model; None for one that was registered without.

    >>> card("lenet5").paper.authors
    'Y. LeCun, L. Bottou, Y. Bengio, P. Haffner'
    """
    _find("card", name)
    return _cards.get(name)


def names(pattern: str = "*") -> list[str]:
    """Names of the registered models that match a shell pattern.

    >>> names("lenet*")
    ['lenet5', 'lenet5_1998']
    """
    return sorted(fnmatch.filter(_makers, pattern))


def _find(operation: str, name: str) -> Maker:
    if name not in _makers:
        plain = str(name).rpartition("/")[2].partition(".")[0]  # hf_hub:timm/resnet18.a1_in1k
        subject, command = f"{operation}: there is no model", "`minidl models`"
        unknown_name(subject, name, _makers, like=plain, listed_by=command)
    return _makers[name]
