"""The search for the best maximum, over rows in memory.

course      the rows, and what is fitted to them
restarts    many starts race, the poor ones are dropped early
moves       splits and merges of the winner's components
chance      components that other rows than the sample's do not bear out are put elsewhere
splitting   components cut in half, for one more or in place of others
"""

from fastem.search.course import Course
from fastem.search.race import race
from fastem.search.splitting import replaced, splits

__all__ = ["Course", "race", "replaced", "splits"]
