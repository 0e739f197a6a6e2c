#include "tests/demo/session.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

namespace chasqui::night {

namespace {

constexpr std::chrono::seconds connect_timeout{10};
constexpr std::chrono::seconds answer_timeout{10};

} // namespace

session::session(const remote_target& target) : client_{target} {
  if (const auto problem = client_.connect(connect_timeout))
    throw std::runtime_error{problem->message};
}

template <class Answer, class Question> std::variant<Answer, fault> session::ask(Question question) {
  if (broken_)
    if (auto problem = client_.connect(connect_timeout))
      return std::move(*problem);
  auto answer = client_.ask<Answer>(std::move(question), answer_timeout);
  auto* no = std::get_if<refusal>(&answer);
  broken_ = no != nullptr && no->unreachable;
  if (no != nullptr)
    return std::move(no->why);
  return std::move(std::get<Answer>(answer));
}

std::variant<receipt, fault> session::submit(const std::string& json) {
  return ask<receipt>(submission{json});
}

std::variant<status_report, fault> session::status() { return ask<status_report>(get_report{}); }

} // namespace chasqui::night
