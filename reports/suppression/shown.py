"""The equations that a reader has, and what follows from them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csc_array, csr_array, eye_array, hstack
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

if TYPE_CHECKING:
    from reports.suppression.system import System

SAME = 1e-6  # what is less than this apart is equal: weights, and moves of a count, are of the order of 1
REGULAR = 1e-7  # added to the diagonal of the normal equations, which statements that repeat each other make singular
NO_PIVOT = 1e-4  # a row whose pivot is below it is a sum of rows before; the others are above 0.2 in tables of ours
ROUNDS = 12  # of refinement; each takes from the error what is regular: three digits or more

Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
Weights = NDArray[np.float64]


class Shown:
    """The shown statements as equations over the atoms that are not known: rows of 0 and 1."""

    def __init__(self, system: "System", known: Flags) -> None:
        self.system = system
        self.atoms: Whole = np.flatnonzero(~known)
        self.part = part = system.holds[:, self.atoms]
        width = np.diff(part.indptr)
        rows = np.flatnonzero(~system.is_hidden & (width > 0))
        # Narrow ones first: what they explain, they explain in few words.
        self.told: Whole = rows
        rows = rows[np.argsort(width[rows], kind="stable")]
        self._use(rows[_independent(part[rows])], part)
        if (np.abs(part[rows] @ self.move) > SAME).any():
            self._use(rows, part)  # a row was taken for a sum of others and is not

    def _use(self, rows: Whole, part: csr_array) -> None:
        self.rows = rows
        self.matrix = csr_array(part[rows])
        self._solver = _factors(self.matrix) if len(rows) else None
        # A change of the atoms that no shown statement notices, at random: it moves whatever can be moved.
        start = np.random.default_rng(0).standard_normal((len(self.atoms), 1))
        self.move: Weights = self._fit(start)[1][:, 0]

    def _fit(self, targets: Weights) -> tuple[Weights, Weights]:
        """Weights of the rows that come nearest to each column of `targets`, and what they leave."""
        weights, left = np.zeros((len(self.rows), targets.shape[1])), targets
        if self._solver is None:
            return weights, left
        for _ in range(ROUNDS):
            weights += self._solver.solve(self.matrix @ left)
            left = targets - self.matrix.T @ weights
            if np.abs(self.matrix @ left).max(initial=0) < SAME**2:
                break
        return weights, left

    def explain(self, targets: csr_array) -> tuple[Whole, Weights]:
        """Which rows of `targets` are sums of shown statements, and with what weights (a column each)."""
        still = np.flatnonzero(np.abs(targets @ self.move) < SAME)
        weights, left = self._fit(targets[still].toarray().T)
        exact = np.abs(left).max(axis=0, initial=0) < SAME
        return still[exact], weights[:, exact]

    def determined(self) -> Flags:
        """Which atoms have one value in all solutions."""
        found = np.zeros(len(self.atoms), dtype=bool)
        found[self.explain(csr_array(eye_array(len(self.atoms))))[0]] = True
        return found

    def follows(self, of: Flags) -> Flags:
        """Which of the statements flagged follow."""
        statements = np.flatnonzero(of)
        found = np.zeros(len(of), dtype=bool)
        found[statements[self.explain(self.system.holds[statements][:, self.atoms])[0]]] = True
        return found

    def forced(self) -> tuple[Flags, list[Weights]]:
        """Which hidden atoms of 1 cannot be more, so that they are known to be 1, and the combinations that say so.

        One linear programme: move as many of them upwards as can be, the shown statements and the others of 1 not
        falling. Those that stay are forced, and the dual solution is made of sums that consist of such alone.
        """
        leaf = self.system.leaf[self.atoms]
        ones = np.flatnonzero((leaf >= 0) & self.system.is_hidden[leaf] & (self.system.count[leaf] <= 1))
        found = np.zeros(len(self.atoms), dtype=bool)
        if not len(ones) or not len(self.rows):
            return found, []
        lowest = np.full(len(self.atoms), -np.inf)
        lowest[ones] = 0
        bounds = [*((low, np.inf) for low in lowest), *((0, 1) for _ in ones)]
        gain = np.concatenate([np.zeros(len(self.atoms)), -np.ones(len(ones))])
        moved = linprog(
            gain, A_eq=hstack([self.matrix, self.matrix[:, ones]]), b_eq=np.zeros(len(self.rows)), bounds=bounds
        )
        assert moved.success, moved.message  # standing still is a solution, and no gain is above 1
        found[ones[moved.x[len(self.atoms) :] < 0.5]] = True
        if not found.any():
            return found, []
        dual = np.where(np.abs(moved.eqlin.marginals) > SAME, moved.eqlin.marginals, 0)
        taken = csr_array(self.matrix * dual[:, None])
        parts = connected_components(taken @ taken.T, directed=False)[1]
        combinations = []
        for part in np.unique(parts[dual != 0]):
            weights = np.zeros(len(self.system.count))
            weights[self.rows[(parts == part)]] = dual[parts == part]
            combinations.append(weights)
        return found, combinations


def _factors(matrix: csr_array) -> SuperLU:
    normal = matrix @ matrix.T + REGULAR * eye_array(matrix.shape[0])
    return splu(csc_array(normal), permc_spec="NATURAL", diag_pivot_thresh=0, options={"SymmetricMode": True})


def _independent(matrix: csr_array) -> Whole:
    """The rows that are no sums of rows before them."""
    if not matrix.shape[0]:
        return np.arange(0)
    factors = _factors(matrix)
    return np.flatnonzero(np.abs(factors.U.diagonal()[factors.perm_c]) > NO_PIVOT)
