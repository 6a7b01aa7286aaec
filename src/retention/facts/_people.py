"""What customers do and say, and who they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from attrs import field, frozen

from retention import _calendar, _values
from retention.errors import InvalidInput
from retention.facts._base import Fact

EMAIL_STATUSES = ("delivered", "deferred", "bounced", "opened", "clicked", "complained", "unsubscribed", "rejected")
BOUNCE_CLASSES = ("", "hard", "soft", "block")
QUESTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "away": ("price", "choice", "no_need", "trouble"),
        "product": ("fine", "size", "color", "defect", "not_as_described"),
        "reason": (),
        "remedy": ("exchange", "replacement", "refund", "store_credit", "other_model"),
        "service": ("5", "4", "3", "2", "1"),
    }
)
"""The questions that letters ask, and their answers: why somebody stayed away, how the product is, why it goes back,
what is wanted instead, and how the service was, 5 best. Any word answers one that lists none: reasons have codes of
`retention.reasons`, or of the shop's own.
"""


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Visited(Fact):
    """A visit to the shop; `product_id` if one was looked at."""

    kind: ClassVar[str] = "visit"
    product_id: str = field(default="", metadata=_values.clean(_values.text))


@frozen(kw_only=True, field_transformer=_values.cleaned)
class EmailReported(Fact):
    """What a provider says became of a letter.

    `at` is when it happened, `received_at` when the shop heard of it. `machine`: whether a robot did it, None when
    nobody knows. Opens are unreliable: they decide nothing.
    """

    kind: ClassVar[str] = "email"
    message_key: str = field(metadata=_values.clean(_values.identifier))
    status: str = field(metadata=_values.clean(_values.one_of, EMAIL_STATUSES))
    bounce_class: str = field(metadata=_values.clean(_values.one_of, BOUNCE_CLASSES), default="")
    machine: bool | None = field(default=None, metadata=_values.clean(_values.flag, optional=True))
    received_at: datetime | None = field(default=None, metadata=_values.clean(_values.instant, optional=True))

    @property
    def key(self) -> str:
        return self.message_key


@frozen(kw_only=True, field_transformer=_values.cleaned)
class ProfileChanged(Fact):
    """What is known about the person; None leaves what was known before."""

    kind: ClassVar[str] = "profile"
    name: str | None = field(default=None, metadata=_values.clean(_values.text, optional=True))
    email: str | None = field(default=None, metadata=_values.clean(_values.address, optional=True))
    language: str | None = field(default=None, metadata=_values.clean(_values.text, optional=True))
    timezone: str | None = field(default=None, metadata=_values.clean(_calendar.zone_name, optional=True))


@frozen(kw_only=True, field_transformer=_values.cleaned)
class ConsentChanged(Fact):
    """Permission for letters on one topic, given or withdrawn; without one there is no marketing letter."""

    kind: ClassVar[str] = "consent"
    granted: bool = field(metadata=_values.clean(_values.flag))
    topic: str = field(default="marketing", metadata=_values.clean(_values.identifier))
    channel: str = field(default="email", metadata=_values.clean(_values.identifier))

    @property
    def status(self) -> str:
        return "granted" if self.granted else "withdrawn"

    @property
    def key(self) -> str:
        return f"{self.channel}/{self.topic}"


@frozen(kw_only=True, field_transformer=_values.cleaned)
class PreferenceStated(Fact):
    """What the customer said about sizes, tastes and wishes: `topic` such as "size/shoes", `value` such as "41"."""

    kind: ClassVar[str] = "preference"
    topic: str = field(metadata=_values.clean(_values.identifier))
    value: str = field(metadata=_values.clean(_values.text))

    @property
    def key(self) -> str:
        return self.topic


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Answered(Fact):
    """What a customer answered to one question of a letter, on the page behind its link.

    `question`: one of `QUESTIONS`; `value`: one of its answers. `about`: the key of the run that asked, "" for none.
    `comment`: the customer's words.
    """

    kind: ClassVar[str] = "answer"
    question: str = field(metadata=_values.clean(_values.one_of, tuple(QUESTIONS)))
    value: str = field(metadata=_values.clean(_values.identifier))
    about: str = field(default="", metadata=_values.clean(_values.text))
    comment: str = field(default="", metadata=_values.clean(_values.text))

    def __attrs_post_init__(self) -> None:
        _values.one_of("value", self.value, QUESTIONS[self.question] or (self.value,))

    @property
    def status(self) -> str:
        return self.question

    @property
    def key(self) -> str:
        return self.about or self.id


@frozen(kw_only=True, field_transformer=_values.cleaned)
class CustomersMerged(Fact):
    """`customer_id` turned out to be `into`: both histories become one; the earliest arm of each journey stays."""

    kind: ClassVar[str] = "merge"
    into: str = field(metadata=_values.clean(_values.identifier))

    def __attrs_post_init__(self) -> None:
        if self.into == self.customer_id:
            raise InvalidInput(f"into: {self.into!r} is the customer that is merged; name another one")


@frozen(kw_only=True, field_transformer=_values.cleaned)
class CustomerErased(Fact):
    """The customer asked to be forgotten: the storage keeps of the facts and letters so far that they were, no more.

    The customer's id stays, and so does what was decided: it is the shop's own opaque text, no address.
    """

    kind: ClassVar[str] = "erased"
