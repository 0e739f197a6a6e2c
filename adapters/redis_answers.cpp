#include "adapters/redis_answers.hpp"

#include "adapters/id_bytes.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace chasqui {
namespace {

struct known_error {
  std::string_view prefix;
  fault_code code;
  std::string_view meaning;
};

constexpr std::array known_errors{
    known_error{
        "OOM", fault_code::store_full,
        "is at its maxmemory; nothing was kept. Raise maxmemory, or wait until the backlog has drained"},
    known_error{
        "MISCONF", fault_code::store_full,
        "cannot write to its disk; nothing was kept. Free space there, or see Redis' log for the reason"},
    known_error{"FENCED", fault_code::fenced,
                "has a newer owner: another runtime owns this log. Stop one of the two"},
    known_error{"HELD", fault_code::held,
                "is used by another runtime: this one stands by, and takes over when that one's lease ends "
                "(redis.lease_ms)"},
    known_error{
        "WIPED", fault_code::store_unavailable,
        "has lost this runtime's claim: it was emptied or replaced. It is claimed again when it is opened "
        "again"},
    known_error{"MISMATCH", fault_code::diverged,
                "does not hold what this runtime has left there. Log and runtime disagree"},
    known_error{
        "READONLY", fault_code::store_unavailable,
        "is a replica of another Redis. Name the master in the settings, or make this one the master"},
    known_error{"NOREPLICAS", fault_code::store_unavailable,
                "has too few replicas of its own (min-replicas-to-write). Bring them back, or lower it"},
    known_error{"LOADING", fault_code::store_unavailable,
                "is still loading its data. It will be tried again"},
    known_error{"BUSY", fault_code::store_unavailable,
                "is busy with a script that does not end. See SCRIPT KILL"},
    known_error{"NOAUTH", fault_code::store_unavailable, "wants a password. Set one in the settings"},
    known_error{"WRONGPASS", fault_code::store_unavailable, "does not take the password of the settings"},
    known_error{"NOPERM", fault_code::store_unavailable,
                "does not allow this user what the log needs: EVAL, PING and all of its keys"},
};

std::string at_address(std::string_view address, std::string_view meaning, std::string_view error) {
  return "Redis at " + std::string{address} + " " + std::string{meaning} + " (" + std::string{error} + ").";
}

bool raised_in_a_script(std::string_view error) {
  return error.find("@user_script") != std::string_view::npos;
}

instant from_micros(std::uint64_t micros) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return nearest_writable(instant{std::chrono::microseconds{std::min(micros, most)}});
}

bool read_letter(const redis_reply& reply, dead_letter& into) {
  auto& why = into.why;
  why.lane = reply[0].text();
  why.sqlstate = reply[3].text();
  why.message = reply[4].text();
  into.payload = reply[6].text();
  why.behind = ids_from_bytes(reply[7].text());
  return reply.size() == 8 && read_number(reply[1], why.seq) && read_id(reply[2], why.id) &&
         read_time(reply[5], why.at);
}

// As the script writes it: `stage sqlstate message`.
settled_letter read_settled(const redis_reply& reply) {
  settled_letter one;
  read_id(reply[0], one.id);
  auto text = reply[1].text();
  const auto word = [&text] {
    const auto end = std::min(text.find(' '), text.size());
    const auto found = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return found;
  };
  one.now = parse_stage(word()).value_or(stage::rejected);
  one.sqlstate = word();
  one.message = text;
  return one;
}

bool read_past_decision(const redis_reply& reply, past_decision& into) {
  auto& what = into.what;
  what.lane = reply[0].text();
  into.payload = reply[4].text();
  for (std::size_t i = 0; i < reply[5].size(); ++i)
    what.letters.push_back(read_settled(reply[5][i]));
  return reply.size() == 6 && read_number(reply[1], what.seq) && read_id(reply[2], what.id) &&
         read_time(reply[3], what.at);
}

bool read_marks(const redis_reply& reply, lane_marks& into, std::uint64_t& largest) {
  return reply.size() == 7 && read_number(reply[0], into.first) && read_number(reply[1], into.head) &&
         read_number(reply[2], into.committed) && read_number(reply[3], into.replicated) &&
         read_number(reply[4], into.released) && read_time(reply[5], into.oldest_at) &&
         read_number(reply[6], largest);
}

struct wanted_setting {
  std::string_view name;
  std::string_view value;
  std::string_view otherwise;
  std::string_view remedy;
  bool for_fsync; ///< A receipt may not say `fsynced` without it.
};

