"""Ready-made journeys: data that a shop can use as it is, every number a parameter.

`win_back` for who fell asleep, `product_return` and `cancelled_service` for what goes back, `post_purchase` before
something does, `after_return` afterwards.
"""

from __future__ import annotations

from retention.journey.definition import Journey
from retention.playbooks.after_return import after_return
from retention.playbooks.post_purchase import post_purchase
from retention.playbooks.product_return import cancelled_service, product_return
from retention.playbooks.win_back import win_back

__all__ = ["after_return", "cancelled_service", "post_purchase", "product_return", "ready", "win_back"]


def ready() -> tuple[Journey, ...]:
    """Every playbook with its defaults, the smaller priority first.

    >>> [journey.name for journey in ready()]
    ['product_return', 'cancelled_service', 'post_purchase', 'after_return', 'win_back']
    """
    return product_return(), cancelled_service(), post_purchase(), after_return(), win_back()
