#pragma once

#include "config/settings.hpp"
#include "messages/interfaces.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

namespace chasqui {

/// Whether the settings let anybody in from outside: a port, certificate, key and CA are all there.
bool is_published(const settings& s);

/// What the actor framework is told: values from our settings, no files and no flags of its own.
struct system_config : caf::actor_system_config {
  explicit system_config(const settings& s);
};

/// The door for remote actors, behind mutual TLS. Without certificate, key and CA it stays shut.
class remote_door {
public:
  remote_door(caf::actor_system& system, const settings& s);

  /// Publishes `who` in place of whoever was published before.
  fault publish(const gatekeeper_actor& who);
  void close();

private:
  caf::actor_system& system_;
  settings settings_;
  gatekeeper_actor published_;
};

} // namespace chasqui
