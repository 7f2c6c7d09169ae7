"""Numba: how kernels become machine code, and how they run on threads.

    options            the decorators of kernels: Numba's options stand here alone
    slot_loop          loops over independent slots: `@njit(parallel=True)`, or serial
    threads            how many threads some work is for, and how they wait
    function_pointers  machine code called by its address
    packing            arguments in memory, for calls side by side
    inlining           functions optimised within their callers
    collection         no search for garbage meanwhile
    vector_width       vectors of 512 bits
    blas               products of matrices
    cache              machine code kept on disk
    byte_words         bytes of text, eight at a time
    uninterrupted      signals wait while machine code is put in place
    fork_safety        a fork waits for the compiler's lock
    internals          names from inside Numba, and what is done where one is missing

The mathematics is in `fastem.kernels`.
"""
