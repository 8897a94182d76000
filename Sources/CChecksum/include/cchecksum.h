#pragma once

#include <stddef.h>
#include <stdint.h>

// CRC-32C (Castagnoli) by the processor's own instruction.

/// Whether it has one.
int tsq_crc32c_is_there(void);
/// The state after `count` more bytes; only where it has one.
uint32_t tsq_crc32c(uint32_t state, const void *bytes, size_t count);
