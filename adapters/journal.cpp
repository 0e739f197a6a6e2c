#include "adapters/journal.hpp"

#include "adapters/job_queue.hpp"
#include "adapters/journal_changes.hpp"
#include "adapters/journal_decisions.hpp"
#include "adapters/journal_entries.hpp"
#include "adapters/journal_index.hpp"
#include "adapters/journal_letters.hpp"
#include "adapters/journal_roll.hpp"
#include "adapters/journal_session.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>
#include <utility>

namespace chasqui {
namespace {

constexpr std::uint64_t call_bytes = 256; ///< What a call costs beside its payload, more or less.

std::uint64_t bytes_of(const std::vector<append_item>& items) {
  std::uint64_t bytes = call_bytes;
  for (const auto& item : items)
    bytes += sizeof item + item.payload.size();
  return bytes;
}

std::uint64_t bytes_of(const std::vector<entry>& entries) {
  std::uint64_t bytes = call_bytes;
  for (const auto& e : entries)
    bytes += sizeof e + e.payload.size();
  return bytes;
}

/// What the journal and its thread share. A call belongs to a turn, which ends with `close`.
struct desk {
  desk(std::string site, const journal_settings& settings)
      : queue{settings.queue_calls_max, settings.queue_bytes_max}, session{std::move(site), settings} {}

  job_queue queue;
  std::atomic<std::uint64_t> turn{0};
  journal_session session; ///< For the thread alone.
  bool tidies = false;     ///< The same. It is being tidied up after the log was opened or cleared.
};

using step = std::function<progress(journal_session&)>;

/// Carries out a step, and the next one behind the calls that have come meanwhile.
void go_on(const std::shared_ptr<desk>& at, std::uint64_t turn, const step& next,
           const handler<fault>& then) {
  if (at->turn != turn)
    return then(at->session.closed());
  const auto made = next(at->session);
  if (made.problem || !made.more)
    then(made.problem);
  else
    at->queue.insist([at, turn, next, then] { go_on(at, turn, next, then); });
}

/// Trimmed, cleared: what was cleared is removed, be it by an earlier run; what is unused then goes back to
/// the disk, and the reserve comes back.
progress tidy_up(journal_session& s) {
  auto made = s.settle<progress>([](auto& file) { return remove_cleared(file); });
  if (!made.problem && !made.more)
    made = s.settle<progress>([](auto& file) { return shrink_file(file); });
  if (!made.problem && !made.more)
    s.refill();
  return made;
}

/// The same in steps, for as long as the file is open. What breaks off goes on after the next call that
/// tidies up.
void tidy_on(const std::shared_ptr<desk>& at) {
  const auto made = tidy_up(at->session);
  at->tidies = !made.problem && made.more;
  if (at->tidies)
    at->queue.insist([at] { tidy_on(at); });
}

class journal final : public journal_store {
public:
  journal(std::string site, const journal_settings& settings)
      : path_{settings.path}, desk_{std::make_shared<desk>(std::move(site), settings)}, thread_{[at = desk_] {
          at->queue.run();
        }} {}
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;
  ~journal() override;

