"""The story that `oneid demo` tells: a shop's customer, seen in seven places that do not know each other.

All of it is data: fragments, the steps in which they turn up and are linked, the strangers at a shared tablet.
Ids start with "demo", so that nothing else in a sandbox meets them; each step has a messageId of its own, so
that a second telling counts nothing twice.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

Key = tuple[str, str]
"""An identifier: type and value."""

SHOP_ACCOUNT, MINI_PROGRAM = "wxdemoaccount", "wxdemomini"

PC: Final[Key] = ("anonymous_id", "demo-pc-cookie-7f3a")
MOBILE: Final[Key] = ("anonymous_id", "demo-mobile-web-91c2")
APP: Final[Key] = ("device_id", "demo-oaid-5d0e8b7a")
ACCOUNT: Final[Key] = ("wechat_openid", f"{SHOP_ACCOUNT}:oA-linyue")
MINI: Final[Key] = ("wechat_openid", f"{MINI_PROGRAM}:oM-linyue")
QR: Final[Key] = ("anonymous_id", "demo-store-qr-nanjing-road")
PHONE: Final[Key] = ("phone", "+8613812345678")

FRAGMENTS: Final[dict[str, Key]] = {
    "PC browser": PC,
    "Mobile web": MOBILE,
    "App on her phone": APP,
    "Official account": ACCOUNT,
    "Mini-program": MINI,
    "QR code in the store": QR,
    "Cash desk (POS)": PHONE,
}
NAME: Final = "林悦 Lin Yue"
USER: Final[Key] = ("user_id", "demo-member-linyue")
UNIONID: Final[Key] = ("wechat_unionid", "demo-platform:uLINYUE")

TABLET: Final[Key] = ("anonymous_id", "demo-store-tablet-3")
STRANGERS: Final[dict[str, Key]] = {
    "Wang Lei": ("user_id", "demo-member-wanglei"),
    "Chen Jing": ("user_id", "demo-member-chenjing"),
}


class Way(StrEnum):
    """How a message goes in."""

    SEGMENT = "Segment client"
    GRAPHQL = "ingestEvents"
    IMPORT = "oneid import"


@dataclass(frozen=True, slots=True)
class Step:
    """One message: `number` orders the story and makes the messageId, `at` is its RFC 3339 time."""

    number: int
    way: Way
    what: str
    type: str
    at: str
    message: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def message_id(self) -> str:
        return f"demo-{self.number:02}"


def external(*keys: Key) -> dict[str, Any]:
    """The context that names people by external ids."""
    return {"externalIds": [{"type": kind, "id": value} for kind, value in keys]}


def page(name: str, key: Key) -> dict[str, Any]:
    return {"name": name, "anonymousId": key[1]}


APART: Final = (
    Step(1, Way.SEGMENT, "looks at a coat", "page", "2026-03-01T12:00:00Z", page("Wool coat", PC)),
    Step(2, Way.SEGMENT, "reads the size guide", "page", "2026-03-02T07:30:00Z", page("Size guide", MOBILE)),
    Step(
        3,
        Way.GRAPHQL,
        "opens the app",
        "screen",
        "2026-03-03T09:00:00Z",
        {"name": "Launch", "context": {"device": {"id": APP[1], "type": "android"}}},
    ),
    Step(
        4,
        Way.GRAPHQL,
        "follows the official account",
        "track",
        "2026-03-03T13:20:00Z",
        {
            "event": "Official Account Followed",
            "properties": {"MsgType": "event", "Event": "subscribe", "EventKey": "qrscene_window"},
            "context": external(ACCOUNT),
        },
    ),
    Step(
        5,
        Way.GRAPHQL,
        "opens the mini-program",
        "track",
        "2026-03-04T04:10:00Z",
        {"event": "Mini Program Opened", "properties": {"scene": 1011}, "context": external(MINI)},
    ),
    Step(
        6,
        Way.GRAPHQL,
        "scans a code in the store",
        "track",
        "2026-03-05T06:00:00Z",
        {"event": "Store QR Scanned", "anonymousId": QR[1], "properties": {"store": "Nanjing Road"}},
    ),
)

POS_FILE: Final = "demo-pos-2026-03.csv"
POS_EXPORT: Final = """receipt,paid_at,mobile,item,pieces,unit_price
P-1001,05/03/2026 14:40,138 1234 5678,Wool scarf,1,299.00
P-1002,05/03/2026 14:52,138 1234 5678,Leather gloves,2,189.50
"""
POS_MAP: Final = (
    "receipt=order_id",
    "paid_at=timestamp",
    "mobile=phone",
    "item=product",
    "pieces=quantity",
    "unit_price=price",
)

TOGETHER: Final = (
    Step(
        11,
        Way.GRAPHQL,
        "WeChat tells the account's unionid",
        "identify",
        "2026-03-06T02:00:00Z",
        {"context": external(ACCOUNT, UNIONID)},
    ),
    Step(
        12,
        Way.GRAPHQL,
        "WeChat tells the same unionid to the mini-program",
        "identify",
        "2026-03-06T02:05:00Z",
        {"context": external(MINI, UNIONID)},
    ),
    Step(
        13,
        Way.GRAPHQL,
        "gives her phone number in the mini-program",
        "identify",
        "2026-03-06T02:06:00Z",
        {"traits": {"phone": "13812345678"}, "context": external(MINI) | {"verified": ["phone"]}},
    ),
    Step(
        14,
        Way.GRAPHQL,
        "the code's page asks WeChat who she is",
        "track",
        "2026-03-06T05:00:00Z",
        {"event": "Store Page Authorised", "anonymousId": QR[1], "context": external(ACCOUNT)},
    ),
    Step(
        15,
        Way.SEGMENT,
        "signs in on the PC",
        "identify",
        "2026-03-07T12:00:00Z",
        {
            "anonymousId": PC[1],
            "userId": USER[1],
            "traits": {"name": NAME, "email": "lin.yue@example.com", "city": "上海"},
        },
    ),
    Step(
        16,
        Way.SEGMENT,
        "signs in on the mobile web",
        "identify",
        "2026-03-07T13:00:00Z",
        {"anonymousId": MOBILE[1], "userId": USER[1], "traits": {"size": "M"}},
    ),
    Step(
        17,
        Way.GRAPHQL,
        "signs in to the app with a code sent to her phone",
        "identify",
        "2026-03-08T01:00:00Z",
        {
            "userId": USER[1],
            "traits": {"phone": "+86 138-1234-5678"},
            "context": {"device": {"id": APP[1], "type": "android"}, "verified": ["phone"]},
        },
    ),
)

AT_THE_TABLET: Final = tuple(
    Step(
        21 + place,
        Way.SEGMENT,
        f"{name} signs in on the store's tablet",
        "identify",
        f"2026-03-{8 + place:02}T04:00:00Z",
        {"anonymousId": TABLET[1], "userId": key[1], "traits": {"name": name}},
    )
    for place, (name, key) in enumerate({**STRANGERS, NAME: USER}.items())
)
