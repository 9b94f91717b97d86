"""What an operator's acts must give, on top of `tests.reference`, said as plainly and sharing no code with it."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

from tests.reference import STRENGTH, Key, Person, Reference


@dataclass
class Step:
    """One thing that happened, as it has to be done again. `one` and `other` are the sides of a merge or split."""

    kind: str
    keys: list[Key] = field(default_factory=list[Key])
    at: datetime | None = None
    one: set[Key] = field(default_factory=set[Key])
    other: set[Key] = field(default_factory=set[Key])
    sticky: bool = False
    owner: int | None = None


class Steward(Reference):
    """Resolves events, and unlinks, splits, merges, erases; remembers all of it, to do it again."""

    def __init__(self, limits: dict[str, int]) -> None:
        super().__init__(limits)
        self.order = dict[Key, int]()
        self.first = dict[Key, int]()
        self.sides = dict[Key, dict[int, int]]()
        self.suppressed = set[Key]()
        self.log = list[Step]()
        self.ticks = 0
        self.splits = 0

    def ingest(self, keys: Sequence[Key], at: datetime) -> int | None:
        """The customer's number; None if the event names somebody who is suppressed."""
        if self.suppressed & set(keys):
            return None
        owned = {key for person in self.people for key in person.keys}
        born = self.resolve(keys, at)
        for key in self.in_strength(keys):
            if key not in owned and key in self.person(born).keys:
                self.ticks += 1
                self.order[key] = self.ticks
                self.first.setdefault(key, born)
        self.log.append(Step("ingest", list(keys), at, owner=born))
        return born

    def in_strength(self, keys: Sequence[Key]) -> list[Key]:
        return sorted(dict.fromkeys(keys), key=lambda key: STRENGTH.index(key[0]))

    def person(self, born: int) -> Person:
        return next(person for person in self.people if person.born == self.current(born))

    def owner(self, key: Key) -> Person | None:
        return next((person for person in self.people if key in person.keys), None)

    def unlink(self, key: Key) -> None:
        for person in self.people:
            person.keys.discard(key)
        self.log.append(Step("unlink", [key]))

    def merge(self, into: Person, other: Person) -> None:
        """`other` becomes `into`, whichever is older; what stood between them is forgotten."""
        one, two = self.oldest(into.keys), self.oldest(other.keys)
        into.keys |= other.keys
        into.merges += other.merges + 1
        self.people.remove(other)
        self.redirect[other.born] = into.born
        self._reunite(into.keys)
        self.log.append(Step("merge", one=one, other=two))

    def split(self, person: Person, keys: set[Key], *, sticky: bool) -> tuple[int, int]:
        """The numbers of the part that keeps its own, and of the other one."""
        stay = person.keys - keys
        if min(self.order[key] for key in keys) < min(self.order[key] for key in stay):
            keys, stay = stay, keys
        self.log.append(Step("split", one=set(stay), other=set(keys), sticky=sticky))
        part = self._take_out(person, keys)
        if sticky:
            self._separate(stay, keys)
        return person.born, part.born

    def erase(self, person: Person, *, suppress: bool) -> None:
        """Nothing of the person is left in the log either."""
        gone = set(person.keys)
        self.people.remove(person)
        if suppress:
            self.suppressed |= gone
        for key in gone:
            self.sides.pop(key, None)
            self.order.pop(key, None)
            self.first.pop(key, None)
            self.last_seen.pop(key, None)
        self.log = [kept for step in self.log if (kept := self._without(step, person.born, gone))]

    def again(self) -> "Steward":
        """Everything once more, under the limits of now. What no event names any more, since it named somebody who
        was erased, stays where it is."""
        fresh = Steward(dict(self.limits))
        fresh.suppressed = set(self.suppressed)
        named = {key for step in self.log if step.kind == "ingest" for key in step.keys}
        for person in self.people:
            if not person.keys & named:
                fresh.keep(person.keys, None, self)
        for step in deepcopy(self.log):
            fresh.do(step)
        for person in self.people:
            if person.keys & named:
                held = [key for key in person.keys & named if fresh.owner(key)]
                oldest = min(held, key=lambda key: self.order[key], default=None)
                fresh.keep(person.keys - named, oldest, self)
        return fresh

    def keep(self, keys: set[Key], beside: Key | None, before: "Steward") -> None:
        """Keys that stay, with the owner of another key or as somebody of their own."""
        if not keys:
            return
        owner = self.owner(beside) if beside else None
        if owner is None:
            self.count += 1
            owner = Person(self.count)
            self.people.append(owner)
        owner.keys |= keys
        for key in keys:
            self.order[key] = before.order[key] - len(before.log) * 1_000
            self.first[key] = owner.born

    def do(self, step: Step) -> None:
        if step.kind == "ingest":
            assert step.at
            self.ingest(step.keys, step.at)
        elif step.kind == "unlink":
            self.unlink(step.keys[0])
        elif step.kind == "merge":
            pair = [p for side in (step.one, step.other) if (p := self.owner(min(side))) is not None]
            if len(pair) == 2 and pair[0] is not pair[1]:
                self.merge(*pair)
        else:
            for person in list(self.people):
                leaving = person.keys & step.other
                if leaving and leaving != person.keys:
                    self._take_out(person, leaving)
            if step.sticky:
                self._separate(step.one, step.other)
            self.log.append(step)

    def oldest(self, keys: Iterable[Key]) -> set[Key]:
        return {min(keys, key=lambda key: self.order[key])}

    def _take_out(self, person: Person, keys: set[Key]) -> Person:
        former = self.first[next(iter(self.oldest(keys)))]
        if (
            former != person.born
            and self.redirect.get(former) is not None
            and self.current(former) == person.born
        ):
            part = Person(former)
            del self.redirect[former]
        else:
            self.count += 1
            part = Person(self.count)
        part.keys = set(keys)
        person.keys -= keys
        self.people.append(part)
        for number, target in list(self.redirect.items()):
            if self.current(number) == person.born and target:
                self._follow(number, person, part)
        return part

    def _follow(self, number: int, person: Person, part: Person) -> None:
        """A former number goes with the oldest of what was first known under it."""
        named = [key for key in person.keys | part.keys if self.first.get(key) == number]
        if named and self.oldest(named) <= part.keys:
            self.redirect[number] = part.born
        else:
            self.redirect[number] = person.born

    def _separate(self, *sides: set[Key]) -> None:
        self.splits += 1
        for number, keys in enumerate(sides):
            for key in keys & self.order.keys():
                self.sides.setdefault(key, {})[self.splits] = number

    def _reunite(self, keys: set[Key]) -> None:
        seen = dict[int, set[int]]()
        for key in keys:
            for split, side in self.sides.get(key, {}).items():
                seen.setdefault(split, set()).add(side)
        for split in (split for split, found in seen.items() if len(found) > 1):
            for key in keys:
                self.sides.get(key, {}).pop(split, None)

    def _too_many(self, kept: Sequence[Key], at: datetime) -> bool:
        owners = self._owners(kept)
        if len(owners) == 1 and set(kept) <= owners[0].keys:
            return False
        everything = set(kept).union(*(person.keys for person in owners))
        seen = dict[int, set[int]]()
        for key in everything:
            for split, side in self.sides.get(key, {}).items():
                seen.setdefault(split, set()).add(side)
        return any(len(found) > 1 for found in seen.values()) or super()._too_many(kept, at)

    def _without(self, step: Step, born: int, gone: set[Key]) -> Step | None:
        """The step without an erased person."""
        if step.kind == "ingest":
            if step.owner is not None and self.current(step.owner) == born:
                return None
            step.keys = [key for key in step.keys if key not in gone]
            return step if step.keys else None
        if step.kind == "unlink":
            return None if step.keys[0] in gone else step
        step.one, step.other = step.one - gone, step.other - gone
        return step if step.one and step.other else None
