from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest

from graph.client import Graph
from tests.change_log import Writer


@pytest.fixture
async def writer(graph: Graph) -> AsyncGenerator[Writer]:
    """A writer whose decisions are gone at the end."""
    run = f"d-{uuid4().hex[:8]}"
    yield Writer(graph, run)
    await graph.write("test.decisions", "MATCH (d:Decision) WHERE d.id STARTS WITH $run DELETE d", run=run)
