"""A whole log told again: the replay, and for each event whose it is in the index and whose it turns out to be."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from oneid.domain.decisions import Decision
from oneid.domain.evidence import Prepared
from oneid.domain.households import Sighting
from oneid.domain.messages import StoredEvent, format_time
from oneid.domain.replay import Replay
from oneid.domain.rules import IdentityRules


@dataclass(frozen=True, slots=True)
class Told:
    """One event: the customer that the index gives it to, and the replay's working name (None: nobody)."""

    message_id: str
    one_id: str | None
    name: str | None
    keys: tuple[str, ...]
    sequence: int


class Retelling:
    """Takes events in order, with the acts between them. Memory: about 400 bytes an event. `erasures`: the version
    of the tombstones before the first event was read."""

    def __init__(
        self,
        rules: IdentityRules,
        region: str,
        acts: Iterable[Decision],
        generic: frozenset[str],
        erasures: int = 0,
    ) -> None:
        self.erasures = erasures
        self.replay = Replay(rules, region, generic=generic)
        self.rules = rules
        self.events: list[Told] = []
        self._acts = sorted(acts, key=lambda act: act.sequence)
        self._done = 0
        self._names = set[str]()
        self._named = set[str]()
        self._one_ids = dict[str, str]()
        self._households = dict[int, list[Sighting]]()

    @property
    def position(self) -> tuple[int, str] | None:
        """Where to read on: (sequence, messageId) of the last event."""
        last = self.events[-1] if self.events else None
        return (last.sequence, last.message_id) if last else None

    @property
    def acted(self) -> int:
        """The sequence of the last act that is known."""
        return self._acts[-1].sequence if self._acts else 0

    def more_acts(self, acts: Iterable[Decision]) -> None:
        """Acts of after the last one."""
        self._acts += acts

    def tell(self, events: Iterable[StoredEvent]) -> None:
        for event in events:
            self._act(event.sequence)
            self._tell(event)

    def end(self) -> None:
        """Does the acts that came after the last event."""
        self._act(1 << 63)

    def told(self, key: str) -> bool:
        """Whether an event or an act named this identifier."""
        return key in self._named or key in self.replay.space.identifiers

    def groups(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(group.identifiers) for name, group in self.replay.groups().items()}

    def homes(self) -> Iterator[tuple[Told, str | None]]:
        """Each event with the group it belongs to in the end."""
        for told in self.events:
            name = told.name
            yield told, self.replay.home(name, told.keys, told.sequence) if name else None

    def sightings(self, owners: Mapping[str, str]) -> Iterator[Sighting]:
        """The households that events named, with the customer (`owners`: by group) that each event belongs to."""
        for number, (_, name) in enumerate(self.homes() if self._households else ()):
            owner = owners.get(name or "")
            if owner:
                yield from (replace(seen, one_id=owner) for seen in self._households.get(number, ()))

    def _see(self, prepared: Prepared, name: str, by: str) -> None:
        message = prepared.message
        times = format_time(message.timestamp), format_time(message.received_at)
        if prepared.named.households:
            self._households[len(self.events)] = [
                Sighting(household, name, by, *times) for household in prepared.named.households
            ]

    def _act(self, until: int) -> None:
        while self._done < len(self._acts) and self._acts[self._done].sequence < until:
            act = self._acts[self._done]
            self.replay.act(act)
            self._named.update(identifier.key for identifier in act.kept if act.direct)
            self._done += 1

    def _tell(self, event: StoredEvent) -> None:
        prepared = self.replay.prepared(event)
        resolution = self.replay.resolve(prepared)
        name = resolution.one_id
        if name and resolution.by:
            self._see(prepared, name, resolution.by)
        known = self.replay.space.identifiers
        keys = tuple(known[key].identifier.key if key in known else key for key in event.identifiers)
        self._named.update(key for key in keys if key not in known)
        one_id = self._one_ids.setdefault(event.one_id, event.one_id) if event.one_id else None
        self.events.append(Told(event.message.message_id, one_id, name, keys, event.sequence))
