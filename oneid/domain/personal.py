"""Which attributes and event properties are personal data: those declared so, and those named like an email or a
phone number, which are so without being declared."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

SEPARATORS: Final = re.compile(r"[\s_-]+")

EMAIL_KEYS: Final = frozenset({"email", "emailaddress", "邮箱", "电子邮箱"})
PHONE_KEYS: Final = frozenset(
    {
        *("phone", "phonenumber", "mobilephone", "mobilenumber", "cellphone", "telephone", "landline"),
        *("手机", "手机号", "手机号码", "电话", "电话号码"),
    }
)
"""In the form of `plain`."""


@lru_cache(maxsize=4096)
def plain(key: str) -> str:
    """A key in small letters without separators: `Phone_Number` is `phonenumber`."""
    return SEPARATORS.sub("", key).lower()


@dataclass(frozen=True, slots=True)
class PersonalKeys:
    """The keys of personal data. `declared`: those of declared attributes, in small letters."""

    declared: frozenset[str] = frozenset()

    def cover(self, key: str) -> bool:
        """Whether an attribute or property is personal data; of `contacts[].phone` each part is looked at."""
        parts = {key, *(part.removesuffix("[]") for part in key.split("."))}
        return any(part.lower() in self.declared or is_contact(part) for part in parts)


def is_contact(key: str) -> bool:
    """Whether a key is that of an email or a phone number."""
    return plain(key) in EMAIL_KEYS or plain(key) in PHONE_KEYS
