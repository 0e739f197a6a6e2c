#include "adapters/tcp_transmission.hpp"

// The C library's own <netinet/tcp.h> does not know how many bytes were acknowledged.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>

namespace chasqui {

std::optional<transmission> transmission_of(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  constexpr auto needed = offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
  int left = 0;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < needed ||
      ::ioctl(socket, SIOCOUTQ, &left) != 0) { // NOLINT(cppcoreguidelines-pro-type-vararg)
    return std::nullopt;
  }
  return transmission{info.tcpi_bytes_acked, info.tcpi_bytes_acked + static_cast<std::uint64_t>(left), false};
}

} // namespace chasqui
