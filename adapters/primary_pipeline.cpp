#include "adapters/primary_pipeline.hpp"

#include "adapters/primary_entry.hpp"
#include "adapters/utf8.hpp"

#include <libpq-fe.h>

#include <array>
#include <string_view>
#include <utility>

namespace chasqui {

namespace {

constexpr std::size_t shapes_max = 500;

/// A name without a statement: what a use gets whose preparation failed.
constexpr std::string_view invalid_statement_name = "26000";

/// Fails with SQLSTATE 22023 in any session.
constexpr const char* sure_failure = "refused";
constexpr std::string_view sure_failure_sqlstate = "22023";

/// Ids as PostgreSQL writes and reads an array of them: `{a,b}`.
std::string array_of(const std::vector<uuid>& ids) {
  std::string text = "{";
  for (const auto& id : ids) {
    text += (text.size() > 1 ? "," : "") + to_string(id);
  }
  return text + "}";
}

std::vector<uuid> ids_of(std::string_view array) {
  constexpr std::size_t id_bytes = 36;
  std::vector<uuid> ids;
  for (std::size_t at = 1; at + id_bytes < array.size(); at += id_bytes + 1) {
    ids.push_back(parse_uuid(array.substr(at, id_bytes)).value_or(uuid{}));
  }
  return ids;
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

std::vector<primary_pipeline::preparation> primary_pipeline::preparations(const std::string& lane) {
  return {
      {"advance", "SELECT chasqui.advance(" + lane + ", $1::bigint, $2::uuid)"},
      {"skip", "SELECT chasqui.skip(" + lane + ", $1::bigint, $2::uuid)"},
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

bool primary_pipeline::hand_over(const segment& what) {
  switch (what.kind) {
  case segment_kind::apply:
    return hand_over_entry(what);
  case segment_kind::skip:
    return advance("skip", what.what) && sync(in_flight{what.ticket});
  case segment_kind::reject:
    return hand_over_reject(what);
  case segment_kind::realign:
    return hand_over_realign(what);
  case segment_kind::barrier:
    return hand_over_barrier(what);
  case segment_kind::heartbeat:
    break;
  }
  return run("alive", {}) && sync(in_flight{what.ticket});
}

bool primary_pipeline::hand_over_entry(const segment& what) {
  std::vector<statement> statements;
  if (const auto problem = statements_of(what.what, statements)) {
    return hand_over_refusal(what, problem);
  }
  in_flight next{what.ticket};
  std::vector<std::shared_ptr<shape>> used;
  used.reserve(statements.size());
  // A statement is prepared in a segment of its own, before the entry: within the entry's, an error would
  // undo it.
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
  if (!advance("advance", what.what)) {
    return false;
  }
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (!run(used[i]->name.c_str(), statements[i].params)) {
      return false;
    }
  }
  return sync(std::move(next)) && discard_surplus();
}

/// An entry that cannot be said in SQL keeps its place: behind an entry that fails it must fail on the gap,
/// like any other.
bool primary_pipeline::hand_over_refusal(const segment& what, const fault& why) {
  in_flight next{what.ticket};
  next.refusal = "the payload cannot be carried out: " + why.message;
  if (!why.field.empty()) {
    next.refusal += " (" + why.field + ")";
  }
  return advance("advance", what.what) && run(sure_failure, {}) && sync(std::move(next));
}

bool primary_pipeline::hand_over_reject(const segment& what) {
  const binary_place place{what.what};
  // A dead letter must be writable whatever it holds, or it would block the lane for ever.
  const std::string message = valid_utf8(what.message);
  const std::string payload = valid_utf8(what.what.payload);
  const std::array<const char*, 5> values{place.seq.data(), place.id.data(), what.sqlstate.c_str(),
                                          message.c_str(), payload.c_str()};
  const std::array<int, 5> lengths{8, 16, 0, 0, 0};
  const std::array<int, 5> formats{1, 1, 0, 0, 0};
  return PQsendQueryPrepared(connection_, "reject", 5, values.data(), lengths.data(), formats.data(), 0) ==
             1 &&
         sync(in_flight{what.ticket});
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

bool primary_pipeline::advance(const char* name, const entry& what) {
  const binary_place place{what};
  const std::array<const char*, 2> values{place.seq.data(), place.id.data()};
  const std::array<int, 2> lengths{8, 16};
  const std::array<int, 2> formats{1, 1};
  return PQsendQueryPrepared(connection_, name, 2, values.data(), lengths.data(), formats.data(), 0) == 1;
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

std::string primary_pipeline::collect(std::vector<segment_answer>& answers) {
  // Also while nothing is under way: libpq looks at what the server says of itself only when it is asked.
  int nulls = 0;
  while (PQisBusy(connection_) == 0) {
    const pg_answer result{PQgetResult(connection_)};
    if (result == nullptr) {
      if (under_way_.empty()) {
        return {};
      }
      // Every query's results end with a null; more mean that libpq has lost count.
      if (++nulls > 2) {
        return "libpq has no results for what was sent";
      }
      continue;
    }
    nulls = 0;
    if (under_way_.empty()) {
      return error_of(result.get()).message;
    }
    if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) {
      if (--under_way_.front().syncs_due == 0) {
        finish(answers);
      }
    } else if (auto over = take(result); !over.empty()) {
      return over;
    }
  }
  return {};
}

std::string primary_pipeline::take(const pg_answer& result) {
  auto& front = under_way_.front();
  switch (PQresultStatus(result.get())) {
  case PGRES_FATAL_ERROR: {
    auto e = error_of(result.get());
    if (e.ends_session) {
      return e.message;
    }
    if (front.answer.sqlstate.empty()) {
      front.answer.sqlstate = std::move(e.sqlstate);
      front.answer.message = std::move(e.message);
    }
    return {};
  }
  case PGRES_TUPLES_OK:
    take_row(result);
    return {};
  case PGRES_COMMAND_OK:
  case PGRES_PIPELINE_ABORTED:
    return {};
  default:
    return "the server answered with something that was not asked for";
  }
}

void primary_pipeline::take_row(const pg_answer& result) {
  auto& front = under_way_.front();
  if (front.why == purpose::barrier && front.syncs_due == 1 && front.answer.sqlstate.empty()) {
    front.answer.flushed = parse_lsn(text_of(result, 0, 0)).value_or(lsn{});
    front.answer.timeline = number_of<std::uint32_t>(result, 0, 1, 16);
  } else if (front.why == purpose::realign) {
    front.answer.missing = ids_of(text_of(result, 0, 1));
  }
}

void primary_pipeline::finish(std::vector<segment_answer>& answers) {
  in_flight done = std::move(under_way_.front());
  under_way_.pop_front();
  if (done.why == purpose::prepare) {
    settle_preparation(done);
  }
  if (done.why == purpose::prepare || done.why == purpose::discard) {
    return;
  }
  if (!done.refusal.empty() && done.answer.sqlstate == sure_failure_sqlstate) {
    done.answer.message = std::move(done.refusal);
  } else if (done.answer.sqlstate == invalid_statement_name) {
    for (const auto& one : done.unsure) {
      if (one->now == shape::state::failed) {
        done.answer.sqlstate = one->sqlstate;
        done.answer.message = one->message;
        break;
      }
    }
  }
  answers.push_back(std::move(done.answer));
}

void primary_pipeline::settle_preparation(const in_flight& done) {
  auto& one = *done.unsure.front();
  if (done.answer.sqlstate.empty()) {
    one.now = shape::state::ready;
    return;
  }
  one.now = shape::state::failed;
  one.sqlstate = done.answer.sqlstate;
  one.message = done.answer.message;
  shapes_.forget(one);
}

} // namespace chasqui
