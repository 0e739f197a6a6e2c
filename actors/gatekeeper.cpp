#include "actors/gatekeeper.hpp"

#include <caf/all.hpp>

#include <memory>
#include <utility>

namespace chasqui {

namespace {

using self_pointer = gatekeeper_actor::stateful_pointer<gatekeeper_state>;
constexpr std::chrono::seconds local_timeout{5};

template <class Answer, class Actor, class Question>
caf::result<Answer> hand_on(self_pointer self, right wanted, const Actor& to, Question& what) {
  if (const auto problem = self->state.core->check(wanted))
    return to_error(problem);
  return self->delegate(to, std::move(what));
}

struct collection {
  status_report report;
  int missing = 0;
  caf::typed_response_promise<status_report> promise;
};

template <class Part, class Actor>
void collect(self_pointer self, const Actor& from, const std::shared_ptr<collection>& all,
             void (*put)(status_report&, Part&)) {
  ++all->missing;
  self->request(from, local_timeout, get_report{})
      .then(
          [all, put](Part& part) {
            put(all->report, part);
            if (--all->missing == 0)
              all->promise.deliver(std::move(all->report));
          },
          [all](const caf::error& e) {
            all->missing = 0; // One error is answer enough; parts that still come are dropped.
            if (all->promise.pending())
              all->promise.deliver(e);
          });
}

caf::result<status_report> assemble(self_pointer self) {
  auto& s = self->state;
  if (const auto problem = s.core->check(right::read))
    return to_error(problem);
  auto all = std::make_shared<collection>();
  all->report.site = s.site;
  all->report.version = s.version;
  all->promise = self->make_response_promise<status_report>();
  collect<log_report>(self, s.peers.buffer, all,
                      [](status_report& r, log_report& p) { r.log = std::move(p); });
  collect<replica_status>(self, s.peers.watcher, all,
                          [](status_report& r, replica_status& p) { r.replica = std::move(p); });
  collect<supervision_report>(self, s.peers.supervisor, all, [](status_report& r, supervision_report& p) {
    r.link = std::move(p.link);
    r.actors = std::move(p.actors);
  });
  if (s.peers.catalogue)
    collect<catalogue_status>(self, s.peers.catalogue, all,
                              [](status_report& r, catalogue_status& p) { r.catalogue = std::move(p); });
  return all->promise;
}

caf::result<receipt> let_in(self_pointer self, submission& what) {
  // To have it kept against the schema is an operator's decision.
  if (const auto problem = what.unchecked ? self->state.core->check(right::steer) : fault{})
    return to_error(problem);
  return hand_on<receipt>(self, right::submit, self->state.peers.ingest, what);
}

} // namespace

gatekeeper_actor::behavior_type gatekeeper(self_pointer self, gatekeeper_peers peers, gatekeeper_core core,
                                           std::string site, std::string version) {
  auto& s = self->state;
  s.core.emplace(std::move(core));
  s.peers = std::move(peers);
  s.site = std::move(site);
  s.version = std::move(version);
  return {
      [self](submission& m) { return let_in(self, m); },
      [self](const get_report&) { return assemble(self); },
      [self](find& m) { return hand_on<life>(self, right::read, self->state.peers.buffer, m); },
      [self](await& m) { return hand_on<reached>(self, right::read, self->state.peers.buffer, m); },
      [self](list_dead& m) { return hand_on<dead_letters>(self, right::read, self->state.peers.buffer, m); },
      [self](decision& m) { return hand_on<receipt>(self, right::steer, self->state.peers.ingest, m); },
      [self](list_decisions& m) {
        return hand_on<past_decisions>(self, right::read, self->state.peers.buffer, m);
      },
      [self](read_rows& m) { return hand_on<found_rows>(self, right::read, self->state.peers.reader, m); },
      [self](steer& m) { return hand_on<link_status>(self, right::steer, self->state.peers.supervisor, m); },
      [self](const subscriber_actor& who, const subscribe& how) {
        if (!self->state.core->check(right::read))
          self->send(self->state.peers.notifier, who, how);
      },
      [self](const subscriber_actor& who, const acknowledge& what) {
        self->send(self->state.peers.notifier, who, what);
      },
      [self](list_events& m) {
        return hand_on<past_events>(self, right::read, self->state.peers.notifier, m);
      },
  };
}

} // namespace chasqui
