"""Signs that the rules merge too much, or that a value names more than one person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oneid.domain.customers import CustomerRecord
from oneid.domain.identifiers import Identifier

#: A customer with as many identifiers, or merges, is probably more than one person.
MANY_IDENTIFIERS: Final = 100
MANY_MERGES: Final = 20

#: A value that as many customers have used is probably nobody's own.
MANY_CUSTOMERS: Final = 5


@dataclass(frozen=True, slots=True)
class LargeCustomer:
    """A customer, how many identifiers it has and how many merges made it."""

    customer: CustomerRecord
    identifiers: int
    merges: int

    @property
    def warning(self) -> str | None:
        signs = list[str]()
        if self.identifiers >= MANY_IDENTIFIERS:
            signs.append(f"{self.identifiers} identifiers")
        if self.merges >= MANY_MERGES:
            signs.append(f"{self.merges} merges")
        named = f"customer {self.customer.one_id} has {' and '.join(signs)}"
        return f"{named}: it may be several people; `why` and `splitCustomer` help" if signs else None


@dataclass(frozen=True, slots=True)
class SharedValue:
    """A value that was kept from linking: how many decisions did so, and how many customers have used it."""

    identifier: Identifier
    demotions: int
    customers: int

    @property
    def warning(self) -> str | None:
        if self.customers < MANY_CUSTOMERS:
            return None
        kind = self.identifier.type
        return f"a value of {kind} was used by {self.customers} customers: block it, or set genericAfter"


@dataclass(frozen=True, slots=True)
class IdentityHealth:
    """The largest customers and the most shared values, the largest first."""

    customers: Sequence[LargeCustomer]
    values: Sequence[SharedValue]

    @property
    def warnings(self) -> list[str]:
        found = (*(c.warning for c in self.customers), *(v.warning for v in self.values))
        return [warning for warning in found if warning]
