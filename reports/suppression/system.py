"""What is told of one family of counts, and what of it must be hidden besides the small ones."""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import pairwise
from operator import or_

import numpy as np
from scipy.sparse import coo_array, csr_array

from reports.suppression import Cell
from reports.suppression.shown import SAME, Flags, Shown, Weights, Whole

FUTILE = 10**9  # the cost of hiding what a shown total gives away all the same, as all else in it is known for good


class System:
    """What is told of one family: statements, each a set of members with its count, shown or hidden.

    Members that stand in the same statements are one atom, as nothing tells them apart. The statement about one atom
    is its leaf. Combined, statements give others away: a combination is an array with a weight for each statement.
    """

    def __init__(
        self, now: dict[frozenset[str], int], before: Sequence[Cell], shown: set[frozenset[str]], below: int
    ) -> None:
        """Hidden at first: what is small, and what was hidden `before`. Shown for good: `shown`.

        What was hidden for another's sake stays so, as if small: who decides on a part of what is told, an agency's
        scorecard say, cannot see for whose sake.
        """
        counts = {cell.members: cell.count for cell in before} | now
        sets = sorted(counts, key=lambda members: (len(members), sorted(members)))
        self.holds = _atoms(sets)  # statement x atom
        self.held = csr_array(self.holds.T)
        self.below = below
        self.number = {members: statement for statement, members in enumerate(sets)}
        self.count: Whole = np.array([counts[members] for members in sets])
        self.size: Whole = np.diff(self.holds.indptr)
        self.cost: Whole = self.count * self.size  # of hiding it, less what must be hidden with it
        self.is_ours: Flags = np.array([members in now for members in sets])
        self.is_fixed: Flags = np.array([members in shown for members in sets])
        self.is_small: Flags = (self.count > 0) & (self.count < below)
        hidden_before = {cell.members for cell in before if cell.is_hidden}
        self.is_protected: Flags = self.is_small | np.array([members in hidden_before for members in sets])
        self.is_hidden: Flags = ~self.is_fixed & self.is_protected
        first = self.holds.indices[self.holds.indptr[:-1]]
        self.atom: Whole = np.where(self.size == 1, first, -1)  # of a leaf
        self.leaf: Whole = np.full(self.holds.shape[1], -1)  # of an atom; -1: no statement is about it alone
        self.leaf[self.atom[self.atom >= 0]] = np.flatnonzero(self.atom >= 0)

    def told(self) -> Flags:
        """Which atoms are known without combining anything: leaves that are shown, and whatever is part of a zero."""
        in_zeros = self.held @ (~self.is_hidden & (self.count == 0))
        known: Flags = ((self.leaf >= 0) & ~self.is_hidden[self.leaf]) | (in_zeros > 0)
        return known

    def protect(self) -> None:
        """Hide more until nothing small follows. Every round but the last hides a statement or gets to know an atom."""
        known = self.told()
        self._mend(self._small_rests(Shown(self, known)))  # the most and the simplest, without solving anything
        known = self.told()
        while True:
            shown = Shown(self, known)
            if (
                self._mend(self._given_away(shown))
                or self._mend(shown.forced()[1])
                or self._mend(self._small_rests(shown))
            ):
                known = self.told()
            elif (found := shown.determined()).any():
                known[shown.atoms[found]] = True  # it follows and may; without it rests are smaller
            else:
                break
        # What serves to hide another and is known all the same can as well be shown.
        self.is_hidden &= ~shown.follows(self.is_hidden & self.is_ours & ~self.is_protected)

    def following(self) -> Flags:
        """Which statements are shown or follow from them, counts being never negative and hidden ones not zero."""
        known = self.told()
        while True:
            shown = Shown(self, known)
            found = shown.determined() | shown.forced()[0]
            if not found.any():
                return self.is_fixed | shown.follows(self.is_hidden)
            known[shown.atoms[found]] = True

    def _mend(self, combinations: Iterable[Weights]) -> bool:
        """Hide for each combination what spoils it, unless what was hidden for one before does; was anything hidden?"""
        leaves: list[int] = []
        totals: list[int] = []
        for weights in combinations:
            part = self.held @ weights
            if (np.abs(part[leaves]) < SAME).all() and (np.abs(weights[totals]) < SAME).all():
                for statement in self._spoil(weights):
                    (leaves if self.atom[statement] >= 0 else totals).append(max(self.atom[statement], statement))
        return bool(leaves or totals)

    def _spoil(self, weights: Weights) -> list[int]:
        """Hide one statement of the combination, and more for every shown total that would give the hidden one away."""
        hidden: list[int] = []
        waiting: list[int] = []
        chosen = self._spoiler(weights)
        while chosen is not None or waiting:
            if chosen is not None:
                self.is_hidden[chosen] = True
                hidden.append(chosen)
                waiting.append(chosen)
            alone = self._standing_alone(waiting[-1])
            chosen = self._spoiler(alone) if alone.any() else None
            if chosen is None:
                waiting.pop()
        return hidden

    def _standing_alone(self, statement: int) -> Weights:
        """The first shown total of which only this leaf is not known, as a combination; zeros if there is none."""
        weights = np.zeros(len(self.count))
        if self.atom[statement] >= 0:
            holders = _row(self.held, self.atom[statement])
            weights[holders[self._unknown_parts()[holders] == 1][:1]] = 1
        return weights

    def _spoiler(self, weights: Weights) -> int | None:
        """The statement in the combination that is cheapest to hide, None if there is none.

        A leaf costs its count, and for each shown total that would give it away what is cheapest to hide there next. A
        total costs its count for each of its parts: the wider it is, the more readers miss it. So many small leaves go
        before a province, and the nation goes last, but for a zero: it is no secret that nobody complained, and who
        sees a cell hidden may expect that somebody did.
        """
        in_it = (self.size > 1) & (np.abs(weights) > SAME)
        leaves = self.leaf[np.abs(self.held @ weights) > SAME]
        in_it[leaves[leaves >= 0]] = True
        can_hide = self.is_ours & ~self.is_fixed & ~self.is_hidden
        may = np.flatnonzero(in_it & can_hide)
        if not len(may):
            return None
        gives_away = self._unknown_parts() == 0
        costs = [self.cost[one] + self._cost_of_more(one, gives_away, can_hide) for one in may.tolist()]
        return int(may[np.lexsort((may, costs, self.count[may] == 0))[0]])

    def _cost_of_more(self, statement: int, gives_away: Flags, can_hide: Flags) -> int:
        """What has to be hidden besides at least, if it is a leaf: in each shown total of which all else is known."""
        if self.size[statement] > 1:
            return 0
        cost = 0
        for total in _row(self.held, self.atom[statement]):
            if gives_away[total]:
                parts = self.leaf[_row(self.holds, total)]
                others = np.append(parts[(parts >= 0) & (parts != statement)], total)
                others = others[can_hide[others] & (self.count[others] > 0)]
                cost += int(self.cost[others].min(initial=FUTILE))
        return cost

    def _unknown_parts(self) -> Whole:
        """How many atoms of each shown total are not known; -1 for what is hidden or a leaf."""
        parts = self.holds @ (~self.told()).astype(int)
        return np.where(self.is_hidden | (self.size == 1), -1, parts)

    def _given_away(self, shown: Shown) -> Iterator[Weights]:
        """Combinations that make a hidden statement that is protected."""
        small = np.flatnonzero(self.is_hidden & self.is_protected)
        which, weights = shown.explain(self.holds[small][:, shown.atoms])
        for place, row_weights in zip(small[which], weights.T, strict=True):
            combination = np.zeros(len(self.count))
            combination[shown.rows] = row_weights
            combination[place] -= 1
            yield combination

    def _small_rests(self, shown: Shown) -> Iterator[Weights]:
        """Combinations that leave too little: fewer than `below`, or parts that are all 1, or all below - 1.

        Such parts follow from their number.
        """
        leaf = self.leaf[shown.atoms]
        known = np.ones(len(self.leaf), dtype=bool)
        known[shown.atoms] = False
        rest = (self.count - self.holds @ np.where(known & (self.leaf >= 0), self.count[self.leaf], 0))[shown.told]
        # Of what follows from elsewhere nobody here has computed the count.
        uncounted = self.holds[shown.told][:, known & (self.leaf < 0) & ~self.told()]
        counted = np.where(np.diff(uncounted.indptr) == 0, rest, np.nan)
        count = np.where(leaf >= 0, self.count[leaf], np.nan)
        for rows, columns in _rests(shown.part[shown.told], counted.tolist(), count >= self.below, self.below):
            counts, weights = count[columns], np.array(list(rows.values()))
            left = counts.sum()
            is_alike = counts.max() == 1 or counts.min() == counts.max() == self.below - 1
            if np.isnan(left) and not (np.abs(weights @ uncounted[list(rows)]) > SAME).any():
                left = weights @ rest[list(rows)]
            if is_alike or 0 < left < self.below:
                found = np.zeros(len(self.count))
                found[shown.told[list(rows)]] = weights
                yield found


