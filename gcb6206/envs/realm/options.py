"""What can be chosen about a game of the realm, each with the field that an error message names."""

from __future__ import annotations

import dataclasses
import numbers
from dataclasses import dataclass

import numpy as np

from gcb6206.envs.realm.maps import SITES
from gcb6206.errors import ConfigError, nearest

TREASURES = 13  # sites that are neither buff nor start nor end
SPREAD = 3.0  # standard deviation of the number of treasures under "norm"


@dataclass(frozen=True)
class RealmOptions:
    """One kind of game; the defaults are the contest's."""

    size: int = 128
    """Cells along a side of the map, 48 to 256."""
    map_seed: int = 0
    """The first map's seed."""
    num_maps: int | None = 1
    """Number of maps: map_seed and those after it; each episode draws one. None: a new map in every episode."""
    treasure_num: int | str = TREASURES
    """Number of treasures, 0 to 13; "uniform" or "norm" draws the number for each episode."""
    treasure_random: bool = True
    """Draw the treasures' sites for each episode; otherwise the first ones in the order of their numbers."""
    treasure_id: tuple[int, ...] | None = None
    """The treasures' sites, in the place of treasure_num and treasure_random."""
    start: int | str = 2
    """The site, 1 to 15, at which an episode begins; "random" draws it."""
    end: int = 1
    """The site, 1 to 15, that ends an episode."""
    max_step: int = 2000
    """Steps after which an episode is truncated."""
    flash_landing: str = "stay"
    """Where a flash into rock ends: "stay" where the player was, or in the "nearest" free cell."""
    flash_cooldown: int = 600
    """Steps from one flash to the next."""
    buff_duration: int = 50
    """Steps for which the buff makes the player faster."""
    buff_respawn: int | None = None
    """Steps until the buff is there again, such as 454; None: never."""
    failure_rate: float = 0.0
    """How often the game gives no answer to a step, which is then tried again; below 1."""

    def __post_init__(self):
        for name, least, most in (
            ("size", 48, 256), ("map_seed", 0, 2**31 - 1), ("end", 1, SITES - 1), ("max_step", 1, 10**6),
            ("flash_cooldown", 1, 10**6), ("buff_duration", 0, 10**6),
        ):  # fmt: skip
            check_whole(name, getattr(self, name), least, most)
        for name in ("num_maps", "buff_respawn"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1, 10**6)
        if isinstance(self.treasure_num, str):
            _check_word("treasure_num", self.treasure_num, ("uniform", "norm"))
        else:
            check_whole("treasure_num", self.treasure_num, 0, TREASURES)
        if isinstance(self.start, str):
            _check_word("start", self.start, ("random",))
        else:
            check_whole("start", self.start, 1, SITES - 1)
        if self.start == self.end:
            raise ConfigError(f"start and end are both {self.start}: expected two sites")
        _check_word("flash_landing", self.flash_landing, ("stay", "nearest"))
        if not isinstance(self.treasure_random, (bool, np.bool_)):
            raise ConfigError(f"treasure_random is {self.treasure_random!r}: expected true or false")
        if not isinstance(self.failure_rate, numbers.Real) or not 0.0 <= self.failure_rate < 1.0:
            raise ConfigError(f"failure_rate is {self.failure_rate!r}: expected a number from 0 to below 1")
        if self.treasure_id is not None:
            self._check_treasure_id()

    def _check_treasure_id(self) -> None:
        if not isinstance(self.treasure_id, (tuple, list, np.ndarray)) or np.ndim(self.treasure_id) != 1:
            raise ConfigError(f"treasure_id is {self.treasure_id!r}: expected a list of sites")
        for site in self.treasure_id:
            check_whole("treasure_id", site, 1, SITES - 1)
            if site in (self.start, self.end):
                raise ConfigError(f"treasure_id holds {site}, which is the start or the end")
        if len(set(self.treasure_id)) < len(self.treasure_id):
            raise ConfigError(f"treasure_id is {self.treasure_id}: expected every site once")
        if self.start == "random":
            raise ConfigError('treasure_id is given and start is "random": a treasure could lie at the start')

    def changed(self, changes: dict) -> RealmOptions:
        """These options with some of them changed.

        Raises:
            ConfigError: an unknown name (the nearest is named), or a value that does not fit.
        """
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                raise ConfigError(f"unknown option {name!r} of the realm: {nearest(name, known)}")
        if isinstance(changes.get("treasure_id"), (list, np.ndarray)):  # YAML gives lists
            changes = {**changes, "treasure_id": tuple(changes["treasure_id"])}
        return dataclasses.replace(self, **changes)

    def draw_sites(self, generator: np.random.Generator) -> tuple[int, int, np.ndarray]:
        """An episode's start, end, and the sites of its treasures in rising order."""
        start = self.start
        if start == "random":
            start = int(generator.choice([site for site in range(1, SITES) if site != self.end]))
        if self.treasure_id is not None:
            return start, self.end, np.sort(np.array(self.treasure_id, int))
        others = np.array([site for site in range(1, SITES) if site not in (start, self.end)])
        number = self.treasure_num
        if number == "uniform":
            number = generator.integers(TREASURES + 1)
        elif number == "norm":
            counts = np.arange(TREASURES + 1)
            weights = np.exp(-(((counts - counts.mean()) / SPREAD) ** 2) / 2)
            number = generator.choice(counts, p=weights / weights.sum())
        chosen = generator.permutation(others)[:number] if self.treasure_random else others[:number]
        return start, self.end, np.sort(chosen)


def check_whole(name: str, value: object, least: int, most: int) -> None:
    """Refuse what is no whole number of a range."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise ConfigError(f"{name} is {value!r}: expected a whole number from {least} to {most}")


def _check_word(name: str, value: object, known: tuple[str, ...]) -> None:
    """Refuse an unknown word."""
    if value not in known:
        raise ConfigError(f"{name} is {value!r}: {nearest(value, known)}")
