"""What a fit can be trusted in: how far its estimates vary, and how many components there are.

bootstrap           standard errors and intervals, from rows weighted at random
draws               random weights of rows, wherever these live
replicates          the estimates that a bootstrap has made
matching            labels that were switched are put back
likelihood_ratio    tests of k against k + 1 components
comparisons         what they say
"""
