"""Short names for the identifiers of one scenario: `u1` is a user, `a1` a cookie, `p1` a phone."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import uuid4

TYPES: Final = {
    "a": "anonymous_id",
    "c": "member_card",
    "d": "device_id",
    "e": "email",
    "g": "group_id",
    "h": "landline",
    "n": "wechat_unionid",
    "o": "wechat_openid",
    "p": "phone",
    "t": "tmall_ouid",
    "u": "user_id",
    "x": "loyalty",
    "y": "alipay_user_id",
    "z": "douyin_openid",
}
"""The letter that a short name starts with. `loyalty` is what scenarios declare."""


class Names:
    """Values that no other scenario uses, so that nothing has to be wiped. `of` turns them back."""

    def __init__(self) -> None:
        self._run = uuid4().hex[:10]
        self._digits = f"{uuid4().int % 10**8:08d}"
        self._known = dict[tuple[str, str], str]()

    def value(self, name: str) -> str:
        """The value of a short name, as it is normalised."""
        kind = TYPES[name[0]]
        self._known[kind, value := self._made(kind, name)] = name
        return value

    def _made(self, kind: str, name: str) -> str:
        if kind == "phone":
            return f"+8613{self._digits}{name[1]}"
        if kind == "landline":
            return f"+8621{self._digits[1:]}{name[1]}"
        if kind == "email":
            return f"{name}-{self._run}@example.cn"
        return f"app:{name}-{self._run}" if kind.startswith("wechat") else f"{name}-{self._run}"

    def lookup(self, name: str) -> dict[str, str]:
        """The identifier as GraphQL takes it."""
        return {"type": TYPES[name[0]], "value": self.value(name)}

    def short(self, identifier: Mapping[str, Any]) -> str:
        """The short name; what nobody named stays as it is."""
        pair = (identifier["type"], identifier["value"])
        return self._known.get(pair, ":".join(pair))

    def of(self, identifiers: Iterable[Mapping[str, Any]]) -> str:
        """Short names in alphabetical order."""
        return " ".join(sorted(map(self.short, identifiers)))

    def used(self) -> list[str]:
        return sorted(self._known.values())

    def message_id(self, name: str) -> str:
        return f"{name}-{self._run}"


def event(names: Names, text: str, **more: Any) -> dict[str, Any]:
    """A tracking message that names what the text does, in its order: `"u1 a1 p1"`.

    The first of a type stands in its field (userId, traits.phone, context.device.id), all else in
    externalIds. `more` is merged in; of `context` and `traits` entry by entry.
    """
    item: dict[str, Any] = {}
    traits, context, device = dict[str, Any](), dict[str, Any](), dict[str, Any]()
    fields = {
        "user_id": (item, "userId"),
        "anonymous_id": (item, "anonymousId"),
        "group_id": (item, "groupId"),
        "email": (traits, "email"),
        "phone": (traits, "phone"),
        "device_id": (device, "id"),
    }
    for name in text.split():
        kind, value = TYPES[name[0]], names.value(name)
        holder, field = fields.get(kind, (item, ""))
        if field and field not in holder:
            holder[field] = value
        else:
            context.setdefault("externalIds", []).append({"type": kind, "id": value})
    if device:
        context["device"] = device
    context |= more.pop("context", {})
    traits |= more.pop("traits", {})
    told = {"type": "identify", "traits": traits} if traits else {"type": "track", "event": "Seen"}
    return {**told, **item, "context": context, **more}
