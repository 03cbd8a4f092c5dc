"""Which rows an epoch sees, where small locales are to weigh more than their size.

Input: the number of each row's locale, a temperature, seed and epoch. Output: row numbers. Pure.
"""

import numpy as np
from numpy.typing import NDArray

from polyloop.training.rows import Ints


def rows_of_epoch(locales: Ints, *, temperature: float, seed: int, epoch: int) -> Ints:
    """Return as many row numbers as there are rows, each locale's share its size to the power of 1 / temperature.

    After Arivazhagan et al. 2019 (https://arxiv.org/abs/1907.05019), section 4.2. A locale that gets fewer rows than
    it has shows others of its rows in each epoch; one that gets more shows each as often, or once more.
    """
    if temperature == 1.0 or not len(locales):
        return np.arange(len(locales))
    sizes = np.bincount(locales)
    shares = np.where(sizes > 0, sizes.astype(np.float64), 0.0) ** (1.0 / temperature)
    wanted = _rounded(len(locales) * shares / shares.sum())
    generator = np.random.default_rng([seed, epoch, 1])
    parts = []
    for locale in np.flatnonzero(sizes):
        members = generator.permutation(np.flatnonzero(locales == locale))
        whole, rest = divmod(int(wanted[locale]), len(members))
        parts += [members] * whole + [members[:rest]]
    return np.concatenate(parts)


def _rounded(amounts: NDArray[np.float64]) -> Ints:
    """Return whole numbers with the same sum, by largest remainder."""
    down: Ints = np.floor(amounts).astype(np.int64)
    missing = round(float(amounts.sum())) - int(down.sum())
    down[np.argsort(down - amounts, kind="stable")[:missing]] += 1
    return down
