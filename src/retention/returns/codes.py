"""What a platform calls a return's reason -> one of ours.

The maps are data (`platforms.json`, with its sources); a shop adds codes of its own and maps for its own systems. A
code that no map knows becomes OTHER and is counted: it is neither an error nor forgotten.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TypeAlias

from attrs import field, frozen

from retention.errors import InvalidInput
from retention.reasons import OwnReason, Reason

__all__ = ["Coded", "Codes", "from_code", "from_codes"]

AnyReason: TypeAlias = Reason | OwnReason

_PREFIX = "cr-"
"""What some of Amazon's reports put before the code."""


@frozen(eq=False)
class Codes:
    """The codes of all platforms: the library's, and a shop's own on top.

    `platforms`: for each platform its codes and the reason of each, a reason's name. `own`: reasons beyond the
    library's, which those maps may name. Raises `InvalidInput` for a map to a reason that nobody knows.

    >>> allergy = OwnReason(value="ALLERGY", group="MIND", fault="buyer", en="Allergic to it", ru="Аллергия")
    >>> codes = Codes({"till": {"17": "SIZE_TOO_SMALL", "31": "ALLERGY"}}, own=[allergy])
    >>> str(from_code(31, platform="till", codes=codes)), str(from_code("DEFECTIVE", platform="ebay", codes=codes))
    ('ALLERGY', 'OTHER')
    """

    platforms: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    own: Iterable[OwnReason] = field(default=(), converter=tuple)
    _maps: Mapping[str, Mapping[str, AnyReason]] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        reasons: dict[str, AnyReason] = {**{str(r): r for r in Reason}, **{own.value: own for own in self.own}}
        maps = dict(_ours())
        for platform, codes in self.platforms.items():
            maps[platform] = {**maps.get(platform, {}), **_checked(platform, codes, reasons)}
        object.__setattr__(self, "_maps", maps)

    def find(self, code: object, platform: str) -> AnyReason | None:
        """The reason that the platform means; None for a code that is not in its map."""
        if platform not in self._maps:
            raise InvalidInput(f"platform: {platform!r} is unknown; use one of {', '.join(sorted(self._maps))}")
        return self._maps[platform].get(_plain(code))


def _checked(platform: str, codes: Mapping[str, str], reasons: Mapping[str, AnyReason]) -> dict[str, AnyReason]:
    unknown = sorted({str(reason) for reason in codes.values()} - reasons.keys())
    if unknown:
        raise InvalidInput(f"platforms: {platform} names the reason {unknown[0]!r}, which is unknown; add it to own=")
    return {_plain(code): reasons[str(reason)] for code, reason in codes.items()}


def _plain(code: object) -> str:
    return str(code).strip().casefold().removeprefix(_PREFIX)


@cache
def _ours() -> Mapping[str, Mapping[str, AnyReason]]:
    data = json.loads((resources.files("retention.returns") / "platforms.json").read_text("utf-8"))
    return {
        name: {_plain(code): Reason(reason) for code, reason in platform["codes"].items()}
        for name, platform in data["platforms"].items()
    }


@cache
def _standard() -> Codes:
    return Codes()


def from_code(code: object, *, platform: str, codes: Codes | None = None) -> AnyReason:
    """The reason that a platform's code stands for; OTHER for a code that its map does not hold.

    `platform`: such as "shopify", "amazon_fba", "ebay", "yandex_market_reason". Raises `InvalidInput` for a platform
    without a map. Of many codes `from_codes` also says which were unknown.

    >>> from_code("CR-SWITCHEROO", platform="amazon_fba").fault
    'seller'
    """
    return (_standard() if codes is None else codes).find(code, platform) or Reason.OTHER


@frozen
class Coded:
    """The reason of each code, in order, and the codes that no map knows with their counts, the most frequent first."""

    reasons: tuple[AnyReason, ...]
    unknown: Mapping[str, int]


def from_codes(values: Iterable[object], *, platform: str, codes: Codes | None = None) -> Coded:
    """The reasons of many codes, as `from_code` reads them, with the unknown ones counted.

    >>> dict(from_codes(["defective", "", "LOST_IN_SPACE", ""], platform="shopify").unknown)
    {'': 2, 'LOST_IN_SPACE': 1}
    """
    known = _standard() if codes is None else codes
    values = list(values)
    found = [known.find(value, platform) for value in values]
    unknown = Counter(str(value) for value, reason in zip(values, found, strict=True) if reason is None)
    return Coded(tuple(reason or Reason.OTHER for reason in found), MappingProxyType(dict(unknown.most_common())))
