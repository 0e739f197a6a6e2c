#include "tests/demo/server_view.hpp"

#include "tests/support/sql.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace chasqui::night {

namespace {

/// How the rows of a night are found in a table, and what is compared of them; in the order of `table`.
struct table_query {
  std::string_view restriction; ///< A column; its values follow.
  table values_from;
  std::string_view contents;
  std::string_view unique; ///< What no two rows may have in common.
};

constexpr std::array<table_query, table_names.size()> queries{{
    {"id", table::obs_unit, "program, observation, target", "id"},
    {"id", table::executed_obs_unit, "obs_unit_id, status, observation", "id"},
    {"executed_obs_unit_id", table::executed_obs_unit, "executed_obs_unit_id, name, size, state",
     "executed_obs_unit_id, name"},
    {"executed_obs_unit_id", table::executed_obs_unit, "raw_data_package_id, name, size, checksum",
     "raw_data_package_id, name"},
}};

std::string array_of(const std::map<std::string, std::string, std::less<>>& rows) {
  std::string list;
  for (const auto& [id, contents] : rows)
    list += (list.empty() ? "" : ",") + id;
  return "'{" + list + "}'";
}

uuid uuid_of(const std::string& text) {
  const auto id = parse_uuid(text);
  if (!id)
    throw std::runtime_error{"not a UUID: " + text};
  return *id;
}

void look_at_table(test::database& server, table t, const night_records& night, server_view& view) {
  const auto& q = queries[static_cast<std::size_t>(t)];
  const auto from = " FROM public." + std::string{name(t)} + " WHERE " + std::string{q.restriction} +
                    " = ANY (" + array_of(rows_of(night.rows, q.values_from)) + ")";
  view.rows_counted += std::stoull(server.value("SELECT count(*)" + from));
  view.rows_doubled +=
      std::stoull(server.value("SELECT count(*) - count(DISTINCT (" + std::string{q.unique} + "))" + from));
  for (auto& row : server.rows("SELECT id, concat_ws('|', " + std::string{q.contents} + ")" + from))
    rows_of(view.rows, t)[row[0]] = row[1];
}

std::optional<uuid> first_id(const night_records& night) {
  std::optional<uuid> first;
  for (const auto& of_one : night.receipts)
    for (const auto& r : of_one)
      first = first ? std::min(*first, r.id) : r.id;
  return first;
}

void look_at_log(test::database& server, const std::string& site, const uuid& first, server_view& view) {
  const auto where = " WHERE site = '" + site + "' AND txn_id >= '" + to_string(first) + "'";
  for (const auto& row : server.rows("SELECT txn_id, lane, seq, xmin::text::bigint FROM chasqui.applied" +
                                     where + " ORDER BY lane, seq"))
    view.applied.push_back({uuid_of(row[0]), row[1], std::stoull(row[2]), std::stoull(row[3])});
  for (const auto& row : server.rows("SELECT txn_id FROM chasqui.dead_letter" + where))
    view.dead_letters.insert(uuid_of(row[0]));
}

} // namespace

server_view look_at(const std::string& dsn, const std::string& site, const night_records& night) {
  test::database server{dsn};
  server.rows("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); // All of it at one moment.
  server_view view;
  for (const auto t :
       {table::obs_unit, table::executed_obs_unit, table::raw_data_package, table::raw_data_file})
    look_at_table(server, t, night, view);
  if (const auto first = first_id(night))
    look_at_log(server, site, *first, view);
  return view;
}

} // namespace chasqui::night
