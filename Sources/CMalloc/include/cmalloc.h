#pragma once

// glibc's heap settings, which Swift's Glibc module leaves out; without effect elsewhere.

/// Threads share at most `count` heaps.
void tsq_malloc_limit_heaps(int count);
/// Gives free pages back to the system.
void tsq_malloc_trim(void);
