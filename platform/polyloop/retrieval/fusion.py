"""Puts rankings together, and takes the best of scores, always in the same order.

Inputs: scores or rankings. Outputs: places of passages, best first. Pure; ties go to the lower place.

Source: Cormack, Clarke and Büttcher (2009), "Reciprocal rank fusion outperforms Condorcet and individual rank learning
methods": https://plg.uwaterloo.ca/~gvcormac/cormacksigir09-rrf.pdf.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RANK_CONSTANT = 60
"""Ranks count as 1 / (60 + rank), the first rank being 1, as in the paper."""


def top_places(scores: NDArray[np.floating], limit: int, *, least: float = -np.inf) -> list[int]:
    """Return the places of the highest scores above `least`, best first and ties by place; at most `limit`."""
    if limit <= 0:
        return []
    places = np.flatnonzero(scores > least)
    if len(places) > limit:
        # All that tie with the last one taken stay in, so that ties are broken by place and not by the partition.
        edge = np.partition(scores[places], len(places) - limit)[len(places) - limit]
        places = places[scores[places] >= edge]
    order = np.lexsort((places, -scores[places]))
    return [int(place) for place in places[order[:limit]]]


def fuse_ranks(
    rankings: Sequence[Sequence[int]], limit: int, *, rank_constant: int = RANK_CONSTANT
) -> list[tuple[int, float]]:
    """Return places and fused scores of rankings (best first), at most `limit`, ties by place."""
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, place in enumerate(ranking, start=1):
            scores[place] += 1 / (rank_constant + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[: max(limit, 0)]
