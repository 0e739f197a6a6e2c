#pragma once

#include "messages/identity.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace chasqui {

/// `--timeout 30s`, where `timeout` holds the default.
void add_timeout(CLI::App& command, std::chrono::milliseconds& timeout, const std::string& description);

/// A whole number from 1 on.
void add_number(CLI::App& command, const std::string& name, std::uint64_t& number,
                const std::string& description);

/// The id of a transaction: an option (`--txn`) or an argument (`id`), which is required then.
void add_id(CLI::App& command, const std::string& name, uuid& id);

} // namespace chasqui