constexpr std::array wanted_settings{
    wanted_setting{"appendonly", "yes",
                   "receipts will say 'buffered', and what Redis holds does not survive its restart",
                   "Set appendonly=yes and appendfsync=always for 'fsynced'.", true},
    wanted_setting{"appendfsync", "always", "receipts will say 'buffered'",
                   "Set appendfsync=always for 'fsynced'.", true},
    wanted_setting{"no-appendfsync-on-rewrite", "no",
                   "receipts will say 'buffered', as Redis does not flush while it rewrites its file",
                   "Set no-appendfsync-on-rewrite=no for 'fsynced'.", true},
    wanted_setting{"maxmemory-policy", "noeviction",
                   "when memory is short, Redis may delete what it should keep",
                   "Set maxmemory-policy=noeviction.", false},
};

std::optional<std::string_view> setting(const redis_reply& pairs, std::string_view name,
                                        const std::vector<redis_reply>& values) {
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2)
    if (pairs[i].text() == name)
      return values[i / 2].text();
  return std::nullopt;
}

} // namespace

bool read_number(const redis_reply& reply, std::uint64_t& into) {
  const auto number = reply.number();
  into = number.value_or(0);
  return number.has_value();
}

bool read_time(const redis_reply& reply, instant& into) {
  const auto micros = reply.number();
  into = from_micros(micros.value_or(0));
  return micros.has_value();
}

bool read_id(const redis_reply& reply, uuid& into) {
  const auto id = from_bytes(reply.text());
  into = id.value_or(uuid{});
  return id.has_value();
}

fault redis_fault(std::string_view address, std::string_view error) {
  for (const auto& known : known_errors)
    if (error.starts_with(known.prefix))
      return {known.code, at_address(address, known.meaning, error), ""};
  if (error.find("compiling script") != std::string_view::npos)
    return {fault_code::store_unavailable,
            at_address(address, "does not understand the log's scripts: it must be of version 7.0 or later",
                       error),
            ""};
  return {fault_code::store_unavailable, at_address(address, "refused", error), ""};
}

fault redis_append_fault(std::string_view address, std::string_view error) {
  auto problem = redis_fault(address, error);
  if (raised_in_a_script(error) && problem.code != fault_code::store_full)
    return {fault_code::outcome_unknown,
            at_address(address, "broke off an append; submit again with the same id", error), ""};
  return problem;
}

fault redis_append_lost(std::string_view what) {
  return {fault_code::outcome_unknown,
          std::string{what} +
              " An append was under way; submit again with the same id to learn whether it is kept.",
          ""};
}

fault redis_misunderstood(std::string_view address) {
  return {fault_code::store_unavailable,
          "Redis at " + std::string{address} +
              " gave an answer of an unknown form. See whether anything else writes below chasqui:{site}:.",
          ""};
}

void read_redis_settings(std::string_view address, const redis_reply& reply, log_opened& into) {
  const auto where = "Redis at " + std::string{address};
  into.durability = durability::buffered;
  if (!reply.is_list()) {
    into.drift.push_back(where + " does not tell its settings (" + std::string{reply.text()} +
                         "): receipts will say 'buffered'. Allow CONFIG GET for 'fsynced'.");
    return;
  }
  std::vector<redis_reply> values;
  for (std::size_t i = 1; i < reply.size(); i += 2)
    values.push_back(reply[i]);
  bool fsynced = true;
  bool appends = true;
  for (const auto& wanted : wanted_settings) {
    const auto value = setting(reply, wanted.name, values).value_or("unknown");
    if (value == wanted.value)
      continue;
    fsynced = fsynced && !wanted.for_fsync;
    if (appends || !wanted.for_fsync) // Without the file, nobody asks how it is flushed.
      into.drift.push_back(where + " has " + std::string{wanted.name} + "=" + std::string{value} + ": " +
                           std::string{wanted.otherwise} + ". " + std::string{wanted.remedy});
    appends = appends && wanted.name != "appendonly";
  }
  if (fsynced)
    into.durability = durability::fsynced;
}

bool read_claim(const redis_reply& reply, const std::vector<std::string>& lanes, log_opened& into,
                std::map<std::string, std::uint64_t>& largest) {
  if (reply.size() != lanes.size() + 2 || !read_number(reply[0], into.epoch) ||
      !read_number(reply[1], into.dead_letters))
    return false;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    lane_marks marks;
    marks.lane = lanes[i];
    if (!read_marks(reply[i + 2], marks, largest[lanes[i]]))
      return false;
    into.lanes.push_back(std::move(marks));
  }
  return true;
}

