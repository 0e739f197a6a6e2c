#pragma once

#include "messages/fault.hpp"

#include <functional>

namespace chasqui {

/// Takes an answer of the outside world. It is called on the I/O thread, exactly once, and must only hand the
/// answer on (an actor's shell turns it into a message); it must not throw. It may be called before the
/// asking function returns.
template <class Answer> using handler = std::function<void(Answer)>;

/// What went wrong: an answer is a fault, or has one as `problem`.
inline const fault& problem_of(const fault& answer) { return answer; }
template <class Answer> const fault& problem_of(const Answer& answer) { return answer.problem; }

/// The answer to a call that could not be carried out.
template <class Answer> Answer unanswered(const fault& problem) {
  Answer answer;
  answer.problem = problem;
  return answer;
}
template <> inline fault unanswered<fault>(const fault& problem) { return problem; }

} // namespace chasqui
