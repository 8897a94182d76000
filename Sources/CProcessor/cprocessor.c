#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cprocessor.h"

#if defined(__linux__)
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

int tsq_thread_current(void) { return (int)syscall(SYS_gettid); }

int tsq_processor_current(void) { return sched_getcpu(); }

int tsq_processor_leave_out(int thread, int processor) {
    cpu_set_t set;
    // The main thread's: nothing is left out of it.
    if (sched_getaffinity(getpid(), sizeof set, &set) != 0) return errno;
    if (processor >= 0 && processor < CPU_SETSIZE && CPU_COUNT(&set) > 1) CPU_CLR(processor, &set);
    return sched_setaffinity(thread, sizeof set, &set) == 0 ? 0 : errno;
}
#else
int tsq_thread_current(void) { return -1; }

int tsq_processor_current(void) { return -1; }

int tsq_processor_leave_out(int thread, int processor) {
    (void)thread;
    (void)processor;
    return 0;
}
#endif
