#pragma once

// The seam to the C++ Actor Framework: what a later CAF renames is named here and nowhere else.

#include "messages/fault.hpp"

#include <caf/atom.hpp>
#include <caf/error.hpp>
#include <caf/make_message.hpp>
#include <caf/replies_to.hpp>
#include <caf/sec.hpp>
#include <caf/typed_actor.hpp>

namespace chasqui {

template <class> struct signature;

template <class Out, class... In> struct signature<Out(In...)> {
  using type = typename caf::replies_to<In...>::template with<Out>;
};

template <class... In> struct signature<void(In...)> { using type = caf::reacts_to<In...>; };

/// A typed actor that understands these messages: `answer(question)` or `void(notice)`.
template <class... Signatures> using handle = caf::typed_actor<typename signature<Signatures>::type...>;

/// The fault as CAF carries it, across actors and hosts.
caf::error to_error(const fault& f);

/// The fault that an error carries; CAF's own errors become the nearest fault of ours.
fault to_fault(const caf::error& e);

} // namespace chasqui
