"""Selection: how many components, of which covariance family.

select        the front: check, fit every number with every family, choose
selection     Selection, the value that `select` returns, and `update` of it
fits          the fits: each is no lower than those of models within it
table         their figures, and the best of them
shown         the table for people, the best models first
"""

from fastem.selection.select import select
from fastem.selection.selection import Selection
from fastem.selection.table import CRITERIA, How, Row

__all__ = ["CRITERIA", "How", "Row", "Selection", "select"]
