#include "messages/identity.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <unordered_set>

namespace chasqui {

namespace {

using namespace std::chrono_literals;
using namespace std::chrono;

instant at_ms(std::int64_t ms) { return instant{milliseconds{ms}}; }

} // namespace

BOOST_AUTO_TEST_CASE(the_example_of_rfc_9562_comes_out_as_the_rfc_has_it) {
  // RFC 9562, A.6: unix_ts_ms 0x017F22E279B0, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F.
  const auto id = make_uuid7(at_ms(0x017F22E279B0), 0xCC3, 0x18C4DC0C0C07398F);
  BOOST_TEST(to_string(id) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

BOOST_AUTO_TEST_CASE(random_bits_never_touch_time_version_or_variant) {
  constexpr auto ones = std::numeric_limits<std::uint64_t>::max();
  BOOST_TEST(to_string(make_uuid7(at_ms(0x017F22E279B0), ones, ones)) ==
             "017f22e2-79b0-7fff-bfff-ffffffffffff");
  BOOST_TEST(to_string(make_uuid7(at_ms(0x017F22E279B0), 0, 0)) == "017f22e2-79b0-7000-8000-000000000000");
}

BOOST_AUTO_TEST_CASE(later_ids_are_larger) {
  constexpr auto ones = std::numeric_limits<std::uint64_t>::max();
  BOOST_TEST((make_uuid7(at_ms(1000), ones, ones) < make_uuid7(at_ms(1001), 0, 0)));
  BOOST_TEST((make_uuid7(at_ms(1000) + 999us, 5, 5) == make_uuid7(at_ms(1000), 5, 5)));
}

BOOST_AUTO_TEST_CASE(a_uuid_survives_its_text_in_either_case) {
  const std::string text = "0197a4e2-8c1d-7abc-9def-5f2a6b3c4d5e";
  const auto id = parse_uuid(text);
  BOOST_REQUIRE(id.has_value());
  BOOST_TEST(id->high == 0x0197a4e28c1d7abcULL);
  BOOST_TEST(id->low == 0x9def5f2a6b3c4d5eULL);
  BOOST_TEST(to_string(*id) == text);
  BOOST_TEST((parse_uuid("0197A4E2-8C1D-7ABC-9DEF-5F2A6B3C4D5E") == id));
}

BOOST_AUTO_TEST_CASE(only_the_36_character_form_is_a_uuid) {
  for (const std::string_view text : {
           "",
           "0197a4e28c1d7abc9def5f2a6b3c4d5e",
           "{0197a4e2-8c1d-7abc-9def-5f2a6b3c4d5e}",
           "0197a4e2-8c1d-7abc-9def-5f2a6b3c4d5",
           "0197a4e2-8c1d-7abc-9def-5f2a6b3c4d5e ",
           "0197a4e2-8c1d-7abc-9def-5f2a6b3c4d5g",
           "0197a4e2-8c1d-7abc-9def_5f2a6b3c4d5e",
           "0197a4e28-c1d-7abc-9def-5f2a6b3c4d5e",
           "-197a4e2-8c1d-7abc-9def-5f2a6b3c4d5e",
       })
    BOOST_TEST(!parse_uuid(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(the_nil_uuid_is_nil_and_no_other) {
  BOOST_TEST(parse_uuid("00000000-0000-0000-0000-000000000000")->is_nil());
  BOOST_TEST(!parse_uuid("00000000-0000-0000-0000-000000000001")->is_nil());
  BOOST_TEST(!parse_uuid("10000000-0000-0000-0000-000000000000")->is_nil());
}

BOOST_AUTO_TEST_CASE(uuids_hash_by_both_halves) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint64_t n = 0; n < 100; ++n) {
    hashes.insert(std::hash<uuid>{}({n, 0}));
    hashes.insert(std::hash<uuid>{}({1, n << 32U}));
  }
  BOOST_TEST(hashes.size() >= 199U);
}

BOOST_AUTO_TEST_CASE(a_log_position_reads_as_postgresql_writes_it) {
  BOOST_TEST(to_string(lsn{0x16'B374'D848}) == "16/B374D848");
  BOOST_TEST(to_string(lsn{0x16B3740}) == "0/16B3740");
  BOOST_TEST(to_string(lsn{}).empty());
  BOOST_TEST(to_string(lsn{std::numeric_limits<std::uint64_t>::max()}) == "FFFFFFFF/FFFFFFFF");
  BOOST_TEST(parse_lsn("16/B374D848")->value == 0x16'B374'D848U);
  BOOST_TEST(parse_lsn("0/16b3740")->value == 0x16B3740U);
  BOOST_TEST(!parse_lsn("0/0")->known());
}

BOOST_AUTO_TEST_CASE(log_positions_compare_as_numbers) {
  BOOST_TEST((*parse_lsn("9/0") < *parse_lsn("10/0")));
  BOOST_TEST((*parse_lsn("1/FFFFFFFF") < *parse_lsn("2/0")));
}

BOOST_AUTO_TEST_CASE(other_texts_are_no_log_positions) {
  for (const std::string_view text : {"", "/", "1", "1/", "/1", "1/2/3", "1/G", "-1/2", "1/-2", "+1/2",
                                      "1 /2", "0x1/2", "000000001/0", "123456789/0", "0/123456789", "1/2 "})
    BOOST_TEST(!parse_lsn(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(a_time_is_rfc_3339_with_microseconds) {
  const instant at = sys_days{year{2026} / 11 / 22} + 10min + 7us;
  BOOST_TEST(to_string(at) == "2026-11-22T00:10:00.000007Z");
  BOOST_TEST((parse_instant("2026-11-22T00:10:00.000007Z") == at));
  const instant last = sys_days{year{2028} / 2 / 29} + 23h + 59min + 59s + 999'999us;
  BOOST_TEST(to_string(last) == "2028-02-29T23:59:59.999999Z");
  BOOST_TEST((parse_instant(to_string(last)) == last));
}

BOOST_AUTO_TEST_CASE(a_time_before_1970_keeps_its_microseconds) {
  const instant at{-1us};
  BOOST_TEST(to_string(at) == "1969-12-31T23:59:59.999999Z");
  BOOST_TEST((parse_instant(to_string(at)) == at));
}

BOOST_AUTO_TEST_CASE(the_epoch_itself_means_never) { BOOST_TEST(to_string(instant{}).empty()); }

BOOST_AUTO_TEST_CASE(a_time_beyond_four_digits_of_years_is_the_nearest_that_can_be_written) {
  const std::string first = "0000-01-01T00:00:00.000000Z";
  const std::string last = "9999-12-31T23:59:59.999999Z";
  BOOST_TEST(to_string(instant::min()) == first);
  BOOST_TEST(to_string(instant::max()) == last);
  BOOST_TEST((nearest_writable(instant::min()) == parse_instant(first)));
  BOOST_TEST((nearest_writable(instant::max()) == parse_instant(last)));
  BOOST_TEST((nearest_writable(instant{7us}) == instant{7us}));
}

BOOST_AUTO_TEST_CASE(other_texts_are_no_times) {
  for (const std::string_view text : {
           "",
           "2026-11-22T00:10:00Z",
           "2026-11-22T00:10:00.000Z",
           "2026-11-22T00:10:00.0000000Z",
           "2026-11-22 00:10:00.000000Z",
           "2026-11-22T00:10:00.000000+00:00",
           "2026-11-22T00:10:00.000000z",
           "2026-13-22T00:10:00.000000Z",
           "2026-00-22T00:10:00.000000Z",
           "2026-11-31T00:10:00.000000Z",
           "2026-02-29T00:10:00.000000Z",
           "2026-11-22T24:00:00.000000Z",
           "2026-11-22T00:60:00.000000Z",
           "2026-11-22T00:10:60.000000Z",
           "2026-11-22T00:10:00.-00000Z",
           " 026-11-22T00:10:00.000000Z",
       })
    BOOST_TEST(!parse_instant(text).has_value(), text);
}

} // namespace chasqui
