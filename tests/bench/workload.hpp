#pragma once

#include "config/settings.hpp"
#include "runtime/runtime.hpp"
#include "tests/support/sandbox.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace chasqui::bench {

/// A raw data file as an instrument registers it, about 700 bytes of JSON. A bad one is of a package that is
/// not there.
std::string real_sized(std::uint64_t number, bool bad = false);

/// The rows that every transaction of the workload refers to.
void plant_parents(const std::string& dsn);

/// Empties what the workload has filled on the primary, so that the next drain finds it as the first one did.
void clear_primary(const std::string& dsn);

/// The settings of a sandbox; `remote` is whether sessions may come from outside.
settings settings_of(const test::sandbox& box, bool remote = false);

/// A runtime in this process, ready to keep transactions.
std::unique_ptr<runtime> start_runtime(const settings& s);

void pause_link(runtime& site);
void resume_link(runtime& site);

/// The first lane.
lane_status lane_of(runtime& site);

/// Submits so many with so many under way, until each has its receipt; how many a second. What is refused is
/// submitted again under its id.
double fill(runtime& site, std::uint64_t entries, std::uint64_t in_flight, bool with_bad_ones = false);

constexpr std::uint64_t fill_in_flight = 1000;
constexpr int bad_every = 100; ///< Where there are bad ones.

} // namespace chasqui::bench
