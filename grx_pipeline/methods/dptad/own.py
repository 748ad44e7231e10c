"""A driver's usual figures, each lap left out of its own: order statistics over laps, in one sort.

What is compared with them does not belong here.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

# A lap that is none of the own laps: it is compared with all of them.
NO_HOST = -1


@dataclass(frozen=True, kw_only=True)
class OwnLaps:
    """Values of n >= 2 own laps at p places: `ordered` (n, p) ascends along laps, `ranks` (n, p) is a lap's place."""

    ordered: Array
    ranks: Index

    @classmethod
    def of(cls, values: Array) -> "OwnLaps":
        """From (n, p) without NaN."""
        order = np.argsort(values, axis=0, kind="stable")
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.arange(values.shape[0])[:, None], axis=0)
        return cls(ordered=np.take_along_axis(values, order, axis=0), ranks=ranks)

    def quantile(self, share: float, hosts: Index) -> Array:
        """Quantile (linear between laps) of the own laps for m laps, (m, p).

        `hosts` (m,) names the own lap that each of them is, or is made from: it is left out. NO_HOST leaves none out.
        """
        outcome: Array = np.empty((hosts.size, self.ordered.shape[1]))
        is_own = hosts != NO_HOST
        outcome[~is_own] = np.quantile(self.ordered, share, axis=0) if (~is_own).any() else 0.0
        others = self._others(share)
        outcome[is_own] = others[hosts[is_own]] if is_own.any() else 0.0
        return outcome

    def _others(self, share: float) -> Array:
        """For every own lap the quantile of the others, (n, p)."""
        place = share * (self.ordered.shape[0] - 2)
        low = int(place)
        high = min(low + 1, self.ordered.shape[0] - 2)
        return np.asarray((1 - place + low) * self._without(low) + (place - low) * self._without(high))

    def _without(self, place: int) -> Array:
        """The value at `place` among the others, for every own lap."""
        return np.asarray(np.where(self.ranks <= place, self.ordered[place + 1], self.ordered[place]))
