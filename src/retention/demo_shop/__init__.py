"""The demo shop: an invented shop, simulated day by day through the real engine, in which the truth is known.

    done = demo_shop.simulate(demo_shop.WORLDS["default"])
    done.results.journeys[0].incremental    # what the engine estimates, from its control group
    done.truth.incremental                  # what really was so

When each customer orders without any letter is drawn before the first day. Letters only add orders to that life, move
them or take some away, by draws that are made beforehand too. So for every customer who got letters it is known what
they would have done without, which no real shop ever knows; and what one customer does never depends on what another
one gets, but for the budget of offers that all share.

    mail(WORLDS["default"], RIVALS["at risk"], offer=…).margin    # what another rule earns with the same customers

    done = simulate(returning(WORLDS["default"]), journeys=playbooks(), may_stop=False)
    effects(done)                           # what each of the four did: the shop lived once more without it

`worlds` says how customers are, `lives` draws them, `catalogue` is what they buy and may be offered, `responses` how
they take a letter, `customers` what they do; `simulation` lives the days, `brake` ends them early, `truth` counts,
`rivals` mail otherwise, `playbooks` compares lives with and without one. Chance comes from the seed alone and time from
the world: the same call gives the same result, everywhere.
"""

from __future__ import annotations

from retention.demo_shop.playbooks import Effect, effects, playbooks, returning
from retention.demo_shop.rivals import RIVALS, Mailed, mail
from retention.demo_shop.simulation import Simulated, granting, shop, simulate, targeted
from retention.demo_shop.truth import Truth
from retention.demo_shop.worlds import WORLDS, World

__all__ = [
    "RIVALS",
    "WORLDS",
    "Effect",
    "Mailed",
    "Simulated",
    "Truth",
    "World",
    "effects",
    "granting",
    "mail",
    "playbooks",
    "returning",
    "shop",
    "simulate",
    "targeted",
]
