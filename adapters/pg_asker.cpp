#include "adapters/pg_asker.hpp"

#include <libpq-fe.h>

#include <utility>

namespace chasqui {

namespace {

fault fault_of(const std::string& where, const pg_error& e) {
  const auto is_class = [&e](std::string_view name) { return e.sqlstate.starts_with(name); };
  auto code = fault_code::malformed;
  if (e.ends_session || is_class("08") || is_class("57P") || is_class("53"))
    code = fault_code::link_lost;
  else if (is_class("40")) // The replay had to go first.
    code = fault_code::unavailable;
  else if (e.sqlstate == "57014")
    code = fault_code::timed_out;
  else if (e.sqlstate == "42501")
    code = fault_code::forbidden;
  return {code, where + " answers: " + e.message, ""};
}

} // namespace

pg_asker::pg_asker(io_thread& io, std::string dsn, std::string application_name, std::string where)
    : io_{io}, dsn_{std::move(dsn)},
      application_name_{std::move(application_name)}, where_{std::move(where)}, timer_{io} {}

void pg_asker::give_patience(std::chrono::milliseconds patience) {
  timer_.after(patience, [this, patience] {
    broken_ = true;
    connection_.reset();
    finish({fault_code::timed_out,
            where_ + " did not answer within " + std::to_string(patience.count()) + " ms", ""});
  });
}

void pg_asker::abandon() {
  broken_ = true;
  timer_.cancel();
  connection_.reset();
  finish({fault_code::unavailable, "nobody waits for " + where_ + " any more", ""});
}

void pg_asker::ask(std::vector<pg_question> questions, std::function<void(pg_answers)> then, asked how) {
  questions_ = std::move(questions);
  how_ = how;
  then_ = std::move(then);
  answers_ = {};
  if (broken_)
    return finish({fault_code::link_lost, "the connection to " + where_ + " is gone", ""});
  if (is_connected_)
    return send();
  if (!connection_)
    connection_ = std::make_unique<pg_connection>(io_, dsn_, application_name_, *this);
}

void pg_asker::connected() {
  is_connected_ = true;
  if (then_)
    send();
}

void pg_asker::send() {
  auto* const raw = connection_->raw();
  bool sent = true;
  syncs_due_ = 0;
  const auto sync = [&] {
    ++syncs_due_;
    sent = sent && PQpipelineSync(raw) == 1;
  };
  for (const auto& q : questions_) {
    std::vector<const char*> values;
    for (const auto& p : q.params)
      values.push_back(p.c_str());
    sent = sent && PQsendQueryParams(raw, q.sql.c_str(), static_cast<int>(values.size()), nullptr,
                                     values.data(), nullptr, nullptr, 0) == 1;
    if (how_ == asked::each)
      sync();
  }
  if (syncs_due_ == 0)
    sync();
  if (!sent) {
    broken_ = true;
    return finish({fault_code::link_lost, "the connection to " + where_ + " broke", ""});
  }
  connection_->flush();
}

void pg_asker::received() {
  if (!then_)
    return;
  pg_results results{connection_->raw()};
  while (auto answer = results.next()) {
    if (PQresultStatus(answer.get()) != PGRES_PIPELINE_SYNC)
      take(std::move(answer));
    else if (--syncs_due_ == 0)
      return finish(answers_.problem);
  }
  connection_->flush();
}

void pg_asker::take(pg_answer answer) {
  const auto status = PQresultStatus(answer.get());
  if (status == PGRES_FATAL_ERROR && !answers_.problem) {
    auto problem = fault_of(where_, error_of(answer.get()));
    const bool is_refusal = problem.code == fault_code::malformed || problem.code == fault_code::forbidden;
    if (is_refusal && how_ == asked::each)
      answers_.each.push_back(nullptr);
    else
      answers_.problem = std::move(problem);
  } else if (is_uncalled_for(answer)) {
    answers_.problem = {fault_code::link_lost, where_ + " answered with something that was not asked for",
                        ""};
  } else {
    answers_.each.push_back(std::move(answer));
  }
}

void pg_asker::broken(std::string why) {
  broken_ = true;
  finish({fault_code::link_lost, where_ + " cannot be reached: " + std::move(why), ""});
}

void pg_asker::finish(fault problem) {
  const auto then = std::exchange(then_, nullptr);
  if (!then)
    return;
  answers_.problem = std::move(problem);
  if (answers_.problem)
    answers_.each.clear();
  then(std::exchange(answers_, {}));
}

} // namespace chasqui
