#pragma once

// What to find out before CAF connects. CAF throws where files are wrong, tells nothing of why a handshake
// failed, and cannot be shut down while one hangs (0.17.6: its loop turns without end).

#include <chrono>
#include <cstdint>
#include <string>

namespace chasqui {

/// A daemon's door, and what to show there.
struct remote_target {
  std::string host;
  std::uint16_t port = 0;
  std::string certificate; ///< PEM files, all three; without them the session would be anonymous.
  std::string key;
  std::string ca;
};

/// `host:port`, for people.
std::string to_string(const remote_target& target);

/// Why certificate, key and CA cannot be used together; "" when they can.
std::string refuse_credentials(const remote_target& target);

/// Why no session over mutual TLS opens there within `timeout`; "" when one does.
std::string probe(const remote_target& target, std::chrono::milliseconds timeout);

} // namespace chasqui
