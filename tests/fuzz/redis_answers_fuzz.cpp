// What Redis answers: the protocol as it comes (RESP), or, after a "~" at the start, lines that are made into
// it (see resp.hpp). hiredis reads it, and every reader of ours gets every reply: nothing but replies of the
// right shape may get through.

#include "adapters/redis_answers.hpp"
#include "messages/json.hpp"
#include "runtime/console_format.hpp"
#include "tests/fuzz/promise.hpp"
#include "tests/fuzz/resp.hpp"

#include <hiredis/hiredis.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// A list may claim a length of gigabytes; hiredis has to live with it when there is no memory for it.
extern "C" const char* __asan_default_options() { // NOLINT(bugprone-reserved-identifier)
  return "allocator_may_return_null=1:max_allocation_size_mb=256";
}

namespace chasqui {

namespace {

constexpr std::string_view address = "unix:/run/redis.sock";

void check_text(const fault& why) { promise(!why || !why.message.empty(), "a problem is said"); }

void check_time(const instant& at) {
  const auto text = to_string(at);
  promise(text.empty() || parse_instant(text) == at, "a time can be printed and read");
}

void check_letter(const dead_letter& letter) {
  check_time(letter.why.at);
  const nlohmann::json first = letter;
  dead_letter again;
  from_json(first, again);
  promise(nlohmann::json(again) == first, "a dead letter comes back from its document");
}

void read_as_claim(const redis_reply& reply) {
  const std::vector<std::string> lanes{"main", "bulk"};
  log_opened opened;
  read_redis_settings(address, reply, opened);
  promise(opened.durability == durability::buffered || opened.drift.size() <= 1,
          "fsynced is promised only when nothing that it needs has drifted");
  std::map<std::string, std::uint64_t> largest;
  if (!read_claim(reply, lanes, opened, largest))
    return;
  promise(largest.size() == lanes.size(), "of every lane the largest payload is known");
  promise(opened.lanes.size() == lanes.size(), "every lane has its marks");
  for (const auto& lane : opened.lanes)
    check_time(lane.oldest_at);
}

void read_as_slots(const redis_reply& reply) {
  std::vector<append_slot> slots(2);
  if (!read_slots(reply, slots))
    return;
  promise(reply.size() == slots.size(), "every item has its slot");
  for (const auto& slot : slots)
    check_time(slot.at);
}

void check_slice(const std::optional<log_slice>& slice, const take& what) {
  if (!slice)
    return;
  check_text(slice->problem);
  if (slice->problem)
    promise(slice->missing_to >= what.from_seq && slice->entries.empty(), "what is missing was asked for");
  auto seq = what.from_seq;
  for (const auto& e : slice->entries) {
    promise(e.seq == seq++, "entries come without a gap");
    check_time(e.at);
  }
}

void read_as_slice(const redis_reply& reply) {
  const take what{"main", 5, 100, 1000};
  check_slice(read_slice(reply, what), what);
  check_slice(read_range(reply, what), what);
}

void read_as_place(const redis_reply& reply) {
  const auto place = read_place(reply, uuid{1, 2});
  if (!place)
    return;
  check_text(place->problem);
  check_time(place->at);
  if (place->dead)
    check_letter({place->why, place->payload});
}

void read_as_page(const redis_reply& reply) {
  const auto found = read_dead_page(reply);
  if (!found)
    return;
  for (const auto& letter : found->page.letters)
    check_letter(letter);
  for (const auto form : {output_form::table, output_form::json, output_form::ndjson, output_form::tsv})
    promise(is_utf8(render(describe(found->page), form)) || form == output_form::table ||
                form == output_form::tsv,
            "documents are text");
}

void read_as_decisions(const redis_reply& reply) {
  const auto found = read_decisions_page(reply);
  if (!found)
    return;
  for (const auto& one : found->page.decisions)
    check_time(one.what.at);
  promise(is_utf8(render(describe(found->page), output_form::json)), "documents are text");
}

void read_as_handover(const redis_reply& reply) {
  const auto found = read_handover_page(reply);
  if (!found)
    return;
  promise(found->items.size() == reply.size(), "nothing that was handed over is left out");
  for (const auto& item : found->items)
    check_time(item.at);
}

void read(const redis_reply& reply) {
  read_as_claim(reply);
  read_as_slots(reply);
  read_as_slice(reply);
  read_as_place(reply);
  read_as_page(reply);
  read_as_decisions(reply);
  read_as_handover(reply);
  if (reply.is_error()) {
    promise(bool{redis_fault(address, reply.text())}, "an error is a fault");
    promise(bool{redis_append_fault(address, reply.text())}, "an error is a fault of an append");
  }
}

void feed(std::string_view bytes) {
  const std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader{redisReaderCreate(), redisReaderFree};
  if (redisReaderFeed(reader.get(), bytes.data(), bytes.size()) != REDIS_OK)
    return;
  void* next = nullptr;
  while (redisReaderGetReply(reader.get(), &next) == REDIS_OK && next != nullptr) {
    const std::unique_ptr<void, decltype(&freeReplyObject)> reply{next, freeReplyObject};
    read(redis_reply{static_cast<const redisReply*>(reply.get())});
  }
}

} // namespace

} // namespace chasqui

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  const std::string_view input{data, size};
  if (input.starts_with('~'))
    chasqui::feed(chasqui::resp_of(input.substr(1)));
  else
    chasqui::feed(input);
  return 0;
}
