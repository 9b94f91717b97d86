"""What hangs on customers: each kind of data says once what becomes of it when customers merge, split or are erased.

A module beside this one describes its data as an `Attached` and is listed here. Identity then takes care of it in
the transaction that merges, splits or erases: nothing is left behind, and nothing is done twice.
"""

from typing import Final

from graph.attachment import Attached
from graph.consents import CONSENTS
from graph.households import HOUSEHOLDS
from graph.lifecycles import STAGES
from graph.memberships import MEMBERSHIPS
from graph.proposals import PROPOSALS
from graph.segments import LISTS
from graph.tags import TAGS

ATTACHED: Final[tuple[Attached, ...]] = (HOUSEHOLDS, PROPOSALS, LISTS, MEMBERSHIPS, TAGS, STAGES, CONSENTS)
