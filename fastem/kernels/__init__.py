"""The mathematics, compiled, and nothing else. `fastem.compiler` says how it is compiled.

An iteration of EM factors the covariances once and makes one pass over the rows:

    matrices.factor                      Cholesky factors of the covariances, inverted: once for
       |                                 all rows, so that a pass only multiplies by them
       v  factors, log_norms
    passes.summarise                     a `slot_loop`: @njit(parallel=True), prange over slots of
       |                                 whole tiles, or the same slots one after the other
       |  for each tile of 512 rows:
       +-- tile.load                     transpose it: SIMD lanes run across rows
       +-- ellipsoidal.log_densities     |factor @ (x - mean)|**2 in 4 x 4 blocks, or with a factor
       |   axis_aligned.log_densities    a column where covariances are diagonal
       +-- tile.exponentiate, normalise  log-sum-exp in base 2 by elementary.exp2 and log2
       +-- gram.accumulate               counts, sums and Gram matrices, of gathered rows where
       |   axis_aligned.accumulate       clusters are well separated
       v  moments
    matrices.scatter                     moments to weights, means and covariances
       v
    averages, parsimonious, common_axes  the M step of a family, by decomposition; conjugate, what
       |                                 a prior adds to it, and noise, what is not its rows
    floor.raised                         no eigenvalue below the floor
       v
    em_control.proceed                   convergence says whether it ends, quasi_newton where it
                                         goes next; em_passes does all this in one call

    answers.answer is the same up to the densities, for each row, and in ill-conditioned components
    by double_double.log_densities. Passes over many rows and components leave out what `ordering`
    shows to be negligible in a tile. `incomplete` passes over rows that lack columns or may be of
    some components only, whose gaps `regressions` fills in tiles, and `lanes` over few of a kind.
    From 192 columns on `wide` and `wide_matrices` give the products to BLAS. Steps are measured in
    the metric of the complete data, by `whitening`.

Elsewhere: seeding, k_means and agglomeration for starts, whose labels `labelled` turns into
moments; donors, which fills rows for them; moments, about other means and beside others, and
online, the update of a stream; and text, the numbers in delimited files.
"""
