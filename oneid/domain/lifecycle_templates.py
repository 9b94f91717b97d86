"""Ready-made lifecycles. Their rules speak of the standard events of `docs/segments.md`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class TemplateStage:
    """A stage of a ready-made lifecycle; `sources` None: those before it."""

    key: str
    name: str
    rule: Mapping[str, Any]
    sources: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A ready-made lifecycle."""

    key: str
    name: str
    stages: tuple[TemplateStage, ...]


def did(*names: str, days: int | None = None) -> dict[str, Any]:
    """Who did one of these, in the last so many days."""
    window = {} if days is None else {"window": {"lastDays": days}}
    return {"any": [{"event": {"name": name, **window}} for name in names]}


def not_since(days: int) -> dict[str, Any]:
    return {"all": [did("order.paid"), {"not": did("order.paid", days=days)}]}


TWICE: Final = {
    "event": {"name": "order.paid", "count": {"op": "GTE", "value": 2}, "window": {"lastDays": 90}}
}
RECENT: Final = did("order.paid", days=90)
QUIET_DAYS: Final = 60


def leads(quiet_days: int) -> Template:
    """Leads until they order; who does nothing at all for so many days meanwhile is suppressed."""
    lead = {"not": did("order.paid")}
    quiet = {"all": [lead, {"not": did("*", days=quiet_days)}]}
    return Template(
        "lead",
        "潜客转化",
        (
            TemplateStage("lead", "潜客", lead, ("suppressed",)),
            TemplateStage("suppressed", "停止触达", quiet, ("lead",)),
            TemplateStage("customer", "客户", did("order.paid")),
        ),
    )


TEMPLATES: Final = {
    "AISAS": Template(
        "aisas",
        "AISAS",
        (
            TemplateStage("attention", "注意 Attention", did("ad.impression", "ad.click")),
            TemplateStage("interest", "兴趣 Interest", did("wechat.follow", "product.view")),
            TemplateStage("search", "搜索 Search", did("search")),
            TemplateStage("action", "行动 Action", did("order.paid")),
            TemplateStage("share", "分享 Share", did("share")),
        ),
    ),
    "LEAD": leads(QUIET_DAYS),
    "RETAIL": Template(
        "retail",
        "零售生命周期",
        (
            TemplateStage("lead", "潜客", {"not": did("order.paid")}, ()),
            TemplateStage("new", "新客", RECENT, ("lead", "dormant", "lost")),
            TemplateStage("active", "活跃", TWICE, ("lead", "new", "dormant", "lost")),
            TemplateStage("dormant", "沉睡", not_since(90), ("new", "active")),
            TemplateStage("lost", "流失", not_since(365), ("new", "active", "dormant")),
        ),
    ),
}
