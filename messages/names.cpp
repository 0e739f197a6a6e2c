#include "messages/event.hpp"
#include "messages/log.hpp"
#include "messages/name_table.hpp"
#include "messages/reading.hpp"
#include "messages/status.hpp"

namespace chasqui {

namespace {

constexpr name_table<durability, 2> durabilities{{"buffered", "fsynced"}};
static_assert(durabilities.ends_with(durability::fsynced));

constexpr name_table<store_kind, 2> store_kinds{{"redis", "journal"}};
static_assert(store_kinds.ends_with(store_kind::journal));

constexpr name_table<stage, 8> stages{
    {"buffered", "sent", "committed", "replicated", "released", "rejected", "parked", "discarded"}};
static_assert(stages.ends_with(stage::discarded));

constexpr name_table<letter_action, 3> letter_actions{{"retry", "edit", "discard"}};
static_assert(letter_actions.ends_with(letter_action::discard));

constexpr name_table<event_kind, 16> event_kinds{{"buffered", "sent", "committed", "replicated", "released",
                                                  "rejected", "parked", "settled", "missing", "link", "store",
                                                  "replica", "lag", "supervision", "preflight", "gap"}};
static_assert(event_kinds.ends_with(event_kind::gap));

constexpr name_table<link_phase, 6> link_phases{
    {"connecting", "streaming", "backing_off", "paused", "fenced", "diverged"}};
static_assert(link_phases.ends_with(link_phase::diverged));

constexpr name_table<row_origin, 3> row_origins{{"replica", "pending", "merged"}};
static_assert(row_origins.ends_with(row_origin::merged));

} // namespace

std::string_view to_string(durability value) { return durabilities.name(value); }
std::string_view to_string(store_kind value) { return store_kinds.name(value); }
std::string_view to_string(stage value) { return stages.name(value); }
std::string_view to_string(letter_action value) { return letter_actions.name(value); }
std::string_view to_string(event_kind kind) { return event_kinds.name(kind); }
std::string_view to_string(link_phase phase) { return link_phases.name(phase); }
std::string_view to_string(row_origin value) { return row_origins.name(value); }

std::optional<durability> parse_durability(std::string_view name) { return durabilities.value(name); }
std::optional<store_kind> parse_store_kind(std::string_view name) { return store_kinds.value(name); }
std::optional<stage> parse_stage(std::string_view name) { return stages.value(name); }
std::optional<letter_action> parse_letter_action(std::string_view name) { return letter_actions.value(name); }
std::optional<event_kind> parse_event_kind(std::string_view name) { return event_kinds.value(name); }
std::optional<link_phase> parse_link_phase(std::string_view name) { return link_phases.value(name); }
std::optional<row_origin> parse_row_origin(std::string_view name) { return row_origins.value(name); }

} // namespace chasqui
