#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace chasqui::bench {

/// XADDs a second of `redis-benchmark`, of payloads of so many bytes; the stream is deleted afterwards.
double redis_benchmark(const std::string& socket, std::uint64_t requests, int connections, int pipeline,
                       std::size_t bytes);

} // namespace chasqui::bench