  void open(std::vector<std::string> lanes, handler<log_opened> then) override {
    call(call_bytes, and_then_tidy_up(std::move(then)),
         [lanes = std::move(lanes)](auto& s) { return s.open(lanes); });
  }
  void append(std::vector<append_item> items, handler<append_result> then) override {
    const auto bytes = bytes_of(items);
    call(bytes, std::move(then), [items = std::move(items)](auto& s) {
      return s.template add<append_result>([&](auto& file) { return append_entries(file, items); });
    });
  }
  void read(take what, handler<log_slice> then) override {
    call(call_bytes, std::move(then), [what = std::move(what)](auto& s) {
      return s.template add<log_slice>([&](auto& file) { return read_entries(file, what); });
    });
  }
  void look_up(chasqui::look_up what, handler<lookup_page> then) override {
    call(call_bytes, std::move(then), [what = std::move(what)](auto& s) {
      return s.template add<lookup_page>([&](auto& file) { return look_up_entries(file, what); });
    });
  }
  void mark(lane_marks marks, seqno trim_through, handler<fault> then) override;
  void bury(rejected why, handler<fault> then) override {
    const auto bytes = call_bytes + why.message.size();
    call(bytes, std::move(then), [why = std::move(why)](auto& s) {
      return s.template settle<fault>([&](auto& file) { return bury_entry(file, why); });
    });
  }
  void settle(resolved what, handler<fault> then) override {
    const auto bytes = call_bytes + what.letters.size() * 2 * sizeof(settled_letter);
    call(bytes, std::move(then), [what = std::move(what)](auto& s) {
      return s.template settle<fault>([&](auto& file) { return settle_letters(file, what); });
    });
  }
  void list_decisions(chasqui::list_decisions what, handler<decisions_page> then) override {
    call(call_bytes, std::move(then), [what](auto& s) {
      return s.template add<decisions_page>([&](auto& file) { return list_decided(file, what); });
    });
  }
  void find(uuid id, handler<log_place> then) override {
    call(call_bytes, std::move(then), [id](auto& s) {
      return s.template add<log_place>([&](auto& file) { return find_entry(file, id); });
    });
  }
  void list_dead(chasqui::list_dead what, handler<dead_page> then) override {
    call(call_bytes, std::move(then), [what](auto& s) {
      return s.template add<dead_page>([&](auto& file) { return list_letters(file, what); });
    });
  }
  void adopt(lane_marks marks, handler<fault> then) override {
    call(call_bytes, std::move(then), [marks = std::move(marks)](auto& s) {
      return s.template settle<fault>([&](auto& file) { return adopt_marks(file, marks); });
    });
  }
  void import(std::string lane, std::vector<entry> entries, handler<fault> then) override {
    const auto bytes = bytes_of(entries);
    call(bytes, std::move(then), [lane = std::move(lane), entries = std::move(entries)](auto& s) {
      return s.template add<fault>([&](auto& file) { return import_entries(file, lane, entries); });
    });
  }
  void renumber(std::string lane, seqno first, handler<fault> then) override {
    call(call_bytes, std::move(then), [lane = std::move(lane), first](auto& s) {
      return s.template settle<fault>([&](auto& file) { return renumber_lane(file, lane, first); });
    });
  }
  void note(epoch_no epoch, std::vector<roll_line> lines, handler<fault> then) override {
    const auto bytes = call_bytes + lines.size() * sizeof(roll_line);
    call(bytes, std::move(then), [epoch, lines = std::move(lines)](auto& s) {
      return s.template add<fault>([&](auto& file) { return note_lines(file, epoch, lines); });
    });
  }
  void call_roll(std::string lane, seqno from, seqno to, std::uint64_t lines_max,
                 handler<roll_page> then) override {
    call(call_bytes, std::move(then), [lane = std::move(lane), from, to, lines_max](auto& s) {
      return s.template add<roll_page>(
          [&](auto& file) { return call_lines(file, lane, from, to, lines_max); });
    });
  }
  void strike(std::string lane, seqno through, handler<fault> then) override;
  void clear(handler<fault> then) override;
  void close() override;

private:
  template <class Answer, class Work> void call(std::uint64_t bytes, handler<Answer> then, Work work) {
    const auto job = [at = desk_, turn = desk_->turn.load(), then, work = std::move(work)] {
      then(at->turn == turn ? work(at->session) : unanswered<Answer>(at->session.closed()));
    };
    if (!desk_->queue.offer(bytes, job))
      then(unanswered<Answer>(overloaded()));
  }
  void call_in_steps(const handler<fault>& then, step work) {
    const auto job = [at = desk_, turn = desk_->turn.load(), then, work = std::move(work)] {
      go_on(at, turn, work, then);
    };
    if (!desk_->queue.offer(call_bytes, job))
      then(overloaded());
  }
  template <class Answer> handler<Answer> and_then_tidy_up(handler<Answer> then) {
    return [at = desk_, then = std::move(then)](Answer answer) {
      const bool failed{problem_of(answer)};
      then(std::move(answer));
      if (!failed && !std::exchange(at->tidies, true))
        at->queue.insist([at] { tidy_on(at); });
    };
  }
  [[nodiscard]] fault overloaded() const {
    return {fault_code::overloaded,
            "The journal " + path_ +
                " has as many calls waiting as it may (journal.queue_bytes_max): its disk " +
                "is too slow. Nothing was done; try again.",
            ""};
  }

  std::string path_;
  std::shared_ptr<desk> desk_;
  std::thread thread_;
};

// The last one to let go may be a handler, on the journal's own thread: that ends by itself then.
journal::~journal() {
  journal::close();
  desk_->queue.stop();
  if (thread_.get_id() == std::this_thread::get_id())
    thread_.detach();
  else
    thread_.join();
}

void journal::mark(lane_marks marks, seqno trim_through, handler<fault> then) {
  // Later marks may be saved between this step and the next one: the next one saves none.
  enum class stage { saving, trimming, tidying };
  call_in_steps(then, [marks = std::move(marks), trim_through,
                       now = std::make_shared<stage>(stage::saving)](journal_session& s) {
    if (*now == stage::tidying)
      return tidy_up(s);
    auto made = s.settle<progress>([&](auto& file) {
      return *now == stage::saving ? mark_lane(file, marks, trim_through)
                                   : trim_lane(file, marks.lane, trim_through);
    });
    *now = made.more ? stage::trimming : stage::tidying;
    made.more = trim_through != 0;
    return made;
  });
}

void journal::strike(std::string lane, seqno through, handler<fault> then) {
  call_in_steps(and_then_tidy_up(std::move(then)), [lane = std::move(lane), through,
                                                    from = std::make_shared<seqno>(0)](journal_session& s) {
    return s.settle<progress>([&](auto& file) { return strike_lines(file, lane, *from, through); });
  });
}

void journal::clear(handler<fault> then) {
  call(call_bytes, and_then_tidy_up(std::move(then)), [](journal_session& s) {
    return s.settle<fault>([&](auto& file) { return clear_entries(file, s.lanes()); });
  });
}

void journal::close() {
  ++desk_->turn;
  desk_->queue.insist([at = desk_] { at->session.shut("it was closed."); });
}

} // namespace

std::shared_ptr<journal_store> make_journal(std::string site, journal_settings settings) {
  settings.path = std::filesystem::absolute(settings.path).string();
  return std::make_shared<journal>(std::move(site), settings);
}

} // namespace chasqui
