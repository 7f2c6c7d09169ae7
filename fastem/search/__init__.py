"""The search for the best maximum, over rows in memory.

course      the rows, and what is fitted to them
restarts    many starts race, the poor ones are dropped early
moves       splits and merges of the winner's components
splitting   starts of one component more
"""

from fastem.search.course import Course
from fastem.search.restarts import race
from fastem.search.splitting import splits

__all__ = ["Course", "race", "splits"]
