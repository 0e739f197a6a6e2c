#include "messages/json.hpp"
#include "messages/json_values.hpp"
#include "runtime/console_format.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace chasqui {

namespace {

constexpr auto never = instant{};

std::string ago(instant at, instant now) {
  return at == never ? "" : to_string(at) + " (" + for_people(now - nearest_writable(at)) + " ago)";
}

std::string in_future(instant at, instant now) {
  return at == never ? "" : to_string(at) + " (in " + for_people(nearest_writable(at) - now) + ")";
}

std::string seconds_for_people(double seconds) {
  constexpr double longest = 1e9; // Beyond it, the microseconds would not fit.
  return for_people(std::chrono::microseconds{std::llround(std::clamp(seconds, 0.0, longest) * 1e6)});
}

// Stages often follow each other within milliseconds.
std::string in_detail(std::chrono::microseconds took) {
  constexpr std::chrono::seconds short_time{10};
  if (took < -short_time || took >= short_time)
    return for_people(took);
  return std::to_string(std::chrono::round<std::chrono::milliseconds>(took).count()) + " ms";
}

std::string dash_if_empty(const std::string& text) { return text.empty() ? "-" : text; }

section link_section(const link_status& link, instant now) {
  section s{"", {}, {{"link", std::string{to_string(link.phase)}}}};
  if (link.since != never)
    s.rows.push_back({"since", ago(link.since, now)});
  if (link.attempt != 0)
    s.rows.push_back({"attempt", std::to_string(link.attempt)});
  if (link.next_try_at != never)
    s.rows.push_back({"next try", in_future(link.next_try_at, now)});
  if (!link.reason.empty())
    s.rows.push_back({"reason", link.reason});
  return s;
}

section lane_section(const log_report& log) {
  section s{
      "", {"lane", "epoch", "head", "sent", "committed", "replicated", "released", "pending", "oldest"}, {}};
  for (const auto& lane : log.lanes) {
    const auto pending = lane.head > lane.replicated ? lane.head - lane.replicated : 0;
    s.rows.push_back({lane.lane, std::to_string(lane.epoch), std::to_string(lane.head),
                      std::to_string(lane.sent), std::to_string(lane.committed),
                      std::to_string(lane.replicated), std::to_string(lane.released), std::to_string(pending),
                      pending == 0 ? "-" : seconds_for_people(lane.oldest_age_s)});
  }
  return s;
}

section store_section(const status_report& report) {
  const auto& store = report.log.store;
  const auto& replica = report.replica;
  return {"",
          {},
          {{"store", std::string{to_string(store.kind)} + ", " + std::string{to_string(store.durability)} +
                         ", " + store.state},
           {"replica", replica.state},
           {"lag", std::to_string(replica.lag_bytes) + " bytes, " + seconds_for_people(replica.lag_s)},
           {"replayed", dash_if_empty(to_string(replica.replay_lsn)) + ", timeline " +
                            (replica.timeline == 0 ? "unknown" : std::to_string(replica.timeline))},
           {"schema", report.catalogue.state + ", " + std::to_string(report.catalogue.tables) +
                          " tables, read " + dash_if_empty(to_string(report.catalogue.read_at))},
           {"dead letters", std::to_string(report.log.dead_letters)},
           {"missing", std::to_string(report.log.missing)}}};
}

section actor_section(const std::vector<actor_status>& actors) {
  section s{"", {"actor", "state", "restarts"}, {}};
  for (const auto& actor : actors)
    s.rows.push_back({actor.name, actor.state, std::to_string(actor.restarts)});
  return s;
}

nlohmann::json versioned(nlohmann::json j) {
  j["schema_version"] = json_schema_version;
  return j;
}

std::string name_of(condition what) {
  switch (what) {
  case condition::ready:
    return "ready";
  case condition::drained:
    return "drained";
  case condition::replicated:
    return "replicated";
  default:
    return "transaction";
  }
}

} // namespace

document describe(const status_report& report, instant now) {
  section head = link_section(report.link, now);
  head.rows.insert(head.rows.begin(), {"site", report.site + ", chasquid " + report.version});
  return {report,
          std::nullopt,
          {head, lane_section(report.log), store_section(report), actor_section(report.actors)}};
}

