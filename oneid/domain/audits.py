"""What data there is of customers, in numbers: where a brand begins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from oneid.domain.customers import DataParty

CHANNELS: Final[Mapping[str, tuple[str, ...]]] = {
    "email": ("email",),
    "sms": ("phone",),
    "wechat": ("wechat_openid",),
    "alipay": ("alipay_user_id",),
    "douyin": ("douyin_openid",),
    "tmall": ("tmall_ouid",),
    "push": ("device_id",),
}
"""The channels on which somebody is reached, and the types of identifiers that it takes one of."""

ANONYMOUS: Final = ("anonymous_id", "device_id")
"""Types that name a device and not a person."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many customers have a value of an attribute; `parties`: by who collected it, of a declared one."""

    key: str
    customers: int
    declared: bool
    parties: Mapping[DataParty, int]


@dataclass(frozen=True, slots=True)
class Reach:
    """How many can be reached on a channel: those who have what it takes and did not withdraw their consent.
    `granted`: those of them who gave it."""

    channel: str
    having: int
    withdrawn: int
    granted: int

    @property
    def reachable(self) -> int:
        return self.having - self.withdrawn


@dataclass(frozen=True, slots=True)
class Sharing:
    """Values of an attribute that several customers have, though they should be one person's. `complete`: whether
    those are all."""

    key: str
    values: int
    customers: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """What an index counts at one moment: customers in all, by the name of an attribute, by the type of an
    identifier, by `attribute=PARTY`, and by the name of a query; and shared values by attribute."""

    customers: int
    attributes: Mapping[str, int]
    identifiers: Mapping[str, int]
    parties: Mapping[str, int]
    queries: Mapping[str, int]
    sharing: Mapping[str, Sharing]


@dataclass(frozen=True, slots=True)
class DataAudit:
    """The whole. `identified`: customers with an identifier that names a person; `proposals`: pairs that may be one
    person and wait for somebody to decide; `at`: RFC 3339."""

    at: str
    customers: int
    identified: int
    events: int
    attributes: tuple[Coverage, ...]
    identifiers: Mapping[str, int]
    channels: tuple[Reach, ...]
    sharing: tuple[Sharing, ...]
    proposals: int
