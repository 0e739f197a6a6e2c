#include "tests/support/child_process.hpp"

#include "tests/support/wait_until.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace chasqui::test {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

struct launch {
  std::vector<char*> argv;
  const char* folder;
  int output;
  int complaint; ///< Takes errno if the program cannot be run; closes by itself if it can.
  pid_t parent;
};

// Between fork and exec, and the parent may have threads: nothing here may allocate or lock.
[[noreturn]] void become(const launch& how) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  const bool orphan = ::getppid() != how.parent;
  if (!orphan && ::dup2(how.output, STDOUT_FILENO) >= 0 && ::dup2(how.output, STDERR_FILENO) >= 0 &&
      (*how.folder == '\0' || ::chdir(how.folder) == 0))
    ::execvp(how.argv.front(), how.argv.data());
  const int why = errno;
  [[maybe_unused]] const auto written = ::write(how.complaint, &why, sizeof why);
  ::_exit(127);
}

int open_output(const std::string& file) {
  const char* path = file.empty() ? "/dev/null" : file.c_str();
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0)
    fail(path);
  return fd;
}

} // namespace

child_process::child_process(const std::vector<std::string>& argv, const options& how) {
  std::vector<std::string> words = argv;
  std::array<int, 2> complaint{};
  const int output = open_output(how.output);
  if (::pipe2(complaint.data(), O_CLOEXEC) != 0)
    fail("pipe2");
  launch order{{}, how.folder.c_str(), output, complaint[1], ::getpid()};
  for (auto& word : words)
    order.argv.push_back(word.data());
  order.argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0)
    become(order);
  const int forked = errno;
  ::close(output);
  ::close(complaint[1]);
  int why = 0;
  const bool refused = pid_ > 0 && ::read(complaint[0], &why, sizeof why) == sizeof why;
  ::close(complaint[0]);
  if (pid_ > 0 && !refused)
    return;
  if (refused)
    ::waitpid(pid_, nullptr, 0);
  errno = refused ? why : forked;
  fail(argv.front().c_str());
}

child_process::~child_process() { kill_and_wait(); }

void child_process::signal(int number) {
  if (running())
    ::kill(pid_, number);
}

bool child_process::running() {
  reap(false);
  return !ended_;
}

std::optional<int> child_process::wait(time_point deadline) {
  wait_until([this] { return !running(); }, deadline);
  return ended_;
}

void child_process::kill_and_wait() {
  signal(SIGKILL);
  reap(true);
}

void child_process::reap(bool blocking) {
  if (ended_)
    return;
  int status = 0;
  pid_t gone = 0;
  do
    gone = ::waitpid(pid_, &status, blocking ? 0 : WNOHANG);
  while (gone < 0 && errno == EINTR);
  if (gone == pid_)
    ended_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  else if (gone < 0)
    ended_ = -1; // Somebody else took its status.
}

} // namespace chasqui::test
