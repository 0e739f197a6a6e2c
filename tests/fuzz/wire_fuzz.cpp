// Messages of actors from another host, in CAF's binary form: a byte for the kind, then its bytes. What is
// read is written the same again, and the console can show it. (CAF's own framing is not fuzzed: it trusts
// its peers, behind mutual TLS.)

#include "messages/interfaces.hpp"
#include "messages/json.hpp"
#include "runtime/console_format.hpp"
#include "tests/fuzz/promise.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

namespace chasqui {

namespace {

constexpr auto forms = {output_form::table, output_form::json, output_form::ndjson, output_form::tsv};

template <class T> std::vector<char> bytes_of(T& value) {
  std::vector<char> bytes;
  caf::binary_serializer sink{nullptr, bytes};
  promise(!sink(value), "a message can be written");
  return bytes;
}

bool is_finite(const replica_status& x) { return std::isfinite(x.lag_s); }

bool is_finite(const log_report& x) {
  return std::all_of(x.lanes.begin(), x.lanes.end(),
                     [](const lane_status& lane) { return std::isfinite(lane.oldest_age_s); });
}

bool is_finite(const status_report& x) { return is_finite(x.log) && is_finite(x.replica); }

/// CAF 0.17 never ends writing an infinite number. Nobody hands on what has one.
template <class T> bool is_finite_if_numbers(const T& x) {
  if constexpr (requires { is_finite(x); })
    return is_finite(x);
  else
    return true;
}

template <class T> std::optional<T> read(std::string_view bytes) {
  caf::binary_deserializer source{nullptr, bytes.data(), bytes.size()};
  T value;
  if (source(value))
    return std::nullopt;
  if (!is_finite_if_numbers(value))
    return value;
  const auto written = bytes_of(value);
  T again;
  caf::binary_deserializer second{nullptr, written};
  promise(!second(again), "a message that was written can be read");
  promise(bytes_of(again) == written, "a message is read as it was written");
  return value;
}

template <class T> void only_read(std::string_view bytes) { read<T>(bytes); }

template <class T> void show(std::string_view bytes) {
  const auto message = read<T>(bytes);
  if (!message)
    return;
  for (const auto form : forms) {
    if constexpr (requires { describe(*message, instant{}); })
      promise(!render(describe(*message, instant{std::chrono::hours{500'000}}), form).empty(),
              "it can be shown");
    else
      render(describe(*message), form);
  }
}

void show_event(std::string_view bytes) {
  if (const auto happened = read<event>(bytes))
    for (const auto form : forms)
      promise(event_line(*happened, form).ends_with('\n'), "an event can be shown");
}

void show_past(std::string_view bytes) {
  if (const auto past = read<past_events>(bytes))
    for (const auto& e : past->events)
      promise(matches(e, {}), "an event is one of all");
}

/// A filter of whatever bytes takes no more than its own terms say.
void ask_past(std::string_view bytes) {
  const auto asked = read<list_events>(bytes);
  if (!asked)
    return;
  event e;
  e.lane = asked->only.lane;
  e.id = asked->only.id;
  e.from_seq = e.to_seq = asked->only.seq;
  e.kind = asked->only.kinds.empty() ? event_kind::link : asked->only.kinds.front();
  promise(matches(e, asked->only), "what is as the filter says is taken");
}

void show_receipt(std::string_view bytes) {
  if (const auto kept = read<receipt>(bytes))
    promise(receipt_line(*kept).ends_with('\n'), "a receipt can be shown");
}

void show_fault(std::string_view bytes) {
  if (const auto why = read<fault>(bytes)) {
    promise(error_line(1, to_line_error(*why)).ends_with('\n'), "a fault can be shown");
    promise(to_fault(to_error(*why)) == (*why ? *why : fault{}), "a fault travels as an error");
  }
}

/// An error with a code and a category of the system's, of ours, or of nobody's.
void show_error(std::string_view bytes) {
  if (bytes.size() < 2)
    return;
  const std::array categories{caf::atom("system"), caf::atom("exit"), caf::atom("chasqui"),
                              caf::atom("other")};
  const auto code = static_cast<std::uint8_t>(bytes[0]);
  const auto category = categories[static_cast<unsigned char>(bytes[1]) % categories.size()];
  const auto why = to_fault({code, category, caf::make_message(std::string{bytes.substr(2)})});
  promise((code == 0) == !why, "an error is a fault");
  promise(code == 0 || to_string(why.code) != "unknown", "a fault has a name");
}

constexpr std::array readers{&show<status_report>,
                             &show<link_status>,
                             &show<life>,
                             &show<dead_letters>,
                             &show<reached>,
                             &show_event,
                             &show_receipt,
                             &show_fault,
                             &show_error,
                             &only_read<submission>,
                             &only_read<append>,
                             &only_read<batch>,
                             &only_read<alignment>,
                             &only_read<missing>,
                             &only_read<rejected>,
                             &only_read<await>,
                             &only_read<list_dead>,
                             &only_read<event_batch>,
                             &only_read<steer>,
                             &only_read<replica_status>,
                             &only_read<supervision_report>,
                             &show<past_decisions>,
                             &only_read<decision>,
                             &only_read<resolved>,
                             &ask_past,
                             &show_past,
                             &only_read<subscribe>};

} // namespace

} // namespace chasqui

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size == 0)
    return 0;
  const auto kind = static_cast<unsigned char>(*data) % chasqui::readers.size();
  chasqui::readers[kind]({data + 1, size - 1});
  return 0;
}
