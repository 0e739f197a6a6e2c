#include "tests/simulation/primary_access.hpp"

#include "tests/simulation/connection.hpp"

#include <utility>

namespace chasqui::simulation {

namespace {

constexpr sim_time ping_timeout{std::chrono::seconds{2}};

class session : public primary_session {
public:
  session(std::shared_ptr<connection> c, lifetime_ptr life)
      : connection_{std::move(c)}, life_{std::move(life)} {}
  ~session() override { connection_->leave(); }
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  void send(std::vector<segment> segments) override {
    if (life_->lasts)
      connection_->send(std::move(segments));
  }

private:
  std::shared_ptr<connection> connection_;
  lifetime_ptr life_;
};

} // namespace

class primary_access_port : public primary_port {
public:
  primary_access_port(primary_access& a, lifetime_ptr life, window_bounds bounds)
      : access_{a}, life_{std::move(life)}, bounds_{bounds} {}

  std::unique_ptr<primary_session> open(primary_claim claim, primary_listener listener) override {
    const claimant who{lane_number(claim.lane), claim.epoch, life_};
    auto made = std::make_shared<connection>(access_, who, claim.dead_after, bounds_, std::move(listener));
    std::erase_if(access_.connections_, [](const auto& c) { return c.expired(); });
    access_.connections_.push_back(made);
    if (life_->lasts)
      made->open();
    return std::make_unique<session>(std::move(made), life_);
  }

  void ping(handler<fault> then) override {
    auto once = std::make_shared<handler<fault>>(std::move(then));
    const auto answer = [once](const fault& problem) {
      if (auto tell = std::exchange(*once, nullptr))
        tell(problem);
    };
    const fault silence{fault_code::link_lost, "Nothing answers.", ""};
    access_.world_.after(ping_timeout, [answer, silence] { answer(silence); });
    const auto out = std::make_shared<wire>(access_.world_, access_.link_, way::out);
    const auto back = std::make_shared<wire>(access_.world_, access_.link_, way::back);
    out->send([this_access = &access_, back, answer, silence] {
      const auto said = this_access->server_.up ? fault{} : silence;
      back->send([answer, said] { answer(said); });
    });
  }

private:
  primary_access& access_;
  lifetime_ptr life_;
  window_bounds bounds_;
};

std::shared_ptr<primary_port> primary_access::port_for(lifetime_ptr life, window_bounds bounds) {
  return std::make_shared<primary_access_port>(*this, std::move(life), bounds);
}

template <class Visit> void primary_access::each(Visit visit) {
  for (const auto& weak : std::vector{connections_})
    if (const auto c = weak.lock())
      visit(*c);
}

void primary_access::reset() {
  each([](connection& c) { c.reset(); });
}

void primary_access::forget() {
  each([](connection& c) { c.forget(); });
}

void primary_access::end_sessions() {
  each([](connection& c) { c.end(); });
}

} // namespace chasqui::simulation
