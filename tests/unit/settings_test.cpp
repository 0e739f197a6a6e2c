#include <boost/test/unit_test.hpp>

#include "config/example.hpp"
#include "config/settings.hpp"
#include "config/settings_schema.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

using namespace chasqui;
using text_map = std::map<std::string, std::string>;

namespace {

const std::string least = "site = \"atacama\"\n"
                          "redis.socket = \"/run/redis.sock\"\n"
                          "primary.dsn = \"host=primary\"\n"
                          "replica.dsn = \"host=replica\"\n";

settings_reading read(const std::string& toml, const text_map& environment = {},
                      const text_map& overrides = {}) {
  return read_settings(toml, "a.toml", environment, overrides);
}

std::string all_errors(const settings_reading& reading) {
  std::string text;
  for (const auto& error : reading.errors)
    text += to_string(error) + '\n';
  return text;
}

/// The errors of the least settings with one more line, which is line 5.
std::string errors_with(const std::string& line) { return all_errors(read(least + line)); }

struct scratch_folder {
  test::temp_dir dir;
  const std::filesystem::path& path = dir.path();

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{path / name} << text;
    return dir.file(name);
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_least_settings_are_enough_and_leave_the_defaults) {
  const auto reading = read(least);
  BOOST_TEST(all_errors(reading) == "");
  BOOST_TEST(reading.value.site == "atacama");
  BOOST_TEST(reading.value.redis.socket == "/run/redis.sock");
  BOOST_TEST(reading.value.buffer.submit_deadline_ms.count() == settings{}.buffer.submit_deadline_ms.count());
}

BOOST_AUTO_TEST_CASE(every_kind_of_value_arrives_at_its_member) {
  const auto good = read("site = \"a\"\nlanes = [\"main\", \"weather\"]\n[redis]\nhost = \"h\"\nport = 7000\n"
                         "timeout_ms = 1500\n[primary]\ndsn = \"p\"\n[replica]\ndsn = \"r\"\n"
                         "[supervision]\nrestarts_max = 9\n[buffer]\nretain_entries = 5_000_000\n");
  BOOST_TEST(all_errors(good) == "");
  BOOST_TEST(good.value.lanes.at(1) == "weather");
  BOOST_TEST(good.value.redis.port == 7000);
  BOOST_TEST(good.value.redis.timeout_ms.count() == 1500);
  BOOST_TEST(good.value.supervision.restarts_max == 9U);
  BOOST_TEST(good.value.buffer.retain_entries == 5'000'000U);
}

BOOST_AUTO_TEST_CASE(a_journal_will_do_instead_of_redis_and_one_of_the_two_must_be_set) {
  const std::string others = "site = \"atacama\"\nprimary.dsn = \"p\"\nreplica.dsn = \"r\"\n";
  const auto journal = read(others + "journal.path = \"/var/lib/chasqui/journal.db\"\n");
  BOOST_TEST(all_errors(journal) == "");
  BOOST_TEST(journal.value.journal.path == "/var/lib/chasqui/journal.db");
  BOOST_TEST(all_errors(read(others)) ==
             "a.toml: redis.socket, redis.host or journal.path must be set: where the log is kept\n");
  BOOST_TEST(errors_with("journal.path = \"/tmp/journal.db\"\n") == "");
  BOOST_TEST(
      errors_with("[journal]\npath = \"/tmp/journal.db\"\nqueue_bytes_max = 1_048_576\n")
          .starts_with("a.toml:7:19: journal.queue_bytes_max must not be below buffer.group_bytes_max"));
}

BOOST_AUTO_TEST_CASE(the_environment_overrides_the_file_and_flags_override_the_environment) {
  const text_map environment{{"CHASQUI_BUFFER_RETAIN_ENTRIES", "7"}, {"CHASQUI_LANES", "a, b"}};
  const auto from_environment = read(least + "buffer.retain_entries = 6\n", environment);
  BOOST_TEST(all_errors(from_environment) == "");
  BOOST_TEST(from_environment.value.buffer.retain_entries == 7U);
  BOOST_TEST(from_environment.value.lanes.size() == 2U);
  BOOST_TEST(from_environment.value.lanes.back() == "b");
  const auto from_flag = read(least, environment, {{"buffer.retain_entries", "8"}});
  BOOST_TEST(from_flag.value.buffer.retain_entries == 8U);
}

BOOST_AUTO_TEST_CASE(variables_of_others_and_the_path_of_the_file_are_no_settings) {
  BOOST_TEST(all_errors(read(least, {{"PATH", "/bin"}, {"CHASQUI_CONFIG", "a.toml"}})) == "");
}

BOOST_AUTO_TEST_CASE(an_unknown_variable_is_an_error_with_a_suggestion) {
  BOOST_TEST(all_errors(read(least, {{"CHASQUI_BUFER_RETAIN_ENTRIES", "7"}})) ==
             "CHASQUI_BUFER_RETAIN_ENTRIES: unknown variable; did you mean CHASQUI_BUFFER_RETAIN_ENTRIES?\n");
}

BOOST_AUTO_TEST_CASE(an_unknown_flag_is_an_error_with_a_suggestion) {
  BOOST_TEST(all_errors(read(least, {}, {{"buffer.retain_entry", "7"}})) ==
             "flag buffer.retain_entry: unknown key; did you mean buffer.retain_entries?\n");
}

BOOST_AUTO_TEST_CASE(an_error_in_the_environment_names_the_variable) {
  BOOST_TEST(all_errors(read(least, {{"CHASQUI_REDIS_PORT", "1e3"}})) ==
             "CHASQUI_REDIS_PORT: redis.port must be an integer, not '1e3'\n");
  BOOST_TEST(all_errors(read(least, {{"CHASQUI_REDIS_PORT", "99999999999999999999"}})) ==
             "CHASQUI_REDIS_PORT: redis.port must be 1 to 65535, not 9223372036854775807\n");
}

BOOST_AUTO_TEST_CASE(a_value_of_the_wrong_type_is_named_with_line_and_column) {
  BOOST_TEST(errors_with("buffer.submit_deadline_ms = \"250\"\n") ==
             "a.toml:5:29: buffer.submit_deadline_ms must be an integer number of milliseconds\n");
  BOOST_TEST(errors_with("lanes = \"main\"\n") == "a.toml:5:9: lanes must be a list of strings\n");
  BOOST_TEST(errors_with("lanes = [\"main\", 3]\n") == "a.toml:5:9: lanes must be a list of strings\n");
  BOOST_TEST(errors_with("remote.ca = 3\n") == "a.toml:5:13: remote.ca must be a string\n");
  BOOST_TEST(errors_with("buffer = 3\n") == "a.toml:5:1: buffer must be a table, [buffer]\n");
  BOOST_TEST(errors_with("daemon.threads = 1.5\n") ==
             "a.toml:5:18: daemon.threads must be an integer number of threads\n");
}

BOOST_AUTO_TEST_CASE(a_value_out_of_range_is_named_with_the_range) {
  BOOST_TEST(errors_with("buffer.submit_deadline_ms = 0\n") ==
             "a.toml:5:29: buffer.submit_deadline_ms must be 1 to 60000 milliseconds, not 0\n");
  BOOST_TEST(errors_with("redis.port = 65536\n") ==
             "a.toml:5:14: redis.port must be 1 to 65535, not 65536\n");
  BOOST_TEST(errors_with("redis.port = 65535\n") == "");
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_an_error_with_a_suggestion) {
  BOOST_TEST(errors_with("buffer.retain_entrys = 3\n") ==
             "a.toml:5:8: unknown key buffer.retain_entrys; did you mean buffer.retain_entries?\n");
  BOOST_TEST(errors_with("sitte = \"x\"\n") == "a.toml:5:1: unknown key sitte; did you mean site?\n");
  BOOST_TEST(errors_with("watch.retain_entries = 3\n") ==
             "a.toml:5:7: unknown key watch.retain_entries; did you mean buffer.retain_entries?\n");
  BOOST_TEST(errors_with("buffer.colour = 3\n") == "a.toml:5:8: unknown key buffer.colour\n");
}

BOOST_AUTO_TEST_CASE(an_unknown_table_is_one_error_with_a_suggestion) {
  BOOST_TEST(errors_with("[bufer]\nretain_entries = 3\nwaiters_max = 4\n") ==
             "a.toml:5:2: unknown table [bufer]; did you mean buffer?\n");
}

BOOST_AUTO_TEST_CASE(a_syntax_error_has_its_place_and_hides_no_error_of_the_environment) {
  const auto reading = read(least + "lanes = [\"main\"\nx", {{"CHASQUI_SITE", "UPPER"}});
  BOOST_REQUIRE(reading.errors.size() == 2U);
  BOOST_TEST(reading.errors[0].line == 6U);
  BOOST_TEST(reading.errors[0].message.starts_with("not TOML: "));
  BOOST_TEST(reading.errors[1].source == "CHASQUI_SITE");
}

BOOST_AUTO_TEST_CASE(all_errors_are_reported_at_once_and_none_twice) {
  const auto errors = all_errors(read("site = 3\n[backoff]\nmin_ms = -1\nmax = 4\n"));
  BOOST_TEST(errors ==
             "a.toml:1:8: site must be a string\n"
             "a.toml:3:10: backoff.min_ms must be 1 to 3600000 milliseconds, not -1\n"
             "a.toml:4:1: unknown key backoff.max; did you mean backoff.max_ms?\n"
             "a.toml: primary.dsn must be set: The primary, as libpq keywords or URI, with the role "
             "chasqui_forwarder\n"
             "a.toml: replica.dsn must be set: The replica at the observatory, as libpq keywords or URI\n"
             "a.toml: redis.socket, redis.host or journal.path must be set: where the log is kept\n");
}

BOOST_AUTO_TEST_CASE(names_that_would_not_fit_redis_or_the_primary_are_refused) {
  for (const std::string bad :
       {"Atacama", "a b", "a:b", "atacama!", "0123456789012345678901234567890123456789x"})
    BOOST_TEST(all_errors(read(least, {{"CHASQUI_SITE", bad}})).find("must be 1 to 40 characters") !=
               std::string::npos);
  BOOST_TEST(all_errors(read(least, {{"CHASQUI_SITE", "0123456789012345678901234567890123456789"}})) == "");
  BOOST_TEST(errors_with("lanes = [\"main\", \"\"]\n").find("must be 1 to 63 characters") !=
             std::string::npos);
  BOOST_TEST(errors_with("lanes = [\"a\", \"b\", \"a\"]\n") == "a.toml:5:9: lanes names 'a' twice\n");
  BOOST_TEST(errors_with("lanes = []\n").starts_with("a.toml:5:9: lanes must be set"));
  BOOST_TEST(errors_with("remote.rights = [\"read\", \"write\"]\n") ==
             "a.toml:5:17: remote.rights: 'write' is none of read, submit and steer\n");
  BOOST_TEST(errors_with("remote.rights = []\n") == "");
}

BOOST_AUTO_TEST_CASE(settings_that_contradict_each_other_are_refused) {
  BOOST_TEST(errors_with("redis.host = \"h\"\n") ==
             "a.toml:5:14: redis.socket and redis.host are both set; keep one of them\n");
  BOOST_TEST(errors_with("backoff.min_ms = 20_000\n") ==
             "a.toml:5:18: backoff.min_ms must not be above backoff.max_ms\n");
  BOOST_TEST(errors_with("backoff.min_ms = 15_000\n") == "");
  BOOST_TEST(errors_with("forwarder.barrier_entries = 20_000\n") ==
             "a.toml:5:29: forwarder.barrier_entries must not be above forwarder.window_entries_max\n");
  BOOST_TEST(errors_with("preflight = \"off\"\npreflight_rows = \"warn\"\n") ==
             "a.toml:6:18: preflight_rows is warn, and preflight is off: without the schema nobody knows "
             "which rows to "
             "look at\n");
  BOOST_TEST(errors_with("watch.idle_ms = 5\n") == "a.toml: watch.busy_ms must not be above watch.idle_ms\n");
  BOOST_TEST(errors_with("buffer.waiting_bytes_max = 1024\n").starts_with("a.toml:5:28: "));
}

BOOST_AUTO_TEST_CASE(nothing_is_published_without_certificate_key_and_ca) {
  BOOST_TEST(errors_with("remote.port = 4711\n").find("without certificate, key and ca") !=
             std::string::npos);
  const scratch_folder folder;
  const auto pem = folder.write("a.pem", "");
  const auto set = [&](const std::string& key) { return "remote." + key + " = \"" + pem + "\"\n"; };
  BOOST_TEST(errors_with("remote.port = 4711\n" + set("certificate") + set("key") + set("ca")) == "");
  BOOST_TEST(errors_with(set("certificate") + set("ca")).find("a.toml: remote.key must be set") == 0U);
  BOOST_TEST(errors_with(set("key")).find("remote.certificate must be set") != std::string::npos);
  BOOST_TEST(errors_with(set("certificate") + set("key") + set("ca") + set("client_key")) ==
             "a.toml: remote.client_certificate and remote.client_key go together\n");
}

BOOST_AUTO_TEST_CASE(a_certificate_that_is_not_there_is_named) {
  const scratch_folder folder;
  const auto pem = folder.write("a.pem", "");
  const auto set = [&](const std::string& key) { return "remote." + key + " = \"" + pem + "\"\n"; };
  const auto gone = (folder.path / "gone.pem").string();
  BOOST_TEST(errors_with(set("certificate") + set("key") + "remote.ca = \"" + gone + "\"\n") ==
             "a.toml:7:13: remote.ca: " + gone + " cannot be read: No such file or directory\n");
}

BOOST_AUTO_TEST_CASE(a_console_needs_no_more_than_the_way_to_the_daemon) {
  const auto for_console = [](const std::string& toml) {
    return read_settings(toml, "a.toml", {}, {}, settings_reader::console);
  };
  const std::string far = "remote.listen = \"192.0.2.1\"\nremote.port = 4711\n";
  BOOST_TEST(all_errors(for_console(far)) == "");
  BOOST_TEST(for_console(far).value.remote.port == 4711);
  BOOST_TEST(all_errors(read(far)) != "");
  // What there is has to be right all the same.
  BOOST_TEST(all_errors(for_console(far + "redis.port = 0\n")) ==
             "a.toml:3:14: redis.port must be 1 to 65535, not 0\n");
  BOOST_TEST(all_errors(for_console("remote.ca = \"/nonexistent/ca.pem\"\n")) ==
             "a.toml:1:13: remote.ca: /nonexistent/ca.pem cannot be read: No such file or directory\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_one_error) {
  const auto gone = read_settings_file("/nonexistent/chasqui.toml", {}, {});
  BOOST_TEST(all_errors(gone) == "/nonexistent/chasqui.toml: cannot be read: No such file or directory\n");
  BOOST_TEST(all_errors(read_settings_file("/tmp", {}, {})).find("/tmp: cannot be read: ") == 0U);
}

BOOST_AUTO_TEST_CASE(a_file_is_read_as_its_text) {
  const scratch_folder folder;
  const auto path = folder.write("chasqui.toml", least + "redis.port = 0\n");
  BOOST_TEST(all_errors(read_settings_file(path, {}, {})) ==
             path + ":5:14: redis.port must be 1 to 65535, not 0\n");
}

BOOST_AUTO_TEST_CASE(every_default_is_within_its_own_range_and_every_variable_is_unique) {
  std::set<std::string> variables;
  for (const auto& key : setting_keys()) {
    settings s;
    if (const auto member = key.member(s); const auto* const* number = std::get_if<milliseconds*>(&member))
      BOOST_TEST(set_number(key, s, (*number)->count()) == "");
    BOOST_TEST(variables.insert(environment_name_of(key)).second, key.name);
    BOOST_TEST(!key.description.empty());
  }
}

BOOST_AUTO_TEST_CASE(the_example_is_read_without_an_error_and_its_defaults_are_the_defaults) {
  BOOST_TEST(all_errors(read(example_settings())) == "");
  std::istringstream lines{example_settings()};
  std::string everything;
  for (std::string line; std::getline(lines, line);)
    everything +=
        (line.starts_with("# ") && line.find(" = ") != std::string::npos ? line.substr(2) : line) + '\n';
  const auto reading = read(everything);
  BOOST_TEST(all_errors(reading).find("redis.socket and redis.host") == std::string::npos);
  BOOST_TEST(all_errors(reading) == "");
  BOOST_TEST(reading.value.forwarder.take_bytes_max == settings{}.forwarder.take_bytes_max);
}

BOOST_AUTO_TEST_CASE(the_example_file_is_what_the_keys_say) {
  const auto* const source = std::getenv("SANDBOX_SOURCE_DIR"); // NOLINT(concurrency-mt-unsafe)
  BOOST_REQUIRE(source != nullptr);
  std::ifstream file{std::filesystem::path{source} / "config/chasqui.example.toml"};
  std::ostringstream text;
  text << file.rdbuf();
  BOOST_TEST(text.str() == example_settings(), "config/chasqui.example.toml must be: " << example_settings());
}
