"""What identity resolution must give, said as plainly as possible and sharing no code with it: the oracle."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

Key = tuple[str, str]
STRENGTH = ["user_id", "email", "phone", "member_card", "device_id", "anonymous_id"]
LIMITS = {"user_id": 1, "email": 5, "phone": 5, "member_card": 5, "device_id": 5, "anonymous_id": 5}
WINDOWS = {"anonymous_id": timedelta(days=7)}


def components(events: Iterable[Sequence[Key]]) -> set[frozenset[Key]]:
    """Union-find over identifiers that appear together: the partition when no rule holds anything back."""
    parent = dict[Key, Key]()

    def find(key: Key) -> Key:
        parent.setdefault(key, key)
        while parent[key] != key:
            key = parent[key]
        return key

    for keys in events:
        for key in keys:
            parent[find(key)] = find(keys[0])
    groups = dict[Key, set[Key]]()
    for key in list(parent):
        groups.setdefault(find(key), set()).add(key)
    return {frozenset(group) for group in groups.values()}


@dataclass
class Person:
    """A customer of the reference; `born` orders them."""

    born: int
    keys: set[Key] = field(default_factory=set[Key])
    merges: int = 0


class Reference:
    """Resolves events one by one under limits, windows and caps, with the first owner keeping what is shared."""

    def __init__(
        self, limits: dict[str, int] | None = None, max_merges: int = 100, max_keys: int = 1000
    ) -> None:
        self.limits = LIMITS if limits is None else limits
        self.max_merges = max_merges
        self.max_keys = max_keys
        self.people = list[Person]()
        self.last_seen = dict[Key, datetime]()
        self.redirect = dict[int, int]()
        self.count = 0

    def resolve(self, keys: Sequence[Key], at: datetime) -> int:
        """The customer's number; `current` says which number it has later."""
        kept = sorted(dict.fromkeys(keys), key=lambda key: STRENGTH.index(key[0]))
        while self._too_many(kept, at):
            if len({kind for kind, _ in kept}) == 1:
                kept = kept[:1]
            else:
                kept = [key for key in kept if key[0] != kept[-1][0]]
        person, linked = self._join(kept)
        person.keys |= linked
        for key in linked:
            self.last_seen[key] = max(at, self.last_seen.get(key, at))
        return person.born

    def current(self, born: int) -> int:
        while born in self.redirect:
            born = self.redirect[born]
        return born

    def partition(self) -> set[frozenset[Key]]:
        return {frozenset(person.keys) for person in self.people}

    def _owners(self, keys: Sequence[Key]) -> list[Person]:
        return [person for person in self.people if person.keys & set(keys)]

    def _too_many(self, kept: Sequence[Key], at: datetime) -> bool:
        owners = self._owners(kept)
        everything = set(kept).union(*(person.keys for person in owners))
        for kind, limit in self.limits.items():
            window = WINDOWS.get(kind)
            counted = {
                key
                for key in everything
                if key[0] == kind and (window is None or key in kept or self.last_seen[key] >= at - window)
            }
            gained = not any(counted <= person.keys for person in owners)
            if limit and len(counted) > limit and gained:
                return True
        return False

    def _join(self, kept: list[Key]) -> tuple[Person, set[Key]]:
        owners = self._owners(kept)
        if not owners:
            self.count += 1
            self.people.append(Person(self.count))
            return self.people[-1], set(kept[: self.max_keys])
        held = set[Key]().union(*(person.keys for person in owners))
        merges = sum(person.merges for person in owners) + len(owners) - 1
        crowded = len(held | set(kept)) > self.max_keys and (len(owners) > 1 or not set(kept) <= held)
        if crowded or (len(owners) > 1 and merges > self.max_merges):
            return self._capped(kept, held)
        oldest = min(owners, key=lambda person: person.born)
        for other in owners:
            if other is not oldest:
                self.redirect[other.born] = oldest.born
                self.people.remove(other)
        oldest.keys, oldest.merges = held, merges
        return oldest, set(kept)

    def _capped(self, kept: list[Key], held: set[Key]) -> tuple[Person, set[Key]]:
        strongest = next(key for key in kept if key in held)
        (target,) = self._owners([strongest])
        free = {key for key in kept if key not in held}
        if len(target.keys | free) > self.max_keys:
            free = set()
        return target, free | (target.keys & set(kept))
