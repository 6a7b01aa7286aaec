r"""A shop's order file, CSV or gzipped CSV -> orders and returns as facts, and every other line with its reason.

The file streams: what is held are the orders whose lines may not be complete, and the numbers of the orders and
customers seen (some 100 bytes each). Reading is deterministic and each fact carries the file's own number, so
importing a file twice, or again after an interruption, adds only what is missing.

Every line that is not empty ends up in exactly one place: in a fact, or in a `Reject` with one of `REASONS`. Equal
lines are real and stay. Reading stops, with `InvalidInput`, only where no line can be trusted: the file cannot be
read, a column is missing, or a rule is (the zone of a time, the order of day and month, a second currency).

    >>> from pathlib import Path
    >>> lines = ["invoice,client,date,code,pieces,price", "A1,17,2026-03-02 10:15,mug,2,4.50"]
    >>> lines += ["A1,17,2026-03-02 10:15,card,1,0.90", "A2,,2026-03-02 11:00,mug,1,4.50"]
    >>> lines += ["R1,17,2026-03-09 09:30,mug,-1,4.50"]
    >>> _ = Path("orders.csv").write_text("\n".join(lines))
    >>> columns = Columns(
    ...     customer="client", order="invoice", at="date", product="code", quantity="pieces", price="price"
    ... )
    >>> rules = Rules(currency="EUR", timezone="Europe/Paris", returns_prefix="R")
    >>> [batch, closing] = read("orders.csv", columns, rules)
    >>> print(*batch.rejects)
    orders.csv: line 4, column client: '' names nobody; map the column that names the customer; without ...
    >>> [(fact.kind, fact.id, fact.customer_id) for fact in closing.facts]
    [('order', 'A1', '17'), ('return', 'R1', '17')]
    >>> closing.summary.lines, closing.summary.kept, closing.summary.rejected
    (4, 3, {'no_customer': 1})
"""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice

from attrs import Factory, define, frozen

from retention.errors import InvalidInput
from retention.facts import Fact, Line, OrderPlaced, ReturnChanged
from retention.importers._files import Record, Source, opened, records
from retention.importers._rows import Entry, NeedsRule, Unfit, row_reader, shown
from retention.importers._rules import REASONS, Columns, Rules

__all__ = ["REASONS", "Batch", "Columns", "Reject", "Rules", "Summary", "read"]

_LINES_A_BATCH = 10_000
# Exports interleave the lines of orders placed in the same minutes; farther apart than this they are not sorted.
_OPEN_ORDERS = 1_000


@frozen(kw_only=True)
class Reject:
    """One line that is in no fact. `str(reject)` says all of it in one line.

    `file`, `line` (where it begins, from 1) and `column` (the header's name, "" for the whole line) are the place;
    `reason` is one of `REASONS`, `detail` what is wrong. `also`: for `no_customer`, the reason that would otherwise
    have applied, or "". `row`: the cells, or the text of a line that has none.
    """

    file: str
    line: int
    column: str
    reason: str
    detail: str
    row: tuple[str, ...]
    also: str = ""

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REASONS[self.reason]

    def __str__(self) -> str:
        return f"{_place(self.file, self.line, self.column)}: {self.detail}; {self.remedy}"


@frozen(kw_only=True)
class Summary:
    """What has been read so far; the last batch's says it of the whole file, where `lines` = `kept` + all `rejected`.

    `lines`: without the header and empty ones. `kept`: those in facts. `rejected`: by reason. `also`: what else was
    wrong with the lines without customer, by reason. `orders`: paid ones. `returns`: as many documents. `customers`:
    with a paid order.
    """

    lines: int
    kept: int
    rejected: Mapping[str, int]
    also: Mapping[str, int]
    orders: int
    returns: int
    customers: int


@frozen(kw_only=True)
class Batch:
    """The next part of a file: `facts` of orders and returns that are complete, and `rejects`.

    `header`: the names of the file's columns. `progress`: the share of the file that was read, 0 to 1; 0 where a pipe
    does not tell its size.
    """

    facts: tuple[Fact, ...]
    rejects: tuple[Reject, ...]
    summary: Summary
    header: tuple[str, ...]
    progress: float


def read(path: str | os.PathLike[str], columns: Columns, rules: Rules, *, strict: bool = False) -> Iterator[Batch]:
    """The file in batches of some 10,000 lines; the last one has the closing summary.

    An order is an `OrderPlaced` with the total of its lines, at the time of its earliest one; an order number that
    starts with `rules.returns_prefix` is a `ReturnChanged` with status refunded. Both have that number as their id.

    Raises `InvalidInput`, which names file, line, column and remedy, as soon as no further line can be trusted; what
    was yielded before holds. With `strict` the first reject is such an error.
    """
    with opened(path, rules.encoding) as source:
        rows = records(source, rules.delimiter)
        header = _header(source, rows, columns, rules)
        reading = _Reading(source, columns, rules, header, strict=strict)
        while reading.take(islice(rows, _LINES_A_BATCH)):
            yield reading.batch()
        reading.close(keep=0)
        yield reading.batch()


def _place(file: str, line: int, column: str) -> str:
    return f"{file}: line {line}, column {column}" if column else f"{file}: line {line}"


def _header(source: Source, rows: Iterator[Record], columns: Columns, rules: Rules) -> list[str]:
    number, cells = next(rows, (1, []))
    header = [cell.strip() for cell in cells]
    if not any(header):
        raise InvalidInput(f"{source.name}: line {number}: no header; the first line must name the columns")
    for what, name in columns.mapped().items():
        if header.count(name) != 1:
            raise InvalidInput(f"{_place(source.name, number, name)}: {_not_one(what, name, header, rules)}")
    return header


