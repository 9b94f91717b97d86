"""Operations that GraphiQL offers: in this order they tell how fragments of a person become one customer."""

from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Example:
    query: str
    variables: dict[str, Any] = field(default_factory=dict[str, Any])


INGEST: Final = Example(
    """# A visitor, then the same visitor logging in: one customer.
mutation Ingest($input: IngestEventsInput!) {
  ingestEvents(input: $input) {
    results { index messageId status oneId userErrors { code field message } }
    userErrors { code field message }
  }
}
""",
    {
        "input": {
            "wait": "RESOLVED",
            "events": [
                {"type": "page", "anonymousId": "cookie-1", "name": "Home"},
                {
                    "type": "identify",
                    "anonymousId": "cookie-1",
                    "userId": "member-1",
                    "traits": {"name": "王小明", "phone": "138 0013 8000", "email": "ming@example.cn"},
                },
                {
                    "type": "track",
                    "userId": "member-1",
                    "event": "Order Completed",
                    "properties": {"order_id": "o-1", "total": 299.5},
                },
            ],
        }
    },
)

WHO: Final = Example(
    """# Who is it? By any identifier, in any notation.
query Who($by: CustomerLookup!) {
  customer(by: $by) {
    oneId
    formerOneIds
    identifiers { type value firstSeenAt lastSeenAt verified source }
    attributes { key value source updatedAt }
    events(first: 10) { totalCount nodes { name timestamp properties } }
    decisions(first: 10) { nodes { kind at messageId kept { type value } dropped { type value } } }
  }
}
""",
    {"by": {"identifier": {"type": "phone", "value": "13800138000"}}},
)

WHY: Final = Example(
    """# Why are these two one customer, or what keeps them apart?
query Why($a: CustomerLookup!, $b: CustomerLookup!) {
  why(a: $a, b: $b) {
    sameCustomer
    path { from { type value } to { type value } messageId at }
    keptApartBy { kind reason messageId dropped { type value } }
  }
}
""",
    {
        "a": {"identifier": {"type": "anonymous_id", "value": "cookie-1"}},
        "b": {"identifier": {"type": "phone", "value": "13800138000"}},
    },
)

SEARCH: Final = Example(
    """# Find customers by phone, email, name or ONE-ID.
query Search($search: String) {
  customers(search: $search, first: 20) {
    totalCount
    edges { cursor node { oneId createdAt identifiers { type value } } }
    pageInfo { hasNextPage endCursor }
  }
}
""",
    {"search": "王小明"},
)

TOTALS: Final = Example(
    """# Orders, customers and money.
query Totals {
  eventTotals(names: ["Order Completed"], sum: "total") { events customers sum }
}
"""
)

UPSERT: Final = Example(
    """# Write a customer directly: only what is named changes.
mutation Upsert($input: UpsertCustomerInput!) {
  upsertCustomer(input: $input) {
    created
    customer { oneId version attributes { key value source } }
    userErrors { code field message }
  }
}
""",
    {
        "input": {
            "identifiers": [{"type": "phone", "value": "13800138000"}],
            "set": {"city": "上海"},
            "increment": {"visits": 1},
        }
    },
)

RULES: Final = Example(
    """# The rules by which identities are resolved.
query Rules {
  identityRules {
    version
    types { type priority limit windowDays normalizer }
    blocked { type exact regex }
    maxMerges
    maxIdentifiers
    sharedIdentifierPolicy
  }
}
"""
)

CHANGES: Final = Example(
    """# Follow what happens to customers.
subscription Changes {
  changes { id cursor type at oneId mergedOneIds customer { identifiers { type value } } }
}
"""
)

CLOCK: Final = Example(
    """# Three days later. A sandbox's clock can be advanced, never put back.
mutation Later {
  advanceClock(input: { by: "P3D" }) { clock { now offsetSeconds } userErrors { code message } }
}
"""
)

EXAMPLES: Final = (INGEST, WHO, WHY, SEARCH, TOTALS, UPSERT, RULES, CHANGES, CLOCK)
