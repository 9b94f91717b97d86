from collections.abc import Callable

import pytest

from graph.client import Graph
from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from oneid.clock import SystemClock
from oneid.services.operation_run import Handler, Pace
from oneid.services.operation_runner import OperationRunner
from oneid.services.operations import OperationService

MakeRunner = Callable[..., OperationRunner]


@pytest.fixture
def store(clean: None, graph: Graph) -> OperationStore:
    return OperationStore(graph)


@pytest.fixture
def files(graph: Graph) -> OperationFiles:
    return OperationFiles(graph)


@pytest.fixture
def service(store: OperationStore, files: OperationFiles) -> OperationService:
    return OperationService(store, files, SystemClock())


@pytest.fixture
def make_runner(store: OperationStore, files: OperationFiles) -> MakeRunner:
    """Makes a runner of one handler, of the kind `count`, that writes each progress at once."""

    def make(handler: Handler, *, lease: float = 15.0) -> OperationRunner:
        pace = Pace(lease=lease, progress=0.0)
        return OperationRunner(store, files, {"count": handler}, SystemClock(), pace=pace)

    return make
