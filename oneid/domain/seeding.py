"""Made-up people and what they did, the same for the same seed: for benchmarks and for trying things out."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from oneid.domain.customers import AttributeValue, CustomerRecord, LinkedIdentifier
from oneid.domain.identifiers import Identifier
from oneid.domain.ids import one_id_of
from oneid.domain.messages import Message, StoredEvent, format_time

SOURCE: Final = "seed"
CITIES: Final = ("上海", "北京", "广州", "深圳", "成都", "杭州", "武汉", "西安", "南京", "重庆")
CATEGORIES: Final = ("skincare", "makeup", "fragrance", "hair", "baby", "travel", "sports", "books")
FAMILIES: Final = ("王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴")
GIVEN: Final = ("伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "小明", "晓燕")
TIERS: Final = ("bronze", "silver", "gold")
WEIGHTS: Final = (70, 25, 5)
#: Of a hundred events so many are views, carts, orders, opened messages.
KINDS: Final = (
    ("Product Viewed", 60),
    ("Product Added", 15),
    ("Order Completed", 15),
    ("Message Opened", 10),
)
DAYS: Final = 400


@dataclass(frozen=True, slots=True)
class SeedPerson:
    """One person with a user id, a browser and a phone."""

    number: int
    created_at: datetime
    identifiers: tuple[Identifier, ...]
    attributes: dict[str, AttributeValue]


def person(run: str, number: int, until: datetime) -> SeedPerson:
    """The person of this number. Nobody is younger than `until`."""
    rng = Random(f"{run}:{number}")
    created_at = until - timedelta(seconds=rng.randrange(DAYS * 86_400))
    identifiers = (
        Identifier("user_id", f"{run}-{number}"),
        Identifier("anonymous_id", f"{run}-a{number}"),
        Identifier("phone", f"+86199{number % 10**8:08}"),
    )
    values = {
        "name": rng.choice(FAMILIES) + rng.choice(GIVEN),
        "city": rng.choice(CITIES),
        "age": rng.randrange(18, 75),
        "tier": rng.choices(TIERS, WEIGHTS)[0],
        "newsletter": rng.random() < 0.4,
    }
    at = format_time(created_at)
    held = {
        key: AttributeValue(value, at, SOURCE, identifier=identifiers[0].key) for key, value in values.items()
    }
    return SeedPerson(number, created_at, identifiers, held)


def record(run: str, who: SeedPerson, first: int) -> CustomerRecord:
    """The person as a new customer. `first`: the sequence of the first person of the run."""
    sequence = first + 10 * who.number
    bits = int.from_bytes(hashlib.sha256(f"{run}:{who.number}".encode()).digest()[:10], "big")
    at = format_time(who.created_at)
    linked = tuple(LinkedIdentifier(one, at, at, source=SOURCE) for one in who.identifiers)
    return CustomerRecord(one_id_of(sequence, bits), 1, sequence, at, at, linked, who.attributes)


def events(run: str, who: SeedPerson, one_id: str, count: int, until: datetime) -> Iterator[StoredEvent]:
    """What a person did between being known and `until`, in the order of time."""
    rng = Random(f"{run}:{who.number}:events")
    seconds = max(1, int((until - who.created_at).total_seconds()))
    times = sorted(who.created_at + timedelta(seconds=rng.randrange(seconds)) for _ in range(count))
    names = rng.choices([name for name, _ in KINDS], [share for _, share in KINDS], k=count)
    for place, (at, name) in enumerate(zip(times, names, strict=True)):
        payload = message(run, who, place, name, at, rng)
        told = Message(payload["messageId"], "track", name, at, at, at, SOURCE, payload)
        keys = tuple(identifier.key for identifier in who.identifiers[:2])
        yield StoredEvent(told, one_id, keys, who.number * 10_000 + place + 1)


def message(run: str, who: SeedPerson, place: int, name: str, at: datetime, rng: Random) -> dict[str, Any]:
    properties: dict[str, Any] = {"category": rng.choice(CATEGORIES), "sku": f"s{rng.randrange(2_000)}"}
    if name == "Order Completed":
        properties |= {
            "order_id": f"{run}-{who.number}-{place}",
            "total": rng.randrange(1_000, 200_000) / 100,
        }
    return {
        "type": "track",
        "event": name,
        "messageId": f"{run}-{who.number}-{place}",
        "userId": who.identifiers[0].value,
        "anonymousId": who.identifiers[1].value,
        "timestamp": format_time(at),
        "properties": properties,
    }
