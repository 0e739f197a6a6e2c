#pragma once

#include "messages/fault.hpp"
#include "messages/log.hpp"
#include "messages/status.hpp"
#include "runtime/remote_client.hpp"

#include <string>
#include <variant>

namespace chasqui::night {

/// A session with chasquid that is opened anew when it broke. To be used by one thread at a time.
class session {
public:
  /// Opens it; throws `std::runtime_error` if that does not work.
  explicit session(const remote_target& target);

  std::variant<receipt, fault> submit(const std::string& json);
  std::variant<status_report, fault> status();

private:
  template <class Answer, class Question> std::variant<Answer, fault> ask(Question question);

  remote_client client_;
  bool broken_ = false;
};

} // namespace chasqui::night
