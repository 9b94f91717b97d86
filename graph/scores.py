"""Models of scores in Neo4j, a node each."""

from typing import Any, Final

from pydantic import TypeAdapter

from graph.client import Graph
from graph.segments import CHANGED
from oneid.domain.scores.models import ScoreKind, ScoreModel, Spec
from oneid.domain.scores.rfm import RfmModel
from oneid.domain.scores.vap import VapModel

STORED: Final[dict[ScoreKind, TypeAdapter[Any]]] = {
    ScoreKind.RFM: TypeAdapter(RfmModel),
    ScoreKind.VAP: TypeAdapter(VapModel),
}

SAVE: Final = f"""
{CHANGED}
MERGE (m:ScoreModel {{key: $row.key}})
SET m.version = coalesce(m.version, 0) + 1, m.kind = $row.kind, m.spec = $row.spec, m.conditions = $row.conditions
RETURN m.version AS version
"""

ALL: Final = "MATCH (m:ScoreModel) RETURN properties(m) AS m ORDER BY m.key"


class ScoreModels:
    """Reads and writes models."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def save(self, model: ScoreModel) -> int:
        """Writes a model in place of the one of its key; its new version."""
        spec = STORED[model.kind].dump_json(model.spec).decode()
        row = {"key": model.key, "kind": str(model.kind), "spec": spec, "conditions": list(model.conditions)}
        version: int = (await self._graph.write("scores.save", SAVE, row=row))[0]["version"]
        return version

    async def all(self) -> list[ScoreModel]:
        """Every model, in order of their keys."""
        return [model_of(row["m"]) for row in await self._graph.read("scores.all", ALL)]


def model_of(row: dict[str, Any]) -> ScoreModel:
    kind = ScoreKind(row["kind"])
    spec: Spec = STORED[kind].validate_json(row["spec"])
    return ScoreModel(row["key"], kind, spec, row["version"], tuple(row["conditions"]))