def _not_one(what: str, name: str, header: list[str], rules: Rules) -> str:
    if name in header:
        return f"the header has it {header.count(name)} times; rename one of them"
    near = get_close_matches(name, header, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    others = [mark for mark in ",;\t|" if mark != rules.delimiter and any(mark in cell for cell in header)]
    guess = f"is the delimiter {others[0]!r}? " if len(header) == 1 and others else guess
    return f"not in the header; {guess}For {what} choose one of {', '.join(map(shown, header))}"


@define
class _Order:
    """An order or return whose lines are still coming in. `unpaid`: its records as long as nothing was paid."""

    customer: str
    at: datetime
    returned: bool
    value: Decimal = Decimal(0)
    size: int = 0
    lines: list[Line] = Factory(list)
    unpaid: list[Record] = Factory(list)

    def add(self, entry: Entry, record: Record) -> None:
        self.at = min(self.at, entry.at)
        self.value += entry.value
        self.size += 1
        if entry.line is not None:
            self.lines.append(entry.line)
        if not self.value:
            self.unpaid.append(record)

    def fact(self, number: str, currency: str) -> Fact:
        lines = tuple(self.lines)
        if self.returned:
            return ReturnChanged(
                id=number,
                customer_id=self.customer,
                at=self.at,
                return_id=number,
                status="refunded",
                lines=lines,
                refund=self.value,
                currency=currency,
            )
        return OrderPlaced(
            id=number, customer_id=self.customer, at=self.at, currency=currency, lines=lines, total=self.value
        )


class _Reading:
    """One pass over one file: what is still open, what was seen, what the next batch takes along."""

    def __init__(self, source: Source, columns: Columns, rules: Rules, header: list[str], *, strict: bool) -> None:
        self._source, self._header, self._strict = source, header, strict
        self._entry = row_reader(columns, rules, header)
        self._names, self._currency = columns.mapped(), rules.currency
        self._open: OrderedDict[str, _Order] = OrderedDict()
        self._seen: set[str] = set()
        self._customers: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._also: Counter[str] = Counter()
        self._facts: list[Fact] = []
        self._rejects: list[Reject] = []

    def take(self, some: Iterable[Record]) -> bool:
        """Sort the records into orders, or set them apart; whether there were any."""
        before = self._counts["lines"]
        for record in some:
            self._counts["lines"] += 1
            try:
                self._add(self._entry(record[1]), record)
            except Unfit as unfit:
                self._reject(record, unfit)
            except NeedsRule as needed:
                place = _place(self._source.name, record[0], self._names[needed.column])
                raise InvalidInput(f"{place}: {needed}") from None
        return self._counts["lines"] > before

    def close(self, *, keep: int) -> None:
        """Turn the orders that began first into facts, all but the last `keep`."""
        while len(self._open) > keep:
            number, order = self._open.popitem(last=False)
            if order.value or order.returned:
                self._keep(number, order)
            else:
                for record in order.unpaid:
                    self._reject(record, Unfit("nothing_paid", "order", f"{shown(number)} is free of charge"))

    def batch(self) -> Batch:
        """What has come together since the last batch."""
        facts, rejects = tuple(self._facts), tuple(self._rejects)
        self._facts, self._rejects = [], []
        return Batch(
            facts=facts,
            rejects=rejects,
            summary=self._summary(),
            header=tuple(self._header),
            progress=self._source.progress(),
        )

    def _summary(self) -> Summary:
        counts = {name: self._counts[name] for name in ("lines", "kept", "orders", "returns")}
        return Summary(**counts, customers=len(self._customers), rejected=dict(self._rejected), also=dict(self._also))

    def _add(self, entry: Entry, record: Record) -> None:
        order = self._open.get(entry.order)
        if order is None:
            order = self._begin(entry)
        elif order.customer != entry.customer:
            raise Unfit(
                "order_of_two_customers", "customer", f"{shown(entry.customer)} in an order of {order.customer!r}"
            )
        order.add(entry, record)

    def _begin(self, entry: Entry) -> _Order:
        if entry.order in self._seen:
            raise Unfit(
                "order_came_back", "order", f"{shown(entry.order)} has further lines after {_OPEN_ORDERS} other orders"
            )
        self._seen.add(entry.order)
        order = self._open[entry.order] = _Order(entry.customer, entry.at, entry.returned)
        self.close(keep=_OPEN_ORDERS)
        return order

    def _keep(self, number: str, order: _Order) -> None:
        self._facts.append(order.fact(number, self._currency))
        self._counts["kept"] += order.size
        self._counts["returns" if order.returned else "orders"] += 1
        if not order.returned:
            self._customers.add(order.customer)

    def _reject(self, record: Record, unfit: Unfit) -> None:
        line, row = record
        reject = Reject(
            file=self._source.name,
            line=line,
            column=self._names.get(unfit.column, ""),
            reason=unfit.reason,
            detail=unfit.detail,
            row=tuple(_storable(row)),
            also=unfit.also,
        )
        if self._strict:
            raise InvalidInput(str(reject))
        self._rejects.append(reject)
        self._rejected[unfit.reason] += 1
        if unfit.also:
            self._also[unfit.also] += 1


def _storable(cells: list[str]) -> list[str]:
    """The cells as UTF-8 can hold them: bytes that were no text are spelled out."""
    if "".join(cells).isascii():
        return cells
    return [cell.encode("utf-8", "backslashreplace").decode() for cell in cells]
