"""Learning while sending: Thompson sampling without features, LinUCB with them.

The rules of the room:

- *Letters go in batches.* An offer that nothing is known of shares at random, so the first batch is random altogether
  and an offer added later gets its share of the next one, not all of it.
- *Every choice is returned with its propensity*, and every allowed offer keeps a little of it, so that any other rule
  can be judged afterwards (`policy_value`).
- *Rewards come late.* What was decided waits in a `Decisions`; a reward names its decision by id and counts once.
- *The state is sums*: workers learn apart and their states are added. All chance is the generator's that is handed in.

Thompson sampling (Biometrika 25, 1933, 285-294) gives each offer the chance of being the best one; here that chance is
integrated, not sampled, so the propensity is exact. LinUCB: Li, Chu, Langford, Schapire, WWW 2010, 661-670, with a
ridge of 1 and an intercept, so features should be of about unit size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from attrs import field, frozen

from retention import _checks
from retention._stats.regression import with_intercept
from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray, IntArray, Json
from retention.errors import InvalidInput
from retention.offers._arms import best_by_bound, chances_of_best, drawn
from retention.offers._tables import fewer, mask, table

__all__ = ["Bandit", "Decisions"]

FORMAT = 1
"""The number that stored states and decisions carry; a higher one was written by a newer version."""

_MOST_OFFERS = 62  # the set of allowed ones is the bits of a whole number
_MOST_FEATURES = 100


@frozen(eq=False)
class Decisions:
    """What was decided and still waits for its reward; made by `Bandit.decide`, added with `+`, JSON-able.

    `ids`: text, all different, (n,). `offer`: the place of the offer in `Bandit.offers`, -1 where none was allowed,
    (n,). `propensity`: the chance with which it was chosen, above 0 up to 1, (n,). `X`: the features, (n, d).
    """

    ids: AnyArray
    offer: IntArray
    propensity: FloatArray
    X: FloatArray = field(repr=False)

    def __add__(self, other: Decisions) -> Decisions:
        """Both; raises `InvalidInput` for an id that is in both."""
        columns = zip(self._columns(), other._columns(), strict=True)
        found = Decisions(*(np.concatenate(pair) for pair in columns))
        _different("ids", found.ids)
        return found

    def _columns(self) -> tuple[AnyArray, ...]:
        return self.ids, self.offer, self.propensity, self.X

    def only(self, rows: BoolArray) -> Decisions:
        """Those that a mask of shape (n,) marks."""
        return Decisions(*(column[rows] for column in self._columns()))

    def to_json(self) -> Json:
        """As plain JSON values with a `format` number."""
        ids, offer, propensity, X = (column.tolist() for column in self._columns())
        found = {"format": FORMAT, "ids": ids, "offer": offer, "propensity": propensity, "X": X}
        return {**found, "features": self.X.shape[1]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Decisions:
        """What `to_json` wrote; raises `InvalidInput` for anything else."""
        width, (ids, offer, propensity, X) = _read("decisions", data, ("ids", "offer", "propensity", "X"))
        names = _ids("ids", ids)
        place = _checks.integers("offer", offer, at_least=-1)
        chance = _checks.floats("propensity", propensity, at_most=1)
        _checks.refuse("propensity", chance, chance <= 0, "not above 0")
        rows = _checks.same_length(ids=names, offer=place, propensity=chance)
        columns = table("X", X, rows=rows, columns=width) if rows else np.zeros((0, width))
        return cls(names, place, chance, columns)


@frozen(eq=False)
class Bandit:
    """What the offers are known to bring: sums over the rewards so far; what workers learned apart is added with `+`.

    Made by `thompson` or `lin_ucb`; never changed; JSON-able. `offers`: their names. `features`: how many describe a
    customer, 0 for Thompson sampling. `gram`, `moment`: per offer the sums of x xᵀ and of x times reward, where x is
    the features after a 1; (K, d + 1, d + 1) and (K, d + 1).
    """

    offers: tuple[str, ...]
    features: int
    gram: FloatArray = field(repr=False)
    moment: FloatArray = field(repr=False)

    @classmethod
    def thompson(cls, offers: Iterable[str]) -> Bandit:
        """One that knows nothing yet, for rewards from 0 to 1 and customers who are all alike to it.

        >>> bandit = Bandit.thompson(["gift", "points"])
        >>> waiting = bandit.decide(["d1", "d2", "d3"], rng=1)
        >>> waiting.propensity.tolist()
        [0.5, 0.5, 0.5]
        >>> bandit, waiting = bandit.learn(waiting, ["d2"], [1.0])
        >>> bandit.count.sum(), waiting.ids.tolist()
        (np.int64(1), ['d1', 'd3'])
        """
        return cls._empty(offers, 0)

    @classmethod
    def lin_ucb(cls, offers: Iterable[str], *, features: int) -> Bandit:
        """One that knows nothing yet, for any rewards and customers described by so many features (1 to 100)."""
        return cls._empty(offers, fewer("features", features, 1, _MOST_FEATURES))

    @classmethod
    def _empty(cls, offers: Iterable[str], features: int) -> Bandit:
        names = _ids("offers", list(offers))
        k, width = fewer("offers: their number", len(names), 1, _MOST_OFFERS), features + 1
        return cls(tuple(names.tolist()), features, np.zeros((k, width, width)), np.zeros((k, width)))

    @property
    def count(self) -> IntArray:
        """How many rewards of each offer are known, (K,)."""
        return self.gram[:, 0, 0].astype(np.int64)

    @property
    def reward(self) -> FloatArray:
        """What they add up to, (K,)."""
        return self.moment[:, 0]

    def __add__(self, other: Bandit) -> Bandit:
        """What both have learned; each reward must have been learned by one of them only."""
        if (self.offers, self.features) != (other.offers, other.features):
            raise InvalidInput(f"offers: {self.offers}, {self.features} features, and {other.offers}, {other.features}")
        return Bandit(self.offers, self.features, self.gram + other.gram, self.moment + other.moment)

    def decide(
        self,
        ids: ArrayLike,
        X: Any = None,
        *,
        rng: int | np.random.Generator,
        eligible: Any = None,
        explore: float = 0.02,
        alpha: float = 0.3,
    ) -> Decisions:
        """An offer for each of the decisions ``ids`` (n,), all different, with its propensity.

        ``X``: the customers' features, (n, features), for LinUCB only. ``rng``: a generator or the seed of one.
        ``eligible``: who may get what, True and False, (n, K); who may get nothing gets -1 with propensity 1.
        ``explore``: the share that is drawn evenly from what is allowed, 0 to 1; an allowed offer's propensity is at
        least that over their number. With 0 little can be judged afterwards. ``alpha``: how much LinUCB favours what it
        knows little of, 0 or more. Raises `InvalidInput` naming column and row.
        """
        names = _ids("ids", ids)
        columns = self._features(X, len(names))
        allowed = None if eligible is None else mask("eligible", eligible, len(names), len(self.offers))
        share = _checks.probability("explore", explore)
        (favour,) = _checks.floats("alpha", [alpha], at_least=0).tolist()
        offer, propensity = self._chosen(columns, allowed, share, favour, np.random.default_rng(rng))
        return Decisions(names, offer, propensity, columns)

    def _features(self, X: Any, rows: int) -> FloatArray:
        if (X is None) != (self.features == 0):
            raise InvalidInput(f"X: give the {self.features} features of each customer, none for Thompson sampling")
        return np.zeros((rows, 0)) if X is None else table("X", X, rows=rows, columns=self.features)

    def _chosen(
        self, X: FloatArray, allowed: BoolArray | None, explore: float, alpha: float, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray]:
        """Each row is dealt an allowed offer evenly; it stays if it is new or the row explores, else the best goes."""
        known = self.count > 0
        usable = known if allowed is None else allowed & known
        every, learned = _sizes(allowed, len(known), len(X)), _sizes(usable, int(known.sum()), len(X))
        best, chances, group = self._best(X, usable, alpha, rng)
        explores = rng.random(len(X)) < explore
        rows = np.flatnonzero((explores | (learned < every)) & (every > 0))
        dealt = best.copy()
        dealt[rows] = _even(allowed, rows, len(known), rng)
        offer = np.where(explores | ~known[dealt], dealt, best)
        own = (offer == best).astype(np.float64) if chances is None else chances[group, offer]
        some = np.maximum(every, 1)
        propensity = explore / some + (1 - explore) * np.where(known[offer], learned * own, 1.0) / some
        return offer, np.where(every > 0, propensity, 1.0)

    def _best(
        self, X: FloatArray, usable: BoolArray, alpha: float, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray | None, IntArray]:
        """Each row's best usable offer, -1 for none; for Thompson sampling the chances it was drawn by, by group."""
        group = np.zeros(len(X), dtype=np.int64)
        if self.features:
            return best_by_bound(X, self.gram, self.moment, usable, alpha), None, group
        sets = usable[None]
        if usable.ndim == 2:
            bits = 1 << np.arange(len(self.offers))
            codes, group = _checks.distinct(usable @ bits)
            sets = codes[:, None] & bits > 0
        chances = chances_of_best(self.reward, self.count - self.reward, sets)
        return drawn(chances, group, rng), chances, group

    def learn(self, waiting: Decisions, ids: ArrayLike, reward: ArrayLike) -> tuple[Bandit, Decisions]:
        """The state after these rewards, and the decisions that still wait.

        ``ids``: of decisions in ``waiting``, each once, (m,). ``reward``: finite, from 0 to 1 for Thompson sampling,
        (m,). A decision that brought nothing within its window has the reward 0. Raises `InvalidInput` naming the row
        of an id that does not wait: it was never decided, or its reward has been counted.
        """
        least, most = (None, None) if self.features else (0, 1)
        names, rewards = _ids("ids", ids), _checks.floats("reward", reward, at_least=least, at_most=most)
        _checks.same_length(ids=names, reward=rewards)
        self._fits(waiting)
        rows = _places(names, waiting.ids)
        _checks.refuse("ids", names, rows < 0, "not waiting: it was never decided, or its reward has been counted")
        gram, moment = self.gram.copy(), self.moment.copy()
        x = with_intercept(waiting.X[rows])
        for k in range(len(self.offers)):
            own = waiting.offer[rows] == k
            gram[k] += x[own].T @ x[own]
            moment[k] += x[own].T @ rewards[own]
        left = np.ones(len(waiting.ids), dtype=np.bool_)
        left[rows] = False
        return Bandit(self.offers, self.features, gram, moment), waiting.only(left)

    def _fits(self, waiting: Decisions) -> None:
        _checks.refuse("offer", waiting.offer, waiting.offer >= len(self.offers), "no offer of this bandit")
        if waiting.X.shape[1] != self.features:
            raise InvalidInput(f"X: {waiting.X.shape[1]} features were decided by, this bandit knows {self.features}")

    def to_json(self) -> Json:
        """As plain JSON values with a `format` number."""
        sums = {"gram": self.gram.tolist(), "moment": self.moment.tolist()}
        return {"format": FORMAT, "offers": list(self.offers), "features": self.features, **sums}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Bandit:
        """What `to_json` wrote; raises `InvalidInput` for anything else."""
        features, (offers, gram, moment) = _read("bandit", data, ("offers", "gram", "moment"))
        empty = cls._empty(offers, features)
        width = empty.moment.shape[1]
        sums = [table("gram", part, rows=width, columns=width) for part in gram]
        if len(sums) != len(empty.offers):
            raise InvalidInput(f"gram: {len(sums)} offers, but {len(empty.offers)} names")
        return cls(empty.offers, empty.features, np.array(sums), table("moment", moment, rows=len(sums), columns=width))


