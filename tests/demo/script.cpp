#include "tests/demo/script.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <map>
#include <utility>

namespace chasqui::night {

namespace {

using json = nlohmann::ordered_json;

std::string join(std::initializer_list<std::string> values) {
  std::string joined;
  for (const auto& v : values)
    joined += (joined.empty() ? "" : "|") + v;
  return joined;
}

json insert(table into, json row) {
  return {{"op", "insert"}, {"table", name(into)}, {"rows", json::array({std::move(row)})}};
}

json update(table what, const std::string& id, json set) {
  return {{"op", "update"},
          {"table", name(what)},
          {"where", {{"id", id}}},
          {"set", std::move(set)},
          {"expect_rows", 1}};
}

/// Writes the transactions of one execution of an observation.
class execution {
public:
  execution(const observation& what, std::uint64_t run, std::string_view origin, id_source& ids)
      : what_{what}, origin_{origin}, ids_{ids}, unit_{to_string(ids.next())},
        package_{to_string(ids.next())}, package_name_{what.name + "." + std::to_string(run)} {}

  std::vector<draft> write() && {
    start();
    open_package();
    for (const auto& e : what_.exposures)
      register_file(e);
    finish();
    close_package();
    return std::move(drafts_);
  }

private:
  void start() {
    say(insert(table::executed_obs_unit, {{"id", unit_},
                                          {"obs_unit_id", what_.unit_id},
                                          {"status", "running"},
                                          {"start_time", to_string(what_.exposures.front().start)},
                                          {"program", what_.program},
                                          {"observation", what_.name}}),
        {table::executed_obs_unit, unit_, join({std::to_string(what_.unit_id), "running", what_.name})});
  }

  void open_package() {
    say(insert(table::raw_data_package, {{"id", package_},
                                         {"executed_obs_unit_id", unit_},
                                         {"name", package_name_},
                                         {"size", 0},
                                         {"state", "open"}}),
        package_row("0", "open"));
  }

  void register_file(const exposure& e) {
    const auto id = to_string(ids_.next());
    bytes_ += e.bytes;
    say(insert(table::raw_data_file, {{"id", id},
                                      {"executed_obs_unit_id", unit_},
                                      {"raw_data_package_id", package_},
                                      {"name", e.file},
                                      {"size", e.bytes},
                                      {"checksum", e.md5},
                                      {"object", e.target},
                                      {"ra_deg", e.ra_deg},
                                      {"dec_deg", e.dec_deg},
                                      {"exposure_time_s", e.exposure_s},
                                      {"filter", e.filter},
                                      {"instrument", e.instrument},
                                      {"observed_at", to_string(e.start)}}),
        {table::raw_data_file, id, join({package_, e.file, std::to_string(e.bytes), e.md5})});
  }

  void finish() {
    const auto& last = what_.exposures.back();
    const auto exposed = std::chrono::microseconds{std::llround(last.exposure_s * 1e6)};
    say(update(table::executed_obs_unit, unit_,
               {{"status", "completed"}, {"end_time", to_string(last.start + exposed)}}),
        {table::executed_obs_unit, unit_, join({std::to_string(what_.unit_id), "completed", what_.name})});
  }

  void close_package() {
    say(update(table::raw_data_package, package_, {{"state", "finalized"}, {"size", bytes_}}),
        package_row(std::to_string(bytes_), "finalized"));
  }

  written_row package_row(const std::string& size, const std::string& state) const {
    return {table::raw_data_package, package_, join({unit_, package_name_, size, state})};
  }

  void say(json step, written_row row) {
    const auto id = ids_.next();
    const json whole{{"id", to_string(id)}, {"origin", origin_}, {"steps", json::array({std::move(step)})}};
    drafts_.push_back({id, whole.dump(), {std::move(row)}});
  }

  const observation& what_;
  std::string origin_;
  id_source& ids_;
  std::string unit_;
  std::string package_;
  std::string package_name_;
  std::uint64_t bytes_ = 0;
  std::vector<draft> drafts_;
};

json planned_unit(const observation& o) {
  const auto& pointing = o.exposures.front();
  return {{"id", o.unit_id},           {"program", o.program},      {"observation", o.name},
          {"target", pointing.target}, {"ra_deg", pointing.ra_deg}, {"dec_deg", pointing.dec_deg}};
}

} // namespace

uuid id_source::next() {
  const auto high = random_();
  return make_uuid7(system_time(), high, random_());
}

std::vector<draft> plan(std::span<const observation> night, std::string_view origin, id_source& ids) {
  std::map<std::string, std::pair<json, std::vector<written_row>>> programs;
  for (const auto& o : night) {
    auto& [rows, written] = programs[o.program];
    rows.push_back(planned_unit(o));
    written.push_back(
        {table::obs_unit, std::to_string(o.unit_id), join({o.program, o.name, o.exposures.front().target})});
  }
  std::vector<draft> drafts;
  for (auto& [program, units] : programs) {
    const auto id = ids.next();
    const json upsert{{"op", "upsert"},
                      {"table", name(table::obs_unit)},
                      {"key", json::array({"id"})},
                      {"rows", std::move(units.first)}};
    const json whole{{"id", to_string(id)}, {"origin", origin}, {"steps", json::array({upsert})}};
    drafts.push_back({id, whole.dump(), std::move(units.second)});
  }
  return drafts;
}

std::vector<draft> execute(const observation& what, std::uint64_t run, std::string_view origin,
                           id_source& ids) {
  return execution{what, run, origin, ids}.write();
}

} // namespace chasqui::night
