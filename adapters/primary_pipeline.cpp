#include "adapters/primary_pipeline.hpp"

#include "adapters/primary_entry.hpp"
#include "adapters/utf8.hpp"
#include "messages/json.hpp"

#include <libpq-fe.h>

#include <array>
#include <string_view>
#include <utility>
#include <variant>

namespace chasqui {

namespace {

constexpr std::size_t shapes_max = 500;

/// What shares a transaction fails together and is sent again, so that more is not always better; beyond this
/// there is little left to save.
constexpr std::size_t joined_entries_max = 64;

/// Fails with SQLSTATE 22023 in any session.
constexpr const char* sure_failure = "refused";

/// Ids as PostgreSQL reads an array of them: `{a,b}`.
std::string array_of(const std::vector<uuid>& ids) {
  std::string text = "{";
  for (const auto& id : ids) {
    text += (text.size() > 1 ? "," : "") + to_string(id);
  }
  return text + "}";
}

std::string refusal_of(const fault& why) {
  return "the payload cannot be carried out: " + why.message +
         (why.field.empty() ? "" : " (" + why.field + ")");
}

/// An entry's seq and id in PostgreSQL's binary form: big-endian.
struct binary_place {
  explicit binary_place(const entry& what) {
    put(seq.data(), what.seq);
    put(id.data(), what.id.high);
    put(id.data() + 8, what.id.low);
  }

  static void put(char* to, std::uint64_t value) {
    for (unsigned shift = 64; shift > 0; shift -= 8) {
      *to++ = static_cast<char>(value >> (shift - 8) & 0xFFU);
    }
  }

  std::array<char, 8> seq{};
  std::array<char, 16> id{};
};

} // namespace

std::vector<primary_pipeline::preparation> primary_pipeline::preparations(const std::string& lane,
                                                                          const std::string& passing) {
  return {
      {"advance", "SELECT chasqui.advance(" + lane + ", $1::bigint, $2::uuid[])"},
      {"attempt", "SELECT * FROM chasqui.attempt(" + lane + ", " + passing +
                      ", $1::bigint, $2::uuid, $3::text, $4::text, $5::uuid[], $6::boolean)"},
      {"resolve",
       "SELECT * FROM chasqui.resolve(" + lane + ", " + passing +
           ", $1::bigint, $2::uuid, $3::text, $4::uuid, $5::boolean, $6::text, $7::text, $8::text, "
           "$9::text)"},
      {"reject", "SELECT chasqui.reject(" + lane + ", $1::bigint, $2::uuid, $3::text, $4::text, $5::text)"},
      {"realign", "SELECT set_config('synchronous_commit', 'on', true), chasqui.realign(" + lane +
                      ", $1::bigint, $2::bigint, $3::uuid[])"},
      {"barrier", "SELECT set_config('synchronous_commit', 'on', true), chasqui.barrier(" + lane + ")"},
      // The first eight digits of a WAL file's name are the timeline.
      {"flushed", "SELECT pg_current_wal_flush_lsn(), left(pg_walfile_name(pg_current_wal_flush_lsn()), 8)"},
      {"alive", "SELECT"},
      {sure_failure, "SELECT encode(''::bytea, 'what cannot be decoded')"},
  };
}

primary_pipeline::primary_pipeline(pg_conn* connection) : connection_{connection}, shapes_{shapes_max} {}

bool primary_pipeline::may_join(const std::vector<segment>& together, std::uint64_t bytes,
                                const segment& next) {
  return together.empty() || (together.front().kind == segment_kind::apply &&
                              next.kind == segment_kind::apply && together.size() < joined_entries_max &&
                              bytes + next.what.payload.size() <= segments_joined_bytes_max);
}

bool primary_pipeline::hand_over(const std::vector<segment>& together) {
  return together.front().kind == segment_kind::apply ? hand_over_entries(together)
                                                      : hand_over_alone(together.front());
}

bool primary_pipeline::hand_over_alone(const segment& what) {
  switch (what.kind) {
  case segment_kind::attempt:
    return hand_over_attempt(what);
  case segment_kind::realign:
    return hand_over_realign(what);
  case segment_kind::barrier:
    return hand_over_barrier(what);
  case segment_kind::apply:
  case segment_kind::heartbeat:
    break;
  }
  return run("alive", {}) && sync(in_flight{what.ticket, purpose::heartbeat});
}

bool primary_pipeline::hand_over_entries(const std::vector<segment>& together) {
  std::vector<statement> statements;
  for (const auto& one : together) { // What depends on others comes as an attempt.
    if (const auto problem = statements_of(one.what.payload, statements)) {
      return hand_over_refusal(together, problem);
    }
  }
  join_inserts(statements);
  in_flight next{together.front().ticket};
  next.joined = together.size() - 1;
  std::vector<std::shared_ptr<shape>> used;
  if (!prepare_for(statements, used, next) || !advance(together)) {
    return false;
  }
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (!run(used[i]->name.c_str(), statements[i].params)) {
      return false;
    }
  }
  return sync(std::move(next)) && discard_surplus();
}

/// A statement is prepared in a segment of its own, before the entry: within the entry's, an error would undo
/// it.
bool primary_pipeline::prepare_for(const std::vector<statement>& statements,
                                   std::vector<std::shared_ptr<shape>>& used, in_flight& next) {
  used.reserve(statements.size());
  for (const auto& s : statements) {
    auto one = shapes_.find(s.sql);
    if (one == nullptr) {
      one = shapes_.add(s.sql);
      if (!prepare(one, s.sql)) {
        return false;
      }
    }
    if (one->now == shape::state::preparing) {
      next.unsure.push_back(one);
    }
    used.push_back(std::move(one));
  }
  return true;
}