bool read_slots(const redis_reply& reply, std::vector<append_slot>& slots) {
  if (!reply.is_list() || reply.size() != slots.size())
    return false;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto one = reply[i];
    auto& slot = slots[i];
    slot.repeated = one.is_list();
    if (!slot.repeated) {
      if (!read_number(one, slot.seq))
        return false;
      continue;
    }
    slot.lane = one[0].text();
    if (one.size() != 3 || !read_number(one[1], slot.seq) || !read_time(one[2], slot.at))
      return false;
  }
  return true;
}

std::optional<log_slice> read_slice(const redis_reply& reply, const take& what) {
  log_slice slice;
  if (!reply.is_list() || reply.size() == 0)
    return std::nullopt;
  if (!reply[0].is_list()) {
    slice.problem = {fault_code::diverged,
                     "The log of lane " + what.lane + " has nothing under the numbers " +
                         std::string{reply[0].text()} + " to " + std::string{reply[1].text()} + ".",
                     ""};
    if (!read_number(reply[1], slice.missing_to) || slice.missing_to < what.from_seq)
      return std::nullopt;
    return slice;
  }
  auto seq = what.from_seq;
  slice.entries.reserve(reply.size() - 1);
  for (std::size_t i = 1; i < reply.size(); ++i) {
    entry e;
    e.seq = seq++;
    e.payload = reply[i][2].text();
    if (reply[i].size() != 3 || !read_id(reply[i][0], e.id) || !read_time(reply[i][1], e.at))
      return std::nullopt;
    slice.entries.push_back(std::move(e));
  }
  return slice;
}

std::optional<log_slice> read_range(const redis_reply& reply, const take& what) {
  constexpr std::size_t id = 1;
  constexpr std::size_t at = 3;
  constexpr std::size_t payload = 5;
  log_slice slice;
  if (!reply.is_list())
    return std::nullopt;
  std::uint64_t bytes = 0;
  slice.entries.reserve(reply.size());
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const auto seq = what.from_seq + i;
    if (reply[i][0].text() != std::to_string(seq) + "-0")
      break;
    const auto fields = reply[i][1];
    bytes += fields[payload].text().size();
    if (bytes > what.bytes_max && i > 0)
      break;
    entry e;
    e.seq = seq;
    e.payload = fields[payload].text();
    if (!read_id(fields[id], e.id) || !read_time(fields[at], e.at))
      return std::nullopt;
    slice.entries.push_back(std::move(e));
  }
  return slice;
}

std::optional<log_place> read_place(const redis_reply& reply, const uuid& id) {
  log_place place;
  if (reply.is_nil()) {
    place.problem = {fault_code::not_found, "The log has no transaction " + to_string(id) + ".", ""};
    return place;
  }
  place.lane = reply[0].text();
  place.payload = reply[3].text();
  if (reply.size() < 4 || !read_number(reply[1], place.seq) || !read_time(reply[2], place.at))
    return std::nullopt;
  if (reply.size() == 4)
    return place;
  place.settled = reply[4].text() == "settled";
  if (place.settled)
    return place;
  dead_letter letter;
  if (!read_letter(reply[4], letter))
    return std::nullopt;
  place.dead = true;
  place.why = std::move(letter.why);
  return place;
}

std::optional<dead_page> read_dead_page(const redis_reply& reply) {
  dead_page answer;
  if (!read_number(reply[0], answer.page.total))
    return std::nullopt;
  for (std::size_t i = 1; i < reply.size(); ++i) {
    dead_letter letter;
    if (!read_letter(reply[i], letter))
      return std::nullopt;
    answer.page.letters.push_back(std::move(letter));
  }
  return answer;
}

std::optional<decisions_page> read_decisions_page(const redis_reply& reply) {
  decisions_page answer;
  if (!reply.is_list())
    return std::nullopt;
  for (std::size_t i = 0; i < reply.size(); ++i) {
    auto& one = answer.page.decisions.emplace_back();
    if (!read_past_decision(reply[i], one))
      return std::nullopt;
  }
  return answer;
}

std::optional<handover_page> read_handover_page(const redis_reply& reply) {
  handover_page answer;
  if (!reply.is_list())
    return std::nullopt;
  for (std::size_t i = 0; i < reply.size(); ++i) {
    auto& item = answer.items.emplace_back();
    answer.through = reply[i][0].text();
    item.lane = reply[i][1].text();
    item.payload = reply[i][4].text();
    if (reply[i].size() != 5 || !read_id(reply[i][2], item.id) || !read_time(reply[i][3], item.at))
      return std::nullopt;
  }
  return answer;
}

std::string to_micros(const instant& at) { return std::to_string(at.time_since_epoch().count()); }

} // namespace chasqui
