#pragma once

#include <sys/types.h>

namespace chasqui::bench {

/// What a process has used of the processors, seconds.
double cpu_seconds(pid_t pid);

/// Its resident memory, MiB.
double memory_mib(pid_t pid);

} // namespace chasqui::bench
