#pragma once

#include <stddef.h>

// glibc's heap settings, which Swift's Glibc module leaves out; without effect elsewhere.

/// Threads share at most `count` heaps.
void tsq_malloc_limit_heaps(int count);
/// Blocks of at least `byteCount` are mapped each by itself, and unmapped when they are freed; without
/// this the bound rises to the largest block that was ever freed (32 MiB at most).
void tsq_malloc_map_from(size_t byteCount);
/// The end of a heap stays with the process until it is larger than `byteCount`.
void tsq_malloc_keep(size_t byteCount);
/// Gives free pages back to the system.
void tsq_malloc_trim(void);
