#include "tests/bench/logical.hpp"

#include "tests/bench/latencies.hpp"
#include "tests/bench/progress.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace chasqui::bench {

namespace {

using namespace std::chrono_literals;
using test::child_process;
using test::database;
using test::sql;

std::string words_of(const std::string& file) {
  std::ifstream in{file};
  std::string word;
  in >> word;
  return word;
}

std::string free_port(const std::string& dir) {
  child_process::options how;
  how.output = dir + "/port";
  child_process ask{{test::program("chasqui-link"), "--free-ports", "1"}, how};
  if (ask.wait(test::in(5s)) != 0)
    throw std::runtime_error("no free port");
  return words_of(dir + "/port");
}

/// A server with the table of the workload, and a link that leads to it.
class publisher {
public:
  publisher(const std::string& source, int rtt_ms)
      : port_{free_port(dir_.path())}, password_{test::random_id()} {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms::others_exec,
                                 std::filesystem::perm_options::add);
    child_process::options how;
    how.output = dir_.file("log");
    server_ = std::make_unique<child_process>(
        std::vector<std::string>{source + "/tests/bench/publisher", dir_.file("pg"), port_, password_}, how);
    if (!test::wait_until([this] { return answers(); }, test::in(60s)))
      throw std::runtime_error("the publisher does not come up: " + dir_.file("log"));
    link_ = std::make_unique<child_process>(
        std::vector<std::string>{test::program("chasqui-link"), "--listen", "127.0.0.1:0", "--target",
                                 "127.0.0.1:" + port_, "--control", dir_.file("link.sock"), "--port-file",
                                 dir_.file("link.port"), "latency_ms=" + std::to_string(rtt_ms / 2)});
    if (!test::wait_until([this] { return !words_of(dir_.file("link.port")).empty(); }, test::in(10s)))
      throw std::runtime_error("the link to the publisher does not come up");
  }
  publisher(const publisher&) = delete;
  publisher& operator=(const publisher&) = delete;
  ~publisher() {
    // In order, or its shared memory would be left behind.
    server_->signal(SIGINT);
    server_->wait(test::in(20s));
  }

  [[nodiscard]] std::string dsn() const { return dsn_at(port_); }
  [[nodiscard]] std::string dsn_across_link() const { return dsn_at(words_of(dir_.file("link.port"))); }

private:
  [[nodiscard]] std::string dsn_at(const std::string& port) const {
    return "host=127.0.0.1 port=" + port + " dbname=postgres user=postgres password=" + password_;
  }
  [[nodiscard]] bool answers() const {
    try {
      return sql(dsn(), "SELECT 1") == "1";
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  test::temp_dir dir_;
  std::string port_;
  std::string password_;
  std::unique_ptr<child_process> server_;
  std::unique_ptr<child_process> link_;
};

/// Each in a transaction of its own, as the workload has them.
void fill(const publisher& p, std::uint64_t transactions) {
  database db{p.dsn()};
  db.rows(
      "CREATE TABLE raw_data_file (id uuid PRIMARY KEY, executed_obs_unit_id uuid NOT NULL, "
      "raw_data_package_id "
      "uuid, name text NOT NULL, size bigint, checksum text, object text, ra_deg double precision, dec_deg "
      "double "
      "precision, exposure_time_s double precision, filter text, instrument text, observed_at timestamptz)");
  db.rows("CREATE PUBLICATION bench FOR TABLE raw_data_file");
  db.rows("SELECT pg_create_logical_replication_slot('bench', 'pgoutput')");
  db.rows("SET synchronous_commit = off");
  db.rows("DO $$ BEGIN FOR i IN 1.." + std::to_string(transactions) +
          " LOOP INSERT INTO raw_data_file VALUES (lpad(to_hex(i), 32, '0')::uuid, "
          "'0197a4e2-5a5a-7000-8000-00000000b001', '0197a4e2-5a5a-7000-8000-00000000b002', "
          "'/observatory/raw/gmos-n/2007-02-21/science/mrgN20070221S' || i || '_add.fits.bz2', 15847270, "
          "'sha256:93349c5b14c3628341c823d820ae218b2f0a6f7c1d5e4b3a9c8d7e6f5a4b3c2d', 'M101-pos1', "
          "210.800833400112, "
          "54.34877772501, 119.9986, 'g', 'GMOS-N', '2007-02-21T15:49:30Z'); COMMIT; END LOOP; END $$");
  db.rows("CHECKPOINT");
}

std::uint64_t last_row(database& db) {
  const auto id = db.value("SELECT id FROM raw_data_file ORDER BY id DESC LIMIT 1");
  return id.empty() ? 0 : std::stoull(id.substr(id.size() - 12), nullptr, 16);
}

} // namespace

drained drain_by_logical_replication(const test::sandbox& box, std::uint64_t transactions, int rtt_ms) {
  const char* source = std::getenv("SANDBOX_SOURCE_DIR"); // NOLINT(concurrency-mt-unsafe): nobody sets it.
  const publisher observatory{source == nullptr ? "." : source, rtt_ms};
  fill(observatory, transactions);
  database primary{box.direct_dsn()};
  primary.rows("CREATE SUBSCRIPTION bench CONNECTION '" + observatory.dsn_across_link() +
               "' PUBLICATION bench WITH (create_slot = false, slot_name = 'bench', enabled = false, "
               "copy_data = false)");
  drained out;
  const auto began = steady::now();
  primary.rows("ALTER SUBSCRIPTION bench ENABLE");
  progress bar{"logical replication catches up", static_cast<double>(transactions)};
  const bool done = test::wait_until(
      [&] {
        const auto rows = static_cast<double>(last_row(primary));
        out.curve.emplace_back(s_since(began), rows);
        bar.at(rows);
        return rows >= static_cast<double>(transactions);
      },
      test::in(10min));
  out.seconds = s_since(began);
  primary.rows("ALTER SUBSCRIPTION bench DISABLE");
  primary.rows("ALTER SUBSCRIPTION bench SET (slot_name = NONE)");
  primary.rows("DROP SUBSCRIPTION bench");
  if (!done)
    throw std::runtime_error("logical replication does not catch up");
  return out;
}

} // namespace chasqui::bench
