"""Which cells of what is issued must be hidden, so that no small one is seen and none follows from what is shown.

A count of 1 to 4 complaints or people is hidden, and then the least that keeps it hidden: what is shown, now and in
earlier issues, is a system of linear equations over counts that are never negative, and no small count may be the same
in all its solutions. What is protected, from whom, and what is not: docs/adr/0016-small-cells.md.

Here stand the cells and the two questions about them; `system` hides, `shown` finds what follows. Both, with scipy, are
loaded when first asked: whoever only reads what was decided has not the memory to spare.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.suppression.system import System

K_ANONYMITY = 5  # counts below it, down to 1, are small


@dataclass(frozen=True, slots=True)
class Cell:
    """A count in what is issued.

    family: what is counted ("received_by_agency_month"); families do not add up with each other.
    members: the base cells it sums ({"KOTA-21.71/2021-04", ...}); a base cell has itself as its one member.
    """

    family: str
    members: frozenset[str]
    count: int
    is_hidden: bool = False


def decide(cells: Sequence[Cell], earlier: Sequence[Cell] = (), below: int = K_ANONYMITY) -> list[Cell]:
    """The same cells in the same order with `is_hidden` decided; what it was before is not looked at.

    Guarantees: a cell of 1 to below - 1 is hidden; the count of none, of these or of those hidden in `earlier`, follows
    from what is shown here and in `earlier`, unless `earlier` alone gives it away; what is left of a shown total when
    shown parts are taken away counts `below` or more; zeros are shown unless nothing else is left to hide; and the
    order of the cells changes nothing.
    Cells of one family with the same members are one cell. Raises ValueError for a cell without members, a negative
    count, or two counts of one cell in `cells`.
    """
    make = _system()
    hidden: set[tuple[str, frozenset[str]]] = set()
    for family, now in _by_family(cells).items():
        before = _within_reach(now, _overtaken([cell for cell in earlier if cell.family == family], now, below))
        system = make(now, before, {cell.members for cell in before if not cell.is_hidden}, below)
        system.protect()
        hidden |= {(family, members) for members, statement in system.number.items() if system.is_hidden[statement]}
    return [replace(cell, is_hidden=0 < cell.count < below or (cell.family, cell.members) in hidden) for cell in cells]


def recoverable(cells: Sequence[Cell], earlier: Sequence[Cell] = (), below: int = K_ANONYMITY) -> list[Cell]:
    """The hidden ones of `cells` whose count follows from those shown in `cells` and in `earlier`.

    For issues that are read together: what one shows and another hides follows. A count shown in `earlier` and small
    since does not follow from what it was. Raises ValueError as `decide`.
    """
    make = _system()
    following: set[tuple[str, frozenset[str]]] = set()
    for family, now in _by_family(cells).items():
        before = _overtaken([cell for cell in earlier if cell.family == family], now, below)
        told = [*before, *(cell for cell in cells if cell.family == family)]
        system = make(now, before, {cell.members for cell in told if not cell.is_hidden}, below)
        system.is_hidden = ~system.is_fixed
        follows = system.following()
        following |= {(family, members) for members, statement in system.number.items() if follows[statement]}
    return [cell for cell in cells if cell.is_hidden and (cell.family, cell.members) in following]


def _system() -> "type[System]":
    """Loaded with scipy, by whoever decides. One thread: several wait for each other longer than they compute here."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from reports.suppression.system import System

    return System


def _by_family(cells: Iterable[Cell]) -> dict[str, dict[frozenset[str], int]]:
    """The counts of each family's cells."""
    families: dict[str, dict[frozenset[str], int]] = {}
    for cell in cells:
        count = families.setdefault(cell.family, {}).setdefault(cell.members, cell.count)
        if cell.count < 0 or not cell.members or count != cell.count:
            name = f"{', '.join(sorted(cell.members)[:3])} ({len(cell.members)} members)"
            raise ValueError(
                f"{cell.family}: the cell {name} counts {cell.count}, and {count} where it stands first."
                " A cell has one member or more, counts none or more, and counts the same wherever it stands."
            )
    return families


def _overtaken(earlier: Sequence[Cell], now: Mapping[frozenset[str], int], below: int) -> list[Cell]:
    """Earlier cells; where one shown then counts something else and small now, its members are no longer today's.

    Otherwise a count restated from 6 to 4 would pass for known. All else that was restated is taken as if unchanged.
    """
    past = {
        member
        for cell in earlier
        if not cell.is_hidden and 0 < now.get(cell.members, 0) < below and now[cell.members] != cell.count
        for member in cell.members
    }
    return [
        replace(cell, members=frozenset(f"{member} as it was" if member in past else member for member in cell.members))
        if past and not past.isdisjoint(cell.members)
        else cell
        for cell in earlier
    ]


def _within_reach(now: Mapping[frozenset[str], int], before: Sequence[Cell]) -> list[Cell]:
    """Earlier cells that have to do with today's, by way of members that no earlier issue has shown by themselves."""
    known = {member for cell in before if not cell.is_hidden and len(cell.members) == 1 for member in cell.members}
    waiting_at: dict[str, list[frozenset[str]]] = defaultdict(list)
    for members in {cell.members for cell in before}:
        for member in members - known:
            waiting_at[member].append(members)
    reached = set().union(*now)
    seen: set[frozenset[str]] = set()
    waiting = list(reached)
    while waiting:
        for members in waiting_at.pop(waiting.pop(), []):
            if members not in seen:
                seen.add(members)
                waiting += members - known - reached
                reached |= members
    return [cell for cell in before if cell.members <= reached]
