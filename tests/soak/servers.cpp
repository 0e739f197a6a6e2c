#include "tests/soak/servers.hpp"

#include "tests/support/sql.hpp"

#include <sstream>
#include <stdexcept>

namespace chasqui::soak {

namespace {

uuid uuid_of(const std::string& text) {
  const auto id = parse_uuid(text);
  if (!id)
    throw std::runtime_error{"not a UUID: " + text};
  return *id;
}

} // namespace

void make_table(const std::string& dsn) {
  test::sql(dsn, "CREATE TABLE soak (id uuid NOT NULL, caller int NOT NULL, number bigint NOT NULL, "
                 "arrival bigserial, CHECK (number >= 0));"
                 "GRANT ALL ON soak TO PUBLIC; GRANT ALL ON SEQUENCE soak_arrival_seq TO PUBLIC");
}

server_view look_at(const std::string& dsn) {
  test::database server{dsn};
  server.rows("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  server_view view;
  for (const auto& row :
       server.rows("SELECT txn_id, count(*), max(seq) FROM chasqui.applied GROUP BY txn_id")) {
    auto& entry = view.found[uuid_of(row[0])];
    entry.times = std::stoull(row[1]);
    entry.seq = std::stoull(row[2]);
  }
  for (const auto& row : server.rows("SELECT id, count(*), min(arrival) FROM soak GROUP BY id")) {
    auto& entry = view.found[uuid_of(row[0])];
    entry.rows = std::stoull(row[1]);
    entry.arrival = std::stoull(row[2]);
  }
  for (const auto& row : server.rows("SELECT DISTINCT txn_id FROM chasqui.dead_letter"))
    view.dead_letters.insert(uuid_of(row[0]));
  return view;
}

std::size_t passed_over_on(const std::string& dsn) {
  return std::stoull(test::sql(dsn, "SELECT coalesce(sum(to_seq - from_seq), 0) FROM chasqui.realignment"));
}

std::size_t missing_in(const std::string& log) {
  std::size_t out = 0;
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);) {
    std::string at;
    std::string level;
    std::string kind;
    std::istringstream{line} >> at >> level >> kind;
    out += kind == "missing" ? 1 : 0;
  }
  return out;
}

} // namespace chasqui::soak
