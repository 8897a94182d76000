#include "cmalloc.h"

// Defines __GLIBC__ where it is that.
#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

void tsq_malloc_limit_heaps(int count) { mallopt(M_ARENA_MAX, count); }
void tsq_malloc_map_from(size_t byteCount) { mallopt(M_MMAP_THRESHOLD, (int)byteCount); }
void tsq_malloc_keep(size_t byteCount) { mallopt(M_TRIM_THRESHOLD, (int)byteCount); }
void tsq_malloc_trim(void) { malloc_trim(0); }
#else
void tsq_malloc_limit_heaps(int count) { (void)count; }
void tsq_malloc_map_from(size_t byteCount) { (void)byteCount; }
void tsq_malloc_keep(size_t byteCount) { (void)byteCount; }
void tsq_malloc_trim(void) {}
#endif
