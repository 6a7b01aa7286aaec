"""Orders: a shop's table of sales becomes an `OrderLog`, the log becomes one row per customer.

The words, here and everywhere (all of one customer; `T` and `recency` in the unit asked for, days or weeks):

- *order day*: a day, in the shop's zone, with at least one order; several orders of one day are one order day.
- `frequency`: order days after the first. `recency`: age at the last order day, 0 if there is only one.
- `T`: age at the end of the observation. `days_since_last` = `T` − `recency`, in days; never called recency.
- `monetary_value`: mean value of the order days after the first.
- *refund*: an order with a negative amount. It moves money, it is never an order day.

Orders are columns, not objects: ids, int64 days since 1970-01-01, float64 money of one currency. A column that already
has that form is not copied, so leave the arrays you handed in as they are.
"""

from retention.orders.lines import OrderLines
from retention.orders.log import OrderLog
from retention.orders.summary import CustomerSummary, summarize

__all__ = ["CustomerSummary", "OrderLines", "OrderLog", "summarize"]
