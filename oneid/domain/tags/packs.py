"""Ready-made trees of tags for industries. Rules speak of the events that `docs/segments.md` calls standard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias


@dataclass(frozen=True, slots=True)
class ByRule:
    """A tag with a rule."""

    rule: dict[str, Any]

    def but_not(self, other: "ByRule") -> "ByRule":
        return ByRule({"all": [self.rule, {"not": other.rule}]})


Branch: TypeAlias = "Mapping[str, Branch | ByRule | None]"
"""Names to what is below them; None is a tag that is given by hand."""


def did(name: str, days: int | None = None, *, at_least: int = 1, **where: Any) -> ByRule:
    """Who did something so often in the last so many days, with these properties."""
    tests = [{"property": key, "op": "EQ", "value": value} for key, value in where.items()]
    told: dict[str, Any] = {"name": name, "count": {"op": "GTE", "value": at_least}}
    if tests:
        told["where"] = tests
    if days is not None:
        told["window"] = {"lastDays": days}
    return ByRule({"event": told})


def spent(least: float, days: int = 365) -> ByRule:
    """Who spent so much in the last so many days."""
    total = {"property": "amount", "op": "GTE", "value": least}
    return ByRule({"event": {"name": "order.paid", "sum": total, "window": {"lastDays": days}}})


def quiet(days: int, most: int) -> ByRule:
    """Who ordered within `most` days, but not within `days`."""
    return did("order.paid", most).but_not(did("order.paid", days))


SOURCES: Final[Branch] = {"广告": None, "自然": None, "门店": None, "老客推荐": None}
ORDERS: Final[Branch] = {
    "首购": ByRule({"event": {"name": "order.paid", "count": {"op": "EQ", "value": 1}}}),
    "复购": did("order.paid", at_least=2),
    "高消费": spent(5000),
    "沉睡": quiet(180, 730),
}

PACKS: Final[Mapping[str, Branch]] = {
    "BEAUTY": {
        "美妆": {
            "肤质": {"干性": None, "油性": None, "混合性": None, "敏感性": None},
            "功效关注": {
                "护肤": {
                    "美白": did("product.view", 90, at_least=3, effect="美白"),
                    "抗老": None,
                    "保湿": None,
                },
                "彩妆": {"底妆": None, "唇妆": did("product.view", 90, at_least=3, category="唇妆")},
            },
            "消费": ORDERS,
            "来源": SOURCES,
        }
    },
    "MOTHER_AND_BABY": {
        "母婴": {
            "阶段": {
                "孕期": {"孕早期": None, "孕中期": None, "孕晚期": None},
                "育儿": {"0-6个月": None, "7-12个月": None, "1-3岁": None},
            },
            "品类": {
                "奶粉": did("order.paid", 365, category="奶粉"),
                "纸尿裤": did("order.paid", 365, category="纸尿裤"),
            },
            "消费": ORDERS,
            "来源": SOURCES,
        }
    },
    "AIR_TRAVEL": {
        "航旅": {
            "旅客": {"商务": None, "休闲": None, "常旅客": did("flight.flown", 365, at_least=12)},
            "偏好": {"舱位": {"公务舱": did("flight.flown", 365, cabin="J"), "经济舱": None}, "座位": None},
            "意向": {
                "搜索未订": did("flight.search", 7).but_not(did("flight.book", 7)),
            },
            "来源": SOURCES,
        }
    },
    "EDUCATION": {
        "教育": {
            "学段": {"小学": None, "初中": None, "高中": None, "成人": None},
            "学科": {"语言": {"英语": did("course.view", 90, at_least=3, subject="英语"), "日语": None}},
            "状态": {
                "试听": did("lesson.trial"),
                "在读": did("lesson.attended", 30),
                "流失风险": did("lesson.attended", 90).but_not(did("lesson.attended", 30)),
            },
            "来源": SOURCES,
        }
    },
    "RETAIL": {
        "零售": {
            "消费": ORDERS,
            "渠道偏好": {
                "线上": {"官网": did("order.paid", 365, channel="web"), "小程序": None},
                "线下": {"门店": did("order.paid", 365, channel="store")},
            },
            "促销": {"优惠券敏感": did("coupon.redeemed", 180, at_least=3)},
            "来源": SOURCES,
        }
    },
}


def flattened(branch: Branch, above: str = "") -> list[tuple[str, dict[str, Any] | None]]:
    """The paths of a tree, each before those below it, with the rule of those that have one."""
    found: list[tuple[str, dict[str, Any] | None]] = []
    for name, below in branch.items():
        path = f"{above}/{name}" if above else name
        found.append((path, below.rule if isinstance(below, ByRule) else None))
        if isinstance(below, Mapping):
            found += flattened(below, path)
    return found
