"""How kernels become machine code: everything that Numba is told, asked or worked around.

    options            the decorators of kernels, the only file that names Numba's options
    slot_loop          loops over independent slots, serial or `@njit(parallel=True)`
    function_pointers  machine code called by its address
    inlining           functions that are compiled within their callers only
    cache              machine code kept on disk
    fork_safety        a fork waits for the compiler's lock
    internals          what is taken from inside Numba, each with what is done without it

The mathematics is in `fastem.kernels`.
"""
