"""Links that only the shop can have made: what they are for, whom, and a signature over all of it.

A link is opaque to whoever reads the letter, but not secret: it holds the customer's id. It changes nothing by being
opened; the page behind it acts when its button is pressed (RFC 8058: on POST). The path begins with what it is for.
"""

from __future__ import annotations

import base64
import json

from retention import _hashing
from retention.errors import InvalidInput
from retention.people import Shop

__all__ = ["PURPOSES", "answer_url", "coupon_url", "preferences_url", "read", "unsubscribe_url"]

PURPOSES = ("answer", "coupon", "preferences", "unsubscribe")
"""What links are for: how their paths begin."""
_PAYLOAD = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def unsubscribe_url(shop: Shop, customer_id: str, topic: str) -> str:
    """The one-click link that ends letters on `topic` for the customer; the same for ever."""
    return _url(shop, "unsubscribe", customer_id, topic)


def preferences_url(shop: Shop, customer_id: str) -> str:
    """Where the customer says what they want to hear of."""
    return _url(shop, "preferences", customer_id)


def answer_url(shop: Shop, customer_id: str, question: str, value: str, about: str) -> str:
    """Where one answer to one of `facts.QUESTIONS` is confirmed; `about`: the key of the run that asks."""
    return _url(shop, "answer", customer_id, question, value, about)


def coupon_url(shop: Shop, customer_id: str, offer: str) -> str:
    """The page of one granted offer; `offer`: the id of its `OfferDecided`."""
    return _url(shop, "coupon", customer_id, offer)


def _url(shop: Shop, purpose: str, *parts: str) -> str:
    what = base64.urlsafe_b64encode(_PAYLOAD.encode(parts).encode()).rstrip(b"=").decode("ascii")
    signature = _hashing.sign(shop.secret, shop.id, purpose, what)
    return f"{shop.base_url.rstrip('/')}/{purpose}/{what}.{signature}"


def read(shop: Shop, purpose: str, token: str) -> tuple[str, ...]:
    """The parts that a link of this purpose was made of, the customer's id first.

    `purpose`: how the link's path begins; `token`: its last part. Raises `InvalidInput` if the shop did not make it.
    """
    what, _, signature = token.rpartition(".")
    # The signature covers the encoded text: base64 has several spellings of the same bytes.
    if not _hashing.verify(shop.secret, signature, shop.id, purpose, what):
        raise InvalidInput("link: not one of this shop's links; open it from the letter again, in full")
    return tuple(json.loads(base64.urlsafe_b64decode(what + "=" * (-len(what) % 4))))
