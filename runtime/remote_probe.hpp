#pragma once

// What to find out before CAF connects. CAF throws where files are wrong, tells nothing of why a handshake
// failed, and cannot be shut down while one hangs (0.17.6: its loop turns without end).

#include <chrono>
#include <string>

namespace chasqui {

struct remote_target;

/// Why certificate, key and CA cannot be used together; "" when they can.
std::string refuse_credentials(const remote_target& target);

/// Why no session over mutual TLS opens there within `timeout`; "" when one does.
std::string probe(const remote_target& target, std::chrono::milliseconds timeout);

} // namespace chasqui
