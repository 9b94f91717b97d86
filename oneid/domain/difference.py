"""What a replay makes of the customers that are there: who stays, who is taken apart, who becomes one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Held:
    """A customer as the graph has it. `links`: its identifiers' keys with their link order."""

    one_id: str
    sequence: int
    version: int
    links: Mapping[str, int]


@dataclass(slots=True)
class Component:
    """Customers and replayed groups that share identifiers, and do not agree on them."""

    customers: dict[str, Held] = field(default_factory=dict[str, Held])
    groups: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    @property
    def keys(self) -> frozenset[str]:
        held = (key for customer in self.customers.values() for key in customer.links)
        return frozenset(held).union(*self.groups.values())

    def keepers(self) -> dict[str, list[Held]]:
        """Whose ONE-IDs each group gets, the oldest customer first: a ONE-ID stays with the group that holds
        its oldest identifier. Several make one customer; none, a new or a former one."""
        group_of = {key: name for name, keys in self.groups.items() for key in keys}
        found: dict[str, list[Held]] = {name: [] for name in self.groups}
        for customer in sorted(self.customers.values(), key=lambda held: held.sequence):
            told = [key for key in customer.links if key in group_of]
            if told:
                oldest = min(told, key=lambda key: (customer.links[key], key))
                found[group_of[oldest]].append(customer)
        return found


def components(
    customers: Iterable[Held], groups: Mapping[str, frozenset[str]], told: Callable[[str], bool]
) -> list[Component]:
    """The parts where the graph and the replay differ. `told`: whether any event or act named a key; those
    that none did stay where they are."""
    held = {customer.one_id: customer for customer in customers}
    owner = {key: customer.one_id for customer in held.values() for key in customer.links}
    group_of = {key: name for name, keys in groups.items() for key in keys}
    links = _Links()
    for customer in held.values():
        known = frozenset(key for key in customer.links if told(key))
        touched = {group_of.get(key) for key in known}
        if known and not (len(touched) == 1 and groups.get(next(iter(touched)) or "") == known):
            links.join(("c", customer.one_id), *(("g", name) for name in touched if name))
    for name, keys in groups.items():
        owners = {owner[key] for key in keys if key in owner}
        if len(owners) != 1 or ("g", name) in links or any(key not in owner for key in keys):
            links.join(("g", name), *(("c", one_id) for one_id in owners))
    return [_component(part, held, groups) for part in links.parts()]


def _component(
    part: Iterable[tuple[str, str]], held: Mapping[str, Held], groups: Mapping[str, frozenset[str]]
) -> Component:
    component = Component()
    for kind, name in part:
        if kind == "c":
            component.customers[name] = held[name]
        else:
            component.groups[name] = groups[name]
    return component


class _Links:
    """Disjoint sets of (kind, name)."""

    def __init__(self) -> None:
        self._parent: dict[tuple[str, str], tuple[str, str]] = {}

    def __contains__(self, element: tuple[str, str]) -> bool:
        return element in self._parent

    def join(self, first: tuple[str, str], *others: tuple[str, str]) -> None:
        for other in others:
            self._parent[self._root(other)] = self._root(first)
        self._root(first)

    def parts(self) -> list[list[tuple[str, str]]]:
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for element in list(self._parent):
            found.setdefault(self._root(element), []).append(element)
        return list(found.values())

    def _root(self, element: tuple[str, str]) -> tuple[str, str]:
        self._parent.setdefault(element, element)
        while self._parent[element] != element:
            self._parent[element] = self._parent[self._parent[element]]
            element = self._parent[element]
        return element