/// Entries that cannot be said in SQL keep their place: behind an entry that fails they must fail on the gap,
/// like any other.
bool primary_pipeline::hand_over_refusal(const std::vector<segment>& together, const fault& why) {
  in_flight next{together.front().ticket};
  next.joined = together.size() - 1;
  next.refusal = refusal_of(why);
  return advance(together) && run(sure_failure, {}) && sync(std::move(next));
}

bool primary_pipeline::hand_over_attempt(const segment& what) {
  if (is_decision(what.what.payload)) {
    return hand_over_decision(what);
  }
  std::vector<statement> statements;
  std::vector<uuid> depends_on;
  if (const auto problem = statements_of(what.what.payload, statements, depends_on)) {
    return hand_over_reject(what, problem);
  }
  return decide("attempt", what.what,
                {json_of(statements), what.what.payload, array_of(depends_on), what.final ? "t" : "f"}) &&
         sync(in_flight{what.ticket, purpose::attempt});
}

bool primary_pipeline::hand_over_decision(const segment& what) {
  const auto decoded = decode_decision(what.what.payload);
  if (const auto* problem = std::get_if<fault>(&decoded)) {
    return hand_over_reject(what, *problem);
  }
  const auto& d = std::get<decision>(decoded);
  std::vector<statement> statements;
  std::vector<uuid> depends_on;
  std::optional<std::string> steps;
  if (d.action == letter_action::edit && !statements_of(d.transaction, statements, depends_on)) {
    steps = json_of(statements);
  }
  return decide("resolve", what.what,
                {std::string{to_string(d.action)}, to_string(d.letter), d.family ? "t" : "f", d.made_by,
                 d.reason, std::move(steps), d.transaction}) &&
         sync(in_flight{what.ticket, purpose::decision});
}

bool primary_pipeline::hand_over_reject(const segment& what, const fault& why) {
  in_flight next{what.ticket, purpose::attempt};
  next.refusal = refusal_of(why);
  return decide("reject", what.what, {sure_failure_sqlstate, next.refusal, what.what.payload}) &&
         sync(std::move(next));
}

bool primary_pipeline::hand_over_realign(const segment& what) {
  const auto& over = what.over;
  return run("realign", {std::to_string(over.from), std::to_string(over.to), array_of(over.suspects)}) &&
         sync(in_flight{what.ticket, purpose::realign});
}

bool primary_pipeline::hand_over_barrier(const segment& what) {
  // The WAL's position is asked for in a second segment: only then has the first one committed.
  return run("barrier", {}) && PQpipelineSync(connection_) == 1 && run("flushed", {}) &&
         sync(in_flight{what.ticket, purpose::barrier});
}

bool primary_pipeline::advance(const std::vector<segment>& together) {
  std::vector<uuid> ids;
  ids.reserve(together.size());
  for (const auto& one : together) {
    ids.push_back(one.what.id);
  }
  return run("advance", {std::to_string(together.front().what.seq), array_of(ids)});
}

/// Runs a statement that leaves an entry's fate to the primary. A dead letter must be writable whatever it
/// holds, or it would block the lane for ever.
bool primary_pipeline::decide(const char* name, const entry& what,
                              std::vector<std::optional<std::string>> texts) {
  const binary_place place{what};
  std::vector<const char*> values{place.seq.data(), place.id.data()};
  std::vector<int> lengths{8, 16};
  std::vector<int> formats{1, 1};
  for (auto& text : texts) {
    if (text) {
      *text = valid_utf8(*text);
    }
    values.push_back(text ? text->c_str() : nullptr);
    lengths.push_back(0);
    formats.push_back(0);
  }
  return PQsendQueryPrepared(connection_, name, static_cast<int>(values.size()), values.data(),
                             lengths.data(), formats.data(), 0) == 1;
}

bool primary_pipeline::prepare(std::shared_ptr<shape> made, const std::string& sql) {
  if (PQsendPrepare(connection_, made->name.c_str(), sql.c_str(), 0, nullptr) != 1) {
    return false;
  }
  in_flight next{0, purpose::prepare};
  next.unsure.push_back(std::move(made));
  return sync(std::move(next));
}

/// Statements that are no longer wanted go after the entry: it may still use them itself.
bool primary_pipeline::discard_surplus() {
  while (const auto surplus = shapes_.evict()) {
    const std::string sql = "DEALLOCATE " + surplus->name;
    if (PQsendQueryParams(connection_, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) != 1 ||
        !sync(in_flight{0, purpose::discard})) {
      return false;
    }
  }
  return true;
}

bool primary_pipeline::run(const char* name, const std::vector<std::string>& params) {
  std::array<const char*, 3> values{};
  for (std::size_t i = 0; i < params.size(); ++i) {
    values.at(i) = params[i].c_str();
  }
  return PQsendQueryPrepared(connection_, name, static_cast<int>(params.size()), values.data(), nullptr,
                             nullptr, 0) == 1;
}

bool primary_pipeline::sync(in_flight next) {
  if (PQpipelineSync(connection_) != 1) {
    return false;
  }
  under_way_.push_back(std::move(next));
  return true;
}

} // namespace chasqui