def _sizes(allowed: BoolArray | None, number: int, rows: int) -> IntArray:
    """How many offers each row may get; so many for all where it is not told row by row."""
    if allowed is None or allowed.ndim == 1:
        return np.full(rows, number)
    sizes: IntArray = allowed.sum(axis=1)
    return sizes


def _even(allowed: BoolArray | None, rows: IntArray, offers: int, rng: np.random.Generator) -> IntArray:
    """One of the allowed offers for each of these rows, each with the same chance."""
    if allowed is None:
        return rng.integers(offers, size=len(rows))
    order = np.cumsum(allowed[rows], axis=1)
    place: IntArray = np.argmax(order > rng.integers(order[:, -1])[:, None], axis=1)
    return place


def _ids(name: str, values: ArrayLike) -> AnyArray:
    """Text, all different; numbers are compared as numbers, which is quicker."""
    return _different(name, _checks.ids(name, values)).astype(np.str_)


def _different(name: str, values: AnyArray) -> AnyArray:
    """The values, refused where one occurs again."""
    order = np.argsort(values, kind="stable")
    again = np.zeros(len(values), dtype=np.bool_)
    again[order[1:]] = values[order[1:]] == values[order[:-1]]
    _checks.refuse(name, values, again, "there twice: give each once")
    return values


def _places(names: AnyArray, among: AnyArray) -> IntArray:
    """Where each name is, -1 where it is not."""
    if not len(among):
        return np.full(len(names), -1)
    order = np.argsort(among, kind="stable")
    found = order[np.minimum(np.searchsorted(among, names, sorter=order), len(among) - 1)]
    return np.where(among[found] == names, found, -1)


def _read(what: str, data: Any, lists: tuple[str, ...]) -> tuple[int, list[Any]]:
    """The number of features and these lists of what was stored."""
    known = isinstance(data, Mapping) and data.get("format") == FORMAT
    if not known or not all(isinstance(data.get(name), list) for name in lists):
        raise InvalidInput(f"{what}: is none of format {FORMAT} with lists of {', '.join(lists)}")
    return fewer("features", data.get("features"), 0, _MOST_FEATURES), [data[name] for name in lists]
