#include "tests/bench/remote_pump.hpp"

#include <caf/all.hpp>

#include <future>
#include <memory>
#include <stdexcept>
#include <utility>

namespace chasqui::bench {

namespace {

/// What an actor and its caller share.
struct order {
  std::uint64_t entries;
  std::uint64_t in_flight;
  std::function<std::string(std::uint64_t)> make;
  std::function<void(std::uint64_t)> progressed;
  std::promise<void> done;
  pumped result;
  std::uint64_t started = 0;
  std::uint64_t kept = 0;
  int refusals_in_a_row = 0;
};

using self_pointer = caf::event_based_actor*;
using order_pointer = std::shared_ptr<order>;

void begin_next(self_pointer self, const gatekeeper_actor& door, const order_pointer& o);

void submit(self_pointer self, const gatekeeper_actor& door, const order_pointer& o,
            const std::string& json) {
  constexpr std::chrono::seconds patience{5};
  const auto began = steady::now();
  self->request(door, patience, submission{json})
      .then(
          [=](const receipt&) {
            o->refusals_in_a_row = 0;
            o->result.each.add(ms_since(began));
            ++o->kept;
            if (o->progressed)
              o->progressed(o->kept);
            if (o->kept == o->entries) {
              o->done.set_value();
              self->quit();
            } else {
              begin_next(self, door, o);
            }
          },
          [=](const caf::error& e) {
            constexpr int refusals_max = 10'000;
            if (++o->refusals_in_a_row < refusals_max)
              return submit(self, door, o, json);
            o->done.set_exception(
                std::make_exception_ptr(std::runtime_error("nothing is kept: " + to_refusal(e).why.message)));
            self->quit();
          });
}

void begin_next(self_pointer self, const gatekeeper_actor& door, const order_pointer& o) {
  if (o->started < o->entries)
    submit(self, door, o, o->make(o->started++));
}

} // namespace

pumped pump(remote_client& client, std::uint64_t entries, std::uint64_t in_flight,
            const std::function<std::string(std::uint64_t)>& make,
            const std::function<void(std::uint64_t)>& progressed) {
  auto o = std::make_shared<order>();
  o->entries = entries;
  o->in_flight = std::min(entries, in_flight);
  o->make = make;
  o->progressed = progressed;
  const auto began = steady::now();
  client.system().spawn(
      [](self_pointer self, const gatekeeper_actor& door, const order_pointer& what) {
        for (std::uint64_t i = 0; i < what->in_flight; ++i)
          begin_next(self, door, what);
      },
      client.gatekeeper(), o);
  o->done.get_future().get();
  o->result.per_s = static_cast<double>(entries) / s_since(began);
  return std::move(o->result);
}

} // namespace chasqui::bench
