#include "runtime/remote_door.hpp"

#include "adapters/tls_errors.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>

namespace chasqui {

bool is_published(const settings& s) {
  const auto& r = s.remote;
  return r.port != 0 && !r.certificate.empty() && !r.key.empty() && !r.ca.empty();
}

system_config::system_config(const settings& s) {
  add_chasqui_types(*this);
  set("scheduler.policy", caf::atom("sharing")); // Idle workers sleep; the default polls.
  set("scheduler.max-threads", static_cast<std::size_t>(s.daemon.threads));
  if (!is_published(s))
    return;
  keep_tls_errors_apart();
  openssl_certificate = s.remote.certificate;
  openssl_key = s.remote.key;
  openssl_cafile = s.remote.ca;
  load<caf::io::middleman>();
  load<caf::openssl::manager>();
}

remote_door::remote_door(caf::actor_system& system, const settings& s) : system_{system}, settings_{s} {}

fault remote_door::publish(const gatekeeper_actor& who) {
  close();
  if (!is_published(settings_))
    return {};
  const auto& r = settings_.remote;
  const auto port = caf::openssl::publish(who, r.port, r.listen.c_str(), true);
  if (!port)
    return {
        fault_code::internal,
        "Cannot listen on " + r.listen + ":" + std::to_string(r.port) + " (" + system_.render(port.error()) +
            "). Another process may hold the port (remote.port), or certificate, key or CA cannot be read.",
        ""};
  published_ = who;
  return {};
}

void remote_door::close() {
  if (!published_)
    return;
  // caf/openssl/unpublish.hpp of 0.17.6 does not compile; this is what it means to do.
  auto manager = caf::make_function_view(system_.openssl_manager().actor_handle());
  manager(caf::unpublish_atom::value, published_.address(), settings_.remote.port);
  published_ = nullptr;
}

} // namespace chasqui
