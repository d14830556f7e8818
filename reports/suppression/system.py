"""What is told of one family of counts, and what of it must be hidden besides the small ones."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from scipy.sparse import csr_array

from reports.suppression import Cell
from reports.suppression.shown import SAME, Flags, Shown, Weights, Whole


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
        atoms = _atoms(sets)
        self.below = below
        self.number = {members: statement for statement, members in enumerate(sets)}
        self.count: Whole = np.array([counts[members] for members in sets])
        self.size: Whole = np.array([len(of) for of in atoms])
        self.is_ours: Flags = np.array([members in now for members in sets])
        self.is_fixed: Flags = np.array([members in shown for members in sets])
        self.is_small: Flags = (self.count > 0) & (self.count < below)
        hidden_before = {cell.members for cell in before if cell.is_hidden}
        self.is_protected: Flags = self.is_small | np.array([members in hidden_before for members in sets])
        self.is_hidden: Flags = ~self.is_fixed & self.is_protected
        places = np.repeat(np.arange(len(sets)), self.size), np.concatenate(atoms)
        self.holds = csr_array((np.ones(len(places[0])), places))  # statement x atom
        self.held = csr_array(self.holds.T)
        self.atom: Whole = np.array([of[0] if len(of) == 1 else -1 for of in atoms])  # of a leaf
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
            holders = self.held.indices[slice(*self.held.indptr[self.atom[statement] :][:2])]
            weights[holders[self._unknown_parts()[holders] == 1][:1]] = 1
        return weights

    def _spoiler(self, weights: Weights) -> int | None:
        """The statement in the combination that is cheapest to hide, None if there is none.

        It costs its count, and again for each shown total that would give it away, so that more must be hidden. A total
        costs it twice: it says more than a leaf of the same count. Thus the nation is dearest, but for a zero: it is
        no secret that nobody complained, and who sees a cell hidden may expect that somebody did.
        """
        in_it = (self.size > 1) & (np.abs(weights) > SAME)
        leaves = self.leaf[np.abs(self.held @ weights) > SAME]
        in_it[leaves[leaves >= 0]] = True
        may = np.flatnonzero(in_it & self.is_ours & ~self.is_fixed & ~self.is_hidden)
        if not len(may):
            return None
        given_away = np.where(self.size > 1, 1, (self.held @ (self._unknown_parts() == 0))[self.atom])[may]
        return int(may[np.lexsort((may, self.count[may] * (1 + given_away), self.count[may] == 0))[0]])

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
        for combination, rest in _rests(shown.parts()):
            leaves = self.leaf[shown.atoms[list(rest)]]
            if (leaves >= 0).all():
                counts = self.count[leaves]
                is_alike = counts.max() == 1 or counts.min() == counts.max() == self.below - 1
                is_small = 0 < counts.sum() < self.below
            else:
                is_alike, is_small = False, self._is_small_by_its_totals(combination, shown)
            if is_alike or is_small:
                weights = np.zeros(len(self.count))
                weights[list(combination)] = list(combination.values())
                yield weights

    def _is_small_by_its_totals(self, combination: Mapping[int, int], shown: Shown) -> bool:
        """Whether what totals leave, of which not every part has a statement of its own, counts less than `below`."""
        weights = np.zeros(len(self.count))
        weights[list(combination)] = list(combination.values())
        part = self.held @ weights
        part[shown.atoms] = 0
        if (np.abs(part[(self.leaf < 0) & ~self.told()]) > SAME).any():
            return False  # a part that follows from elsewhere, and nobody here has computed
        rest = weights @ self.count - part @ np.where(self.leaf >= 0, self.count[self.leaf], 0)
        return bool(0 < rest < self.below)


def _atoms(sets: Sequence[frozenset[str]]) -> list[list[int]]:
    """The numbers of the atoms of each set, in the order of the sets in which they first stand."""
    standing: dict[str, list[int]] = defaultdict(list)
    for place, members in enumerate(sets):
        for member in members:
            standing[member].append(place)
    atoms: list[list[int]] = [[] for _ in sets]
    for atom, places in enumerate(sorted({tuple(places) for places in standing.values()})):
        for place in places:
            atoms[place].append(atom)
    return atoms


def _rests(sets: Mapping[int, frozenset[int]]) -> Iterator[tuple[dict[int, int], frozenset[int]]]:
    """Each set, and what is left of it without disjoint sets inside it, with the weights of the sets that make it.

    Inside are the widest sets that lie in it; starting with each of them, as many of the others as fit are taken away,
    so that a nation is lessened by provinces and by kinds, and not by some of both.
    """
    standing: dict[int, list[int]] = defaultdict(list)
    for place, members in sets.items():
        for member in members:
            standing[member].append(place)
    within: dict[int, set[int]] = {}
    for place in sorted(sets, key=lambda one: len(sets[one])):
        whole = sets[place]
        hits = Counter(other for member in whole for other in standing[member])
        within[place] = {other for other, hit in hits.items() if hit == len(sets[other]) < len(whole)}
        yield {place: 1}, whole
        widest: list[int] = []
        for other in sorted(within[place], key=lambda one: (-len(sets[one]), one)):
            if not any(other in within[one] or sets[other] == sets[one] for one in widest):
                widest.append(other)
        for first in widest:
            rest, taken = whole - sets[first], [first]
            for other in widest:
                if sets[other] <= rest:
                    rest -= sets[other]
                    taken.append(other)
            if rest:
                yield {place: 1} | dict.fromkeys(taken, -1), rest
