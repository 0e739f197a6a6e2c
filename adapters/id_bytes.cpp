#include "adapters/id_bytes.hpp"

namespace chasqui {

std::string to_bytes(const uuid& id) {
  std::string bytes(16, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(id.high >> (56 - 8 * i) & 0xFFU);
    bytes[i + 8] = static_cast<char>(id.low >> (56 - 8 * i) & 0xFFU);
  }
  return bytes;
}

std::optional<uuid> from_bytes(std::string_view bytes) {
  if (bytes.size() != 16)
    return std::nullopt;
  uuid id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.high = id.high << 8U | static_cast<unsigned char>(bytes[i]);
    id.low = id.low << 8U | static_cast<unsigned char>(bytes[i + 8]);
  }
  return id;
}

} // namespace chasqui