document describe(const link_status& link, instant now) {
  status_report around;
  around.link = link;
  return {versioned(nlohmann::json(around).at("link")), std::nullopt, {link_section(link, now)}};
}

document describe(const life& found) {
  section head{"",
               {},
               {{"id", to_string(found.id)},
                {"lane", found.lane},
                {"seq", std::to_string(found.seq)},
                {"stage", std::string{to_string(found.stage)}},
                {"LSN", dash_if_empty(to_string(found.flushed))}}};
  if (found.error)
    head.rows.push_back({"error", std::string{to_string(found.error.code)} + ": " + found.error.message});
  if (!found.payload.empty())
    head.rows.push_back({"transaction", found.payload});
  nlohmann::json j = found;
  section history{"", {"stage", "at", "took"}, {}};
  for (std::size_t i = 0; i < found.history.size(); ++i) {
    const auto& passed = found.history[i];
    history.rows.push_back({std::string{to_string(passed.stage)}, to_string(passed.at), "-"});
    if (i == 0)
      continue;
    const auto took = nearest_writable(passed.at) - nearest_writable(found.history[i - 1].at);
    history.rows.back().back() = in_detail(took);
    j["history"][i]["took_s"] = std::chrono::duration<double>(took).count();
  }
  return {std::move(j), std::nullopt, {head, history}};
}

namespace {

std::string joined(const std::vector<uuid>& ids) {
  std::string out;
  for (const auto& id : ids)
    out += (out.empty() ? "" : ", ") + to_string(id);
  return out;
}

std::string outcome_of(const std::vector<settled_letter>& letters) {
  std::map<stage, std::size_t> counts;
  for (const auto& one : letters)
    ++counts[one.now];
  std::string out;
  for (const auto& [what, count] : counts)
    out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + std::string{to_string(what)};
  return out.empty() ? "nothing was left to do" : out;
}

} // namespace

document describe(const past_decisions& listed) {
  section s{"", {"at", "action", "letter", "by", "reason", "outcome"}, {}};
  auto decisions = nlohmann::json::array();
  std::vector<nlohmann::json> items;
  for (const auto& one : listed.decisions) {
    const nlohmann::json j(one);
    const auto text = [&j](const char* name) { return j.value(name, ""); };
    s.rows.push_back({to_string(one.what.at), text("action"), text("letter"), text("made_by"), text("reason"),
                      outcome_of(one.what.letters)});
    decisions.push_back(j);
    items.push_back(versioned(j));
  }
  return {versioned({{"decisions", std::move(decisions)}}), std::move(items), {s}};
}

document describe(const dead_letters& listed) {
  section s{"", {"id", "lane", "seq", "at", "stage", "SQLSTATE", "message"}, {}};
  auto letters = nlohmann::json::array();
  std::vector<nlohmann::json> items;
  for (const auto& letter : listed.letters) {
    const auto& why = letter.why;
    s.rows.push_back({to_string(why.id), why.lane, std::to_string(why.seq), to_string(why.at),
                      std::string{to_string(stage_of(why))}, why.sqlstate, why.message});
    letters.push_back(letter);
    items.push_back(versioned(letter));
  }
  return {versioned({{"total", listed.total}, {"dead_letters", std::move(letters)}}), std::move(items), {s}};
}

document describe(const dead_letter& letter) {
  const auto& why = letter.why;
  return {versioned(letter),
          std::nullopt,
          {{"",
            {},
            {{"id", to_string(why.id)},
             {"lane", why.lane},
             {"seq", std::to_string(why.seq)},
             {"at", to_string(why.at)},
             {"stage", std::string{to_string(stage_of(why))}},
             {"SQLSTATE", why.sqlstate},
             {"message", why.message},
             {"behind", joined(why.behind)},
             {"transaction", letter.payload}}}}};
}

document describe(const reached& answer) {
  auto name = name_of(answer.what);
  nlohmann::json j{{"condition", name}};
  section s{"", {}, {{std::move(name)}}};
  if (answer.what == condition::transaction) {
    j["stage"] = to_string(answer.stage);
    s.rows = {{std::string{to_string(answer.stage)}}};
  }
  return {versioned(std::move(j)), std::nullopt, {s}};
}

} // namespace chasqui