def _atoms(sets: Sequence[frozenset[str]]) -> csr_array:
    """Statement x atom, in the order of the statements in which the atoms first stand."""
    number: dict[str, int] = {}
    places = [number.setdefault(member, len(number)) for members in sets for member in members]
    rows = np.repeat(np.arange(len(sets)), [len(members) for members in sets])
    standing = csr_array((np.ones(len(rows), dtype=np.int32), (places, rows)), shape=(len(number), len(sets)))
    standing.sort_indices()
    starts = standing.indptr.tolist()
    alike: dict[bytes, int] = {}  # one member of each atom, by the statements it stands in
    for member, (start, end) in enumerate(pairwise(starts)):
        alike.setdefault(standing.indices[start:end].tobytes(), member)
    firsts = sorted(alike.values(), key=lambda member: standing.indices[starts[member] : starts[member + 1]].tolist())
    return csr_array(standing[firsts].T, dtype=float)


def _rests(
    part: csr_array, count: Sequence[float], is_large: Flags, below: int
) -> Iterator[tuple[dict[int, int], Whole]]:
    """What is left of each row without disjoint rows inside it, or without any: weights of the rows, and columns left.

    Inside are the widest rows that lie in it; starting with each of them, as many of the others as fit are taken away,
    so that a nation is lessened by provinces and by kinds, and not by some of both. Told is what may be too little: no
    column is large, and the count of the row less those of the others is not known (NaN), below `below`, or that of
    columns all alike. Sets of columns are whole numbers here, a bit for each.
    """
    bits = np.packbits(part.astype(np.uint8).toarray(), axis=1, bitorder="little")
    sets = [int.from_bytes(row.tobytes(), "little") for row in bits]
    large = int.from_bytes(np.packbits(is_large, bitorder="little").tobytes(), "little")
    width = np.diff(part.indptr)
    common = coo_array(part @ part.T)
    is_within = (common.data == width[common.col]) & (width[common.col] < width[common.row])
    within: list[set[int]] = [set() for _ in sets]
    around: list[list[int]] = [[] for _ in sets]
    for whole, other in zip(common.row[is_within].tolist(), common.col[is_within].tolist(), strict=True):
        within[whole].add(other)
        around[other].append(whole)

    def is_little(left: int, counted: float) -> bool:
        return not left & large and (
            not counted >= below or counted in (left.bit_count(), left.bit_count() * (below - 1))
        )

    for place in np.argsort(width, kind="stable").tolist():
        whole, inside = sets[place], within[place]
        if is_little(whole, count[place]):
            yield {place: 1}, _columns(whole)
        if whole & large & ~reduce(or_, (sets[other] for other in inside), 0):
            continue
        # One of each set, the first; named last it stays.
        widest = {sets[other]: other for other in sorted(inside, reverse=True) if inside.isdisjoint(around[other])}
        ordered = sorted(widest.values(), key=lambda one: (-width[one], one))
        done: set[int] = set()
        for first in ordered:
            if first in done:
                continue
            left, taken = whole & ~sets[first], [first]
            for other in ordered:
                if not sets[other] & ~left:
                    left &= ~sets[other]
                    taken.append(other)
            if first == ordered[0]:
                done.update(taken)  # whoever of these is first, the same are taken
            if left and is_little(left, count[place] - sum(count[other] for other in taken)):
                yield {place: 1} | dict.fromkeys(taken, -1), _columns(left)


def _row(matrix: csr_array, number: int) -> Whole:
    """The columns that are not zero."""
    columns: Whole = matrix.indices[matrix.indptr[number] : matrix.indptr[number + 1]]
    return columns


def _columns(bits: int) -> Whole:
    """The places of the bits that are set."""
    packed = np.frombuffer(bits.to_bytes(bits.bit_length() // 8 + 1, "little"), dtype=np.uint8)
    return np.flatnonzero(np.unpackbits(packed, bitorder="little"))
