#include "runtime/console/commands.hpp"
#include "runtime/console/options.hpp"
#include "runtime/console/submitter.hpp"
#include "runtime/console_lines.hpp"
#include "runtime/topology.hpp"

#include <CLI/CLI.hpp>
#include <caf/send.hpp>

#include <array>
#include <chrono>
#include <random>
#include <unordered_map>

#include <fcntl.h>
#include <poll.h>

namespace chasqui {

namespace {

constexpr std::size_t window_lines_max = 1000;
constexpr std::size_t window_bytes_max = 16U << 20U;
constexpr std::size_t read_bytes = 64U << 10U;

struct submit_options {
  std::string file = "-";
  std::string wait = "buffered";
  std::chrono::milliseconds timeout{30'000};
  bool unchecked = false;
};

/// The input: a file, or standard input.
class input {
public:
  explicit input(const std::string& path)
      : fd_{path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)},
        buffer_(read_bytes, '\0') {
    if (fd_ < 0)
      throw stop{usage, path + " cannot be read: " + std::generic_category().message(errno)};
  }
  input(const input&) = delete;
  input& operator=(const input&) = delete;
  ~input() {
    if (fd_ != STDIN_FILENO)
      close(fd_);
  }

  [[nodiscard]] int fd() const { return fd_; }

  /// What could be read; "" at the end.
  std::string_view read_some() {
    for (;;) {
      const auto count = read(fd_, buffer_.data(), buffer_.size());
      if (count >= 0)
        return std::string_view{buffer_}.substr(0, static_cast<std::size_t>(count));
      if (errno != EINTR)
        throw stop{failed, "the input cannot be read: " + std::generic_category().message(errno)};
    }
  }

private:
  int fd_;
  std::string buffer_;
};

/// One run of `submit`: lines go to the actor within the window, results leave in order.
class submit_run {
public:
  submit_run(console& c, const submit_options& o)
      : limits_{limits_of_transactions(c.configured())}, lines_{limits_.bytes_max}, input_{o.file},
        unchecked_{o.unchecked} {
    auto& client = c.connected();
    std::optional<stage> wanted;
    if (o.wait != "buffered")
      wanted = o.wait == "committed" ? stage::committed : stage::replicated;
    actor_ = client.system().spawn(submitter, submit_order{client.gatekeeper(), wanted, o.timeout, box_});
  }
  submit_run(const submit_run&) = delete;
  submit_run& operator=(const submit_run&) = delete;
  ~submit_run() { caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown); }

  int run() {
    while (!is_over()) {
      send_lines();
      take_results();
      if (!print_results() && !is_over())
        wait_for_more();
    }
    if (count(verdict::gone) == 0)
      return exit_code_of_results();
    say("the daemon went away; nothing behind line " + std::to_string(lines_.last_number()) + " was sent");
    return unreachable;
  }

private:
  [[nodiscard]] bool has_room() const {
    return results_.open() < window_lines_max && bytes_ < window_bytes_max && count(verdict::gone) == 0;
  }

  [[nodiscard]] bool is_over() const {
    return results_.open() == 0 && ((ended_ && starved_) || count(verdict::gone) != 0);
  }

  void send_lines() {
    while (has_room()) {
      auto line = lines_.next();
      starved_ = !line;
      if (starved_)
        return;
      send_line(std::move(*line));
    }
  }

  void send_line(line_splitter::line line) {
    const auto ticket = results_.take_ticket();
    if (line.too_long) {
      const fault why{fault_code::over_limit, "The line is longer than limits.transaction_bytes_max.", ""};
      take_result({ticket, verdict::refused, error_line(line.number, to_line_error(why))});
      return;
    }
    auto [text, id] = identify(std::move(line.text), make_uuid7(system_time(), random_), limits_);
    bytes_ += text.size();
    sizes_[ticket] = text.size();
    caf::anon_send(actor_, ticket, line.number, std::move(id), submission{std::move(text), unchecked_});
  }

  void take_results() {
    for (auto& result : box_->drain())
      take_result(std::move(result));
  }

  void take_result(settled result) {
    ++counts_.at(static_cast<std::size_t>(result.how));
    if (const auto size = sizes_.extract(result.ticket))
      bytes_ -= size.mapped();
    results_.settle(result.ticket, std::move(result.line));
  }

  /// Whether there was anything to print.
  bool print_results() {
    std::string text;
    while (auto line = results_.next())
      text += *line;
    if (!write_out(text))
      throw stop{failed, "nobody reads standard output; what was not printed may be kept"};
    return !text.empty();
  }

  void wait_for_more() {
    const bool reads = starved_ && !ended_ && has_room();
    std::array<pollfd, 2> waiting{pollfd{box_->fd(), POLLIN, 0}, pollfd{reads ? input_.fd() : -1, POLLIN, 0}};
    poll(waiting.data(), waiting.size(), -1);
    if (waiting[1].revents == 0)
      return;
    const auto chunk = input_.read_some();
    lines_.feed(chunk);
    starved_ = false;
    if (chunk.empty()) {
      ended_ = true;
      lines_.finish();
    }
  }

  [[nodiscard]] std::size_t count(verdict how) const { return counts_.at(static_cast<std::size_t>(how)); }

  [[nodiscard]] int exit_code_of_results() const {
    if (count(verdict::timed_out) != 0)
      return timed_out;
    return count(verdict::refused) != 0 ? failed : done;
  }

  transaction_limits limits_;
  line_splitter lines_;
  input input_;
  bool unchecked_;
  bool starved_ = false; ///< The splitter has no complete line.
  bool ended_ = false;   ///< Nothing more can be read.
  ordered_results results_;
  std::unordered_map<std::uint64_t, std::size_t> sizes_; ///< Bytes under way, by ticket.
  std::size_t bytes_ = 0;
  std::array<std::size_t, 4> counts_{}; ///< By verdict.
  std::random_device random_;           ///< Ids must not collide, so no seeded generator.
  std::shared_ptr<settled_box> box_ = std::make_shared<settled_box>();
  caf::actor actor_;
};

} // namespace

void add_submit(CLI::App& app, console& c, action& run) {
  auto o = std::make_shared<submit_options>();
  auto* const command =
      app.add_subcommand("submit", "Transactions in, receipts out: a JSON object a line, in the same order");
  command->add_option("file", o->file, "NDJSON, - is standard input")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_option("--wait", o->wait, "Print a receipt once its transaction has come so far")
      ->check(CLI::IsMember({"buffered", "committed", "replicated"}))
      ->capture_default_str();
  command->add_flag("--no-preflight", o->unchecked,
                    "Keep also what the schema known at the site refuses (takes the right to steer)");
  add_timeout(*command, o->timeout, "How long one line may take");
  command->callback([&c, &run, o] { run = [&c, o] { return submit_run{c, *o}.run(); }; });
}

} // namespace chasqui
