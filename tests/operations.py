"""Operations, started and carried out in the test's own process."""

from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from oneid.bootstrap import Stores
from oneid.services.operations import OperationService


def service(stores: Stores) -> OperationService:
    return OperationService(OperationStore(stores.graph), OperationFiles(stores.graph), stores.clock)
