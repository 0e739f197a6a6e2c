#pragma once

#include <string>
#include <string_view>

namespace chasqui {

/// Names this process among all there ever were: host, boot, PID namespace, PID and when it began.
std::string this_process();

/// Whether the process of that name has certainly ended: it ran on this host, in this PID namespace, and is
/// there no more. False for one of another host, of which nobody here can know.
bool has_ended(std::string_view process);

} // namespace chasqui
