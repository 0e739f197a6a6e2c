#include "adapters/id_bytes.hpp"

namespace chasqui {

namespace {

constexpr std::size_t id_size = 16;

} // namespace

std::string to_bytes(const uuid& id) {
  std::string bytes(id_size, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(id.high >> (56 - 8 * i) & 0xFFU);
    bytes[i + 8] = static_cast<char>(id.low >> (56 - 8 * i) & 0xFFU);
  }
  return bytes;
}

std::optional<uuid> from_bytes(std::string_view bytes) {
  if (bytes.size() != id_size)
    return std::nullopt;
  uuid id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.high = id.high << 8U | static_cast<unsigned char>(bytes[i]);
    id.low = id.low << 8U | static_cast<unsigned char>(bytes[i + 8]);
  }
  return id;
}

std::string to_bytes(const std::vector<uuid>& ids) {
  std::string bytes;
  for (const auto& id : ids)
    bytes += to_bytes(id);
  return bytes;
}

std::vector<uuid> ids_from_bytes(std::string_view bytes) {
  std::vector<uuid> ids;
  for (; bytes.size() >= id_size; bytes.remove_prefix(id_size))
    ids.push_back(from_bytes(bytes.substr(0, id_size)).value_or(uuid{}));
  return ids;
}

} // namespace chasqui
