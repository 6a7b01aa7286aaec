"""Links that only the shop can have made: who, which topic, and a signature over both.

A link is opaque to whoever reads the letter, but not secret: it holds the customer's id. It changes nothing by being
opened; the page behind it acts when its button is pressed (RFC 8058: on POST).
"""

from __future__ import annotations

import base64
import json

from retention import _hashing
from retention.errors import InvalidInput
from retention.people import Shop

__all__ = ["read", "unsubscribe_url"]

_PURPOSE = "unsubscribe"
_PAYLOAD = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def unsubscribe_url(shop: Shop, customer_id: str, topic: str) -> str:
    """The one-click link that ends letters on `topic` for the customer; the same for ever."""
    payload = _PAYLOAD.encode([customer_id, topic]).encode()
    who = base64.urlsafe_b64encode(payload).rstrip(b"=").decode("ascii")
    signature = _hashing.sign(shop.secret, shop.id, _PURPOSE, who)
    return f"{shop.base_url.rstrip('/')}/unsubscribe/{who}.{signature}"


def read(shop: Shop, token: str) -> tuple[str, str]:
    """The customer id and topic that a link was made of; raises `InvalidInput` if the shop did not make it.

    `token`: the last part of the link's path.
    """
    who, _, signature = token.rpartition(".")
    # The signature covers the encoded text: base64 has several spellings of the same bytes.
    if not _hashing.verify(shop.secret, signature, shop.id, _PURPOSE, who):
        raise InvalidInput("link: not one of this shop's links; open it from the letter again, in full")
    customer_id, topic = json.loads(base64.urlsafe_b64decode(who + "=" * (-len(who) % 4)))
    return customer_id, topic
