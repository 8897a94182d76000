#pragma once

/// Begins to load the line of the cache that has `address`, which may be any: nothing is read.
static inline void tsq_prefetch(const void *address) { __builtin_prefetch(address); }
