// What PostgreSQL answers, through libpq. The first line says to whom: `opening`, `replica`, or `pipeline`
// and the segments that are under way, a letter each (see `segment_of`). The rest is what the server says
// (see postgres_server.hpp), in pieces that a line "/" parts. Then it hangs up.

#include "adapters/primary_opening.hpp"
#include "adapters/primary_pipeline.hpp"
#include "adapters/replica_query.hpp"
#include "messages/json.hpp"
#include "tests/fuzz/postgres_server.hpp"
#include "tests/fuzz/promise.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// libpq loses a result when the server says ReadyForQuery in the middle of it.
extern "C" const char* __lsan_default_suppressions() { // NOLINT(bugprone-reserved-identifier)
  return "leak:PQisBusy";
}

namespace chasqui {

namespace {

constexpr std::size_t segments_max = 12;
constexpr uuid some_id{0x0197A4E28C1D7000, 0x80005F2A6B3C4D5E};

segment segment_of(char letter, std::uint64_t ticket) {
  const entry good{ticket, some_id, {}, R"({"steps":[{"op":"insert","table":"t","rows":[{"a":1}]}]})"};
  const entry bad{ticket, some_id, {}, "what no decoder takes"};
  switch (letter) {
  case 'a':
    return {ticket, segment_kind::apply, good, {}};
  case 'x':
    return {ticket, segment_kind::apply, bad, {}};
  case 't':
    return {ticket, segment_kind::attempt, good, {}};
  case 'd':
    return {ticket, segment_kind::attempt, {ticket, some_id, {}, encode_decision(decision{})}, {}};
  case 'y':
    return {ticket, segment_kind::attempt, bad, {}};
  case 'r':
    return {ticket, segment_kind::realign, {}, {1, 5, {some_id, some_id}}};
  case 'b':
    return {ticket, segment_kind::barrier, {}, {}};
  default:
    return {ticket, segment_kind::heartbeat, {}, {}};
  }
}

/// Lets the server say its pieces, and hang up; `listen` is called after each and answers whether it is over.
void play(postgres_server& server, std::string_view script, const std::function<bool()>& listen) {
  constexpr std::string_view pause = "\n/\n";
  while (!script.empty()) {
    const auto piece = script.substr(0, script.find(pause));
    script.remove_prefix(std::min(piece.size() + pause.size(), script.size()));
    server.say(messages_of(piece));
    if (listen())
      return;
  }
  server.hang_up();
  listen();
}

void open(std::string_view script) {
  postgres_server server;
  primary_opening opening{server.client(), "site", {"main", 7, 3, {"40", "53"}}};
  promise(opening.hand_over(), "an opening is handed over");
  play(server, script, [&opening] {
    const auto opened = opening.collect();
    if (opened)
      promise(!opened->problem || !opened->problem.message.empty(), "a problem is said");
    return opened.has_value();
  });
}

void look(std::string_view script) {
  postgres_server server;
  replica_query query{server.client(), "site"};
  promise(query.ask(), "a look is handed over");
  play(server, script, [&query] {
    const auto seen = query.collect();
    return seen && (seen->problem || !query.ask());
  });
}

void send(std::string_view letters, std::string_view script) {
  postgres_server server;
  primary_pipeline pipeline{server.client()};
  std::uint64_t sent = 0;
  std::vector<segment> together;
  for (const char letter : letters.substr(0, segments_max)) {
    auto next = segment_of(letter, ++sent);
    if (!primary_pipeline::may_join(together, 0, next))
      promise(pipeline.hand_over(std::exchange(together, {})), "segments are handed over");
    together.push_back(std::move(next));
  }
  promise(together.empty() || pipeline.hand_over(together), "segments are handed over");
  std::uint64_t answered = 0;
  play(server, script, [&] {
    std::vector<segment_answer> answers;
    const auto over = pipeline.collect(answers);
    for (const auto& answer : answers)
      promise(answer.ticket == ++answered, "answers come in the order of the segments");
    promise(answered <= sent, "nothing is answered that was not sent");
    return !over.empty();
  });
}

void answer(std::string_view input) {
  const auto first = input.substr(0, input.find('\n'));
  const auto script = input.substr(std::min(first.size() + 1, input.size()));
  constexpr std::string_view pipeline = "pipeline ";
  if (first == "opening")
    open(script);
  else if (first == "replica")
    look(script);
  else if (first.starts_with(pipeline))
    send(first.substr(pipeline.size()), script);
}

} // namespace

} // namespace chasqui

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  chasqui::answer({data, size});
  return 0;
}
