"""The search for the best maximum, over rows in memory.

beginning          where EM over all rows begins: at given parameters or a race's winner
samples            the rows that starts race on
hierarchy          a dendrogram of rows, cut at any number of groups
starts             where EM on a sample begins
race               many starts race, the poor ones are dropped early
duplicate_starts   starts that are one
moves              splits and merges of the winner's components
swaps              one component is cut in two, another one left out
perturbation       where EM over half of the rows leads
spurious           components that other rows than the sample's do not bear out are put elsewhere
splitting          components cut in half, for one more or in place of others
"""

from fastem.search.race import race
from fastem.search.splitting import replaced, splits

__all__ = ["race", "replaced", "splits"]
