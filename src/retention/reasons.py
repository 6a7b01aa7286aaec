"""Why goods come back: twelve reasons and OTHER, the vocabulary of the whole house.

`retention.returns` reads reasons out of codes and texts; journeys branch on them. Compiled from the public return
codes of shop platforms and marketplaces.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import field, frozen

from retention import _values
from retention.errors import InvalidInput

__all__ = ["FAULTS", "GROUPS", "OwnReason", "Reason"]

GROUPS = ("SIZE", "DEFECT", "MIND", "DELIVERY", "OTHER")
"""The families of reasons."""
FAULTS = ("buyer_or_content", "seller", "logistics", "buyer", "unknown")
"""Who can have caused a return."""


class Reason(StrEnum):
    """A reason; `group` is its family, `fault` who caused it.

    >>> Reason.WRONG_ITEM.fault, Reason.STYLE.group, Reason.SIZE_TOO_SMALL.in_words("ru")
    ('seller', 'MIND', 'Мал размер')
    """

    SIZE_TOO_SMALL = "SIZE_TOO_SMALL"
    SIZE_TOO_LARGE = "SIZE_TOO_LARGE"
    FIT_OTHER = "FIT_OTHER"
    DEFECTIVE = "DEFECTIVE"
    DAMAGED = "DAMAGED"
    QUALITY = "QUALITY"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    WRONG_ITEM = "WRONG_ITEM"
    STYLE = "STYLE"
    CHANGED_MIND = "CHANGED_MIND"
    PRICE = "PRICE"
    DELIVERY = "DELIVERY"
    OTHER = "OTHER"

    @property
    def group(self) -> str:
        """SIZE, DEFECT, MIND, DELIVERY or OTHER."""
        return _ABOUT[self.value][0]

    @property
    def fault(self) -> str:
        """buyer_or_content, seller, logistics, buyer or unknown."""
        return _ABOUT[self.value][1]

    def in_words(self, language: str) -> str:
        """What people call it; `language`: "en" or "ru"."""
        return _ABOUT[self.value][2 + ("en", "ru").index(_values.one_of("language", language, ("en", "ru")))]


_ABOUT = {
    "SIZE_TOO_SMALL": ("SIZE", "buyer_or_content", "Too small", "Мал размер"),
    "SIZE_TOO_LARGE": ("SIZE", "buyer_or_content", "Too large", "Велик размер"),
    "FIT_OTHER": ("SIZE", "buyer_or_content", "Poor fit / not compatible", "Не подошёл (посадка, совместимость)"),
    "DEFECTIVE": ("DEFECT", "seller", "Defective / does not work", "Брак, не работает"),
    "DAMAGED": ("DEFECT", "logistics", "Arrived damaged, used or dirty", "Повреждён, следы использования"),
    "QUALITY": ("DEFECT", "seller", "Quality below expectations", "Низкое качество"),
    "NOT_AS_DESCRIBED": ("DEFECT", "seller", "Not as described or pictured", "Не соответствует описанию или фото"),
    "WRONG_ITEM": ("DEFECT", "seller", "Wrong item, missing part or quantity", "Прислали не то / некомплект"),
    "STYLE": ("MIND", "buyer", "Did not like style or colour", "Не понравился фасон или цвет"),
    "CHANGED_MIND": ("MIND", "buyer", "Changed mind / ordered by mistake", "Передумал, ошибка заказа"),
    "PRICE": ("MIND", "buyer", "Better price elsewhere / not worth it", "Нашёл дешевле / не стоит денег"),
    "DELIVERY": ("DELIVERY", "logistics", "Late or undelivered", "Долгая доставка / не доставлен"),
    "OTHER": ("OTHER", "unknown", "Other / not given", "Другое / не указано"),
}


@frozen(kw_only=True, field_transformer=_values.cleaned)
class OwnReason:
    """A reason that one shop has and the library does not; it answers what a `Reason` answers.

    `value`: its code, none of the library's. `group`: one of `GROUPS`; remedies follow it. `fault`: one of `FAULTS`.

    >>> OwnReason(value="ALLERGY", group="MIND", fault="buyer", en="Allergic to it", ru="Аллергия").in_words("en")
    'Allergic to it'
    """

    value: str = field(metadata=_values.clean(_values.identifier))
    group: str = field(metadata=_values.clean(_values.one_of, GROUPS))
    fault: str = field(metadata=_values.clean(_values.one_of, FAULTS))
    en: str = field(metadata=_values.clean(_values.identifier))
    ru: str = field(metadata=_values.clean(_values.identifier))

    def __attrs_post_init__(self) -> None:
        if self.value in _ABOUT:
            raise InvalidInput(f"value: {self.value!r} is one of the library's reasons; choose another code")

    def __str__(self) -> str:
        return self.value

    def in_words(self, language: str) -> str:
        """What people call it; `language`: "en" or "ru"."""
        return {"en": self.en, "ru": self.ru}[_values.one_of("language", language, ("en", "ru"))]
