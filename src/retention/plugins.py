"""Implementations of the ports by name: ours, those of installed packages, and those that a host registers.

    plugins = Plugins.discover()
    plugins.register("sender", "shout", ShoutingSender)
    engine = Engine(plugins.storage("sqlite:shop.db"), plugins.sender("smtp://localhost:1025"), ...)

A plugin is anything callable that makes a storage, a sender or a webhook parser, mostly its class. An address is its
name and what it is made of: `name` calls it with nothing, `name:text` with the text, `name://...` with the whole URL.
Addresses may hold secrets, so errors name the plugin and never quote the rest.

Packages offer plugins as entry points of the groups in `GROUPS`. Finding them loads nothing; each is loaded and checked
when it is first asked for, so a broken one is in nobody's way. Nothing is global: a host keeps its `Plugins`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, cast

from retention.errors import InvalidInput, RetentionError
from retention.ports import Capabilities, LookupSender, Sender, Storage, WebhookParser

__all__ = ["GROUPS", "Kind", "Maker", "Plugins"]

Kind: TypeAlias = Literal["storage", "sender", "webhook"]
Maker: TypeAlias = Callable[..., object]

GROUPS: Mapping[Kind, str] = MappingProxyType(
    {"storage": "retention.storages", "sender": "retention.senders", "webhook": "retention.webhooks"}
)
"""The group of entry points for each kind of plugin."""

_PORTS: Mapping[Kind, type] = {"storage": Storage, "sender": Sender, "webhook": WebhookParser}
_NAME = re.compile(r"[a-z][a-z0-9+._-]*")


class Plugins:
    """The plugins that one host knows, by kind and name; what is registered goes before what is installed."""

    def __init__(self) -> None:
        """Know none: for those that `register` brings."""
        self._makers: dict[tuple[Kind, str], Maker] = {}
        self._offers: dict[tuple[Kind, str], list[EntryPoint]] = {}

    @classmethod
    def discover(cls) -> Plugins:
        """Know what the installed packages offer, this one among them."""
        plugins = cls()
        for kind, group in GROUPS.items():
            for offer in entry_points(group=group):
                plugins._offers.setdefault((kind, offer.name), []).append(offer)
        return plugins

    def register(self, kind: Kind, name: str, make: Maker) -> None:
        """Know `make` under `name`: small letters, digits, `+`, `.`, `_` and `-`.

        A class is checked against its port at once, what a function makes when it is made. Raises `InvalidInput`.
        """
        if kind not in GROUPS:
            raise InvalidInput(f"kind: {kind!r} is unknown; use one of {', '.join(GROUPS)}")
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"name: {name!r} cannot begin an address; use small letters, digits, '+', '.', '_', '-'")
        self._makers[kind, name] = _checked(kind, name, make)

    def names(self, kind: Kind) -> list[str]:
        """The names known for a kind, in order; that they can be loaded is not sure."""
        return sorted({name for known, name in (*self._makers, *self._offers) if known == kind})

    def storage(self, address: str) -> Storage:
        """The storage at an address, such as `sqlite:shop.db`; raises `InvalidInput`, and what its maker raises."""
        return cast("Storage", self._made("storage", address))

    def sender(self, address: str) -> Sender:
        """The sender at an address, such as `maildir:letters`; raises `InvalidInput`, and what its maker raises."""
        return cast("Sender", self._made("sender", address))

    def webhook(self, address: str) -> WebhookParser:
        """The parser at an address, such as `resend:whsec_…`; raises `InvalidInput`, and what its maker raises."""
        return cast("WebhookParser", self._made("webhook", address))

    def _made(self, kind: Kind, address: str) -> object:
        name, colon, rest = address.partition(":")
        make = self._maker(kind, name, shown=bool(colon))
        arguments = (address,) if rest.startswith("//") else (rest,) if rest else ()
        if not _takes(make, *arguments):
            wanted = "nothing but its name" if arguments else f"more than its name, such as {name}:…"
            raise InvalidInput(f"{kind} {name!r}: its address must be {wanted}")
        made = make(*arguments)
        _insist(kind, name, list(_faults_of_made(kind, made)))
        return made

    def _maker(self, kind: Kind, name: str, *, shown: bool) -> Maker:
        known = (kind, name)
        if known not in self._makers and known in self._offers:
            self._makers[known] = _checked(kind, name, _loaded(kind, name, self._offers[known]))
        if known not in self._makers:
            what = repr(name) if shown else "this name"  # without a colon it may be a secret, put in the wrong place
            raise InvalidInput(
                f"{kind}: there is no plugin of {what}; known are {', '.join(self.names(kind)) or 'none'}; "
                "install the package that brings it"
            )
        return self._makers[known]


def _loaded(kind: Kind, name: str, offers: list[EntryPoint]) -> Maker:
    """What an entry point names; two packages that offer the same name are both refused."""
    if len({offer.value for offer in offers}) > 1:
        both = " and ".join(sorted(map(_origin, offers)))
        raise InvalidInput(f"{kind} {name!r}: offered by {both}; uninstall one, or register the one that is meant")
    try:
        return cast("Maker", offers[0].load())
    except RetentionError:  # an extra that is missing says so itself
        raise
    except Exception as error:
        raise InvalidInput(
            f"{kind} {name!r}: {_origin(offers[0])} cannot be loaded ({type(error).__name__}: {error}); "
            "update or uninstall it"
        ) from error


def _origin(offer: EntryPoint) -> str:
    package = offer.dist
    return f"{package.name} {package.version} ({offer.value})" if package else offer.value


def _checked(kind: Kind, name: str, make: Maker) -> Maker:
    if not callable(make):
        raise InvalidInput(f"{kind} {name!r}: {type(make).__name__} is not callable; give the class or a function")
    if not _takes(make) and not _takes(make, ""):
        raise InvalidInput(f"{kind} {name!r}: cannot be called with one text or nothing; give its options defaults")
    if inspect.isclass(make) and not hasattr(make, "__getattr__"):
        _insist(kind, name, list(_faults(_PORTS[kind], make)))
    return make


def _insist(kind: Kind, name: str, faults: list[str]) -> None:
    if faults:
        raise InvalidInput(f"{kind} {name!r}: {'; '.join(faults)}; see retention.ports.{_PORTS[kind].__name__}")


def _faults_of_made(kind: Kind, made: object) -> Iterator[str]:
    """What is wrong with an instance, with the capabilities too, which a sender may have only now."""
    capabilities = getattr(made, "capabilities", None)
    if kind == "sender" and not isinstance(capabilities, Capabilities):
        yield "capabilities is no retention.ports.Capabilities"
    looks_up = kind == "sender" and getattr(capabilities, "looks_up", False)
    yield from _faults(LookupSender if looks_up else _PORTS[kind], made)


def _faults(port: type, plugin: Any) -> Iterator[str]:
    """What is wrong with the methods of a class or an instance, one line for each."""
    for name, wanted in inspect.getmembers(port, inspect.isfunction):
        if name.startswith("_"):
            continue
        arguments = list(inspect.signature(wanted).parameters)[1:]
        call = f"{name}({', '.join(arguments)})"
        method = getattr(plugin, name, None)
        if not callable(method):
            yield f"{call} is missing"
        elif inspect.iscoroutinefunction(method):
            yield f"{name} is async and would never be awaited, run its coroutine inside of it"
        elif not _fits(method, arguments, bound=not inspect.isclass(plugin) or inspect.ismethod(method)):
            yield f"{name} takes other arguments, it is called as {call}"


def _fits(method: Callable[..., object], arguments: list[str], *, bound: bool) -> bool:
    """Whether a method takes the port's arguments, in their order and by their names."""
    try:
        given = inspect.signature(method).bind(*(() if bound else (None,)), *arguments).arguments
    except (TypeError, ValueError):
        return False
    return all(name == value for name, value in given.items() if isinstance(value, str))


def _takes(make: Maker, *arguments: str) -> bool:
    try:
        inspect.signature(make).bind(*arguments)
    except (TypeError, ValueError):
        return False
    return True
