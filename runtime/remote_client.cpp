#include "runtime/remote_client.hpp"

#include "adapters/tls_errors.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/all.hpp>
#include <caf/scoped_actor.hpp>

#include <algorithm>
#include <set>

namespace chasqui {

namespace {

using std::chrono::steady_clock;

caf::actor_system_config& configure(caf::actor_system_config& config, const remote_target& target) {
  add_chasqui_types(config);
  config.load<caf::io::middleman>();
  config.load<caf::openssl::manager>();
  config.openssl_certificate = target.certificate;
  config.openssl_key = target.key;
  config.openssl_cafile = target.ca;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{1});
  return config;
}

/// What caf::openssl::remote_actor does, but for its waiting without end.
caf::expected<gatekeeper_actor> find_gatekeeper(caf::actor_system& system, const remote_target& target,
                                                std::chrono::milliseconds timeout) {
  caf::expected<gatekeeper_actor> found{caf::sec::no_actor_published_at_port};
  const auto expected_type = system.message_types(caf::detail::type_list<gatekeeper_actor>{});
  caf::scoped_actor self{system};
  self->request(system.openssl_manager().actor_handle(), timeout, caf::connect_atom::value, target.host,
                target.port)
      .receive(
          [&](const caf::node_id&, caf::strong_actor_ptr& door, const std::set<std::string>& type) {
            if (!door)
              return;
            if (system.assignable(expected_type, type))
              found = caf::actor_cast<gatekeeper_actor>(std::move(door));
            else
              found = caf::sec::unexpected_actor_messaging_interface;
          },
          [&](caf::error& e) { found = std::move(e); });
  return found;
}

fault unreachable(const remote_target& target, const std::string& why) {
  return {fault_code::unavailable, "The daemon at " + to_string(target) + " cannot be reached: " + why, ""};
}

std::string explain(const caf::error& e) {
  if (e == caf::sec::request_timeout)
    return "it stopped answering.";
  if (e == caf::sec::no_actor_published_at_port)
    return "it is still starting or about to stop. Try again.";
  if (e == caf::sec::unexpected_actor_messaging_interface)
    return "it speaks another version. Are chasqui and chasquid of one build?";
  return "it ended the handshake. Did the authority in remote.ca sign both certificates, and are they in "
         "date? (" +
         to_fault(e).message + ")";
}

} // namespace

std::variant<remote_target, fault> target_of(const settings& s) {
  const auto& remote = s.remote;
  const bool own = !remote.client_certificate.empty();
  remote_target target{remote.listen, remote.port, own ? remote.client_certificate : remote.certificate,
                       own ? remote.client_key : remote.key, remote.ca};
  if (target.host == "0.0.0.0")
    target.host = "127.0.0.1";
  if (target.host == "::")
    target.host = "::1";
  if (target.port == 0)
    return fault{fault_code::missing_field,
                 "remote.port is 0, so the daemon publishes nothing; set the port of both to reach it",
                 "remote.port"};
  if (target.certificate.empty() || target.key.empty() || target.ca.empty())
    return fault{fault_code::missing_field,
                 "certificate, key and ca of [remote] must be set to reach the daemon", "remote"};
  return target;
}

refusal to_refusal(const caf::error& e) {
  if (e.category() == caf::atom("chasqui"))
    return {to_fault(e), false};
  if (e == caf::sec::request_timeout)
    return {{fault_code::timed_out, "The daemon did not answer in time.", ""}, true};
  return {{fault_code::unavailable, "The daemon has gone. (" + to_fault(e).message + ")", ""}, true};
}

struct remote_client::running {
  caf::actor_system_config config;
  caf::actor_system system;

  explicit running(const remote_target& target) : system{configure(config, target)} {}
};

remote_client::remote_client(remote_target target) : target_{std::move(target)} { keep_tls_errors_apart(); }

remote_client::~remote_client() = default;

caf::actor_system& remote_client::system() { return running_->system; }

std::optional<fault> remote_client::connect(std::chrono::milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  if (const auto why = refuse_credentials(target_); !why.empty())
    return fault{fault_code::unavailable, why, "remote"};
  if (const auto why = probe(target_, timeout); !why.empty())
    return unreachable(target_, why);
  if (!running_)
    running_ = std::make_unique<running>(target_);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
  auto found = find_gatekeeper(running_->system, target_, std::max(left, std::chrono::milliseconds{1}));
  if (!found)
    return unreachable(target_, explain(found.error()));
  gatekeeper_ = std::move(*found);
  return std::nullopt;
}

} // namespace chasqui
