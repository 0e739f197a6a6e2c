// What comes back through the pipeline.

#include "adapters/primary_letters.hpp"
#include "adapters/primary_pipeline.hpp"

#include <libpq-fe.h>

#include <cstddef>
#include <string_view>
#include <utility>

namespace chasqui {

namespace {

/// A name without a statement: what a use gets whose preparation failed.
constexpr std::string_view invalid_statement_name = "26000";

entry_outcome outcome_of(std::string_view text) {
  return text == "applied"   ? entry_outcome::applied
         : text == "skipped" ? entry_outcome::skipped
         : text == "parked"  ? entry_outcome::parked
         : text == "waits"   ? entry_outcome::waits
         : text == "more"    ? entry_outcome::more
                             : entry_outcome::rejected;
}

} // namespace

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
  } else if ((front.why == purpose::attempt || front.why == purpose::decision) && front.refusal.empty()) {
    take_verdict(result, front.why == purpose::decision, front.answer);
  } else if (front.why == purpose::realign) {
    front.answer.missing = uuids_of(text_of(result, 0, 1));
  }
}

void primary_pipeline::take_verdict(const pg_answer& result, bool on_decision, segment_answer& answer) {
  answer.outcome = outcome_of(text_of(result, 0, 0));
  answer.reject_sqlstate = text_of(result, 0, 1);
  answer.reject_message = text_of(result, 0, 2);
  answer.letters = number_of<std::uint64_t>(result, 0, 3);
  if (on_decision) {
    answer.settled = settled_letters_of(text_of(result, 0, 4));
  } else if (answer.outcome == entry_outcome::waits) {
    answer.waits_for = parse_uuid(answer.reject_message).value_or(uuid{});
  } else {
    answer.behind = uuids_of(text_of(result, 0, 4));
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
  if (done.why == purpose::attempt && !done.refusal.empty() && done.answer.sqlstate.empty()) {
    done.answer.outcome = entry_outcome::rejected;
    done.answer.letters = 1; // At least this one.
    done.answer.reject_sqlstate = sure_failure_sqlstate;
    done.answer.reject_message = std::move(done.refusal);
  } else if (!done.refusal.empty() && done.answer.sqlstate == sure_failure_sqlstate) {
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
  const auto first = done.answer.ticket;
  for (std::uint64_t i = 1; i <= done.joined; ++i) {
    answers.push_back(done.answer);
    answers.back().ticket = first + i - 1;
  }
  done.answer.ticket = first + done.joined;
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
