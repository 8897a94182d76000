#pragma once

// Where threads run. Linux only: elsewhere -1 and nothing.

/// The number of the thread that asks, for `tsq_processor_leave_out`.
int tsq_thread_current(void);
/// The processor that the thread that asks runs on.
int tsq_processor_current(void);
/// Has `thread` run on any processor that the main thread may use, except `processor`; on any where
/// no other is left or `processor` is negative. 0, or an errno.
int tsq_processor_leave_out(int thread, int processor);
