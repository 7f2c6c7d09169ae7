"""What a fit can be trusted in: how far its estimates vary, and how many components there are.

bootstrap           standard errors and intervals, from rows weighted at random; labels that were
                    switched are put back
draws               random weights of rows, wherever these live
replicates          the estimates that a bootstrap has made
likelihood_ratio    tests of k against k + 1 components
comparisons         what they say
"""
