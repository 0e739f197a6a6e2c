#include "messages/interfaces.hpp"

#include <caf/actor_system_config.hpp>

namespace chasqui {

namespace {

std::string render(std::uint8_t code, caf::atom_value category, const caf::message& context) {
  const auto f = to_fault({code, category, context});
  return std::string{to_string(f.code)} + ": " + f.message;
}

} // namespace

void add_chasqui_types(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::chasqui>();
  config.add_error_category(caf::atom("chasqui"), render);
}

} // namespace chasqui
