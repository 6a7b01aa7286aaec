"""What providers report about letters: from a webhook's bytes to facts.

Only a body that the provider signed is read. A report about a letter that the shop did not write, or that cannot be
read, changes nothing for the others in the same body. A provider tells the same twice and in any order: the event's own
id makes it one fact.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from attrs import frozen

from retention import _values
from retention.engine.trouble import trouble
from retention.errors import InvalidInput
from retention.facts import EmailReported
from retention.ports import Parsed, Report, WebhookParser

__all__ = ["Received", "facts", "parsed"]

log = logging.getLogger("retention.webhooks")


@frozen
class Received:
    """What became of the events in one webhook's body: how many were new, and known before.

    `unmatched`: about letters that this shop did not write. `ignored`: events of no interest. `rejected`: why some
    could not be read, a line each, without addresses.
    """

    new: int = 0
    known: int = 0
    unmatched: int = 0
    ignored: int = 0
    rejected: tuple[str, ...] = ()


def parsed(parser: WebhookParser, headers: Mapping[str, str], body: bytes, now: datetime) -> Parsed:
    """What a body says that the provider signed, else `InvalidInput`; also if the parser breaks its contract."""
    try:
        said = parser.parse(headers, body) if parser.verify(headers, body, now) else None
    except Exception as error:  # noqa: BLE001 - the host's parser can raise anything
        log.error("the parser raised %s", trouble(error))  # noqa: TRY400 - its text may hold an address
        raise InvalidInput("webhook: its parser broke; the log says where, so let the provider send it again") from None
    if said is None:
        raise InvalidInput("webhook: not signed by the provider, or long ago; pass headers and body as they came")
    return Parsed(said.reports, said.ignored, tuple(_values.scrubbed(reason) for reason in said.rejected))


def facts(reports: Iterable[Report], owners: Mapping[str, str], now: datetime) -> Iterator[EmailReported]:
    """The reports about letters that have an owner, as facts about that customer, heard of at `now`."""
    for report in reports:
        if report.message_key in owners:
            yield EmailReported(
                id=report.id,
                customer_id=owners[report.message_key],
                at=report.at,
                message_key=report.message_key,
                status=report.status,
                bounce_class=report.bounce_class,
                machine=report.machine,
                received_at=now,
            )
