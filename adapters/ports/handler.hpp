#pragma once

#include <functional>

namespace chasqui {

/// Takes an answer of the outside world. It is called on the I/O thread, exactly once, and must only hand the
/// answer on (an actor's shell turns it into a message); it must not throw. It may be called before the
/// asking function returns.
template <class Answer> using handler = std::function<void(Answer)>;

} // namespace chasqui
