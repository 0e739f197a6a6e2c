#include "adapters/schema_file.hpp"

#include "adapters/job_queue.hpp"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <sstream>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace chasqui {

namespace {

constexpr const char* first_word = "chasqui-schema-1";

std::string sum_of(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    throw std::bad_alloc{};
  std::string out;
  for (unsigned i = 0; i < length; ++i)
    (out += digits[digest.at(i) >> 4U]) += digits[digest.at(i) & 0xFU];
  return out;
}

fault trouble(const std::string& path, const std::string& what) {
  return {fault_code::store_unavailable, "the schema cannot be kept in " + path + ": " + what, {}};
}

std::string reason() { return std::generic_category().message(errno); }

/// An open file, for writing.
class new_file {
public:
  explicit new_file(const std::string& path, int flags)
      : fd_{::open(path.c_str(), flags | O_CLOEXEC, 0600)} {}
  new_file(const new_file&) = delete;
  new_file& operator=(const new_file&) = delete;
  ~new_file() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  bool write(std::string_view text) {
    while (!text.empty()) {
      const auto count = ::write(fd_, text.data(), text.size());
      if (count < 0 && errno != EINTR)
        return false;
      text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    return true;
  }
  bool flush() { return ::fsync(fd_) == 0; }

private:
  int fd_;
};

/// The path, and what stands in it.
class schema_file {
public:
  schema_file(std::string path, std::uint64_t bytes_max) : path_{std::move(path)}, bytes_max_{bytes_max} {}

  [[nodiscard]] kept_schema load() const;
  [[nodiscard]] fault save(const kept_schema& what) const;

private:
  [[nodiscard]] kept_schema unusable(const std::string& why) const {
    return {
        {fault_code::malformed, "the schema that was kept in " + path_ + " is not used: " + why, {}}, {}, {}};
  }

  std::string path_;
  std::uint64_t bytes_max_;
};

kept_schema schema_file::load() const {
  constexpr std::uint64_t line_bytes_max = 4096;
  std::error_code none;
  const auto size = std::filesystem::file_size(path_, none);
  if (none)
    return none == std::errc::no_such_file_or_directory ? kept_schema{} : unusable(none.message());
  if (size > bytes_max_ + line_bytes_max)
    return unusable("it is larger than catalogue.bytes_max");
  std::ifstream file{path_, std::ios::binary};
  std::ostringstream all;
  all << file.rdbuf();
  const auto text = std::move(all).str();
  // The checksum is of all that follows it.
  const auto word = text.find(' ');
  const auto sum = text.find(' ', word + 1);
  const auto line = text.find('\n');
  if (sum == std::string::npos || line == std::string::npos || sum > line ||
      text.substr(0, word) != first_word)
    return unusable("it is no file of this version");
  if (text.substr(word + 1, sum - word - 1) != sum_of(std::string_view{text}.substr(sum + 1)))
    return unusable("it is damaged");
  kept_schema out;
  const auto at = text.find(' ', sum + 1);
  out.read_at = parse_instant(text.substr(sum + 1, at - sum - 1)).value_or(instant{});
  out.schema.fingerprint = text.substr(at + 1, line - at - 1);
  out.schema.text = text.substr(line + 1);
  return out;
}

fault schema_file::save(const kept_schema& what) const {
  const std::string rest = to_string(what.read_at) + " " + what.schema.fingerprint + "\n" + what.schema.text;
  const auto folder = std::filesystem::path{path_}.parent_path();
  std::error_code failed;
  if (!folder.empty())
    std::filesystem::create_directories(folder, failed);
  const auto fresh = path_ + ".new";
  {
    new_file file{fresh, O_WRONLY | O_CREAT | O_TRUNC};
    if (!file.is_open() || !file.write(std::string{first_word} + " " + sum_of(rest) + " " + rest) ||
        !file.flush())
      return trouble(path_, reason());
  }
  if (::rename(fresh.c_str(), path_.c_str()) != 0)
    return trouble(path_, reason());
  new_file directory{folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY};
  return directory.is_open() && directory.flush() ? fault{} : trouble(path_, reason());
}

/// What the caller holds. Two jobs may wait: one that loads and one that saves.
class threaded_schema_file final : public schema_keeper {
public:
  threaded_schema_file(std::string path, std::uint64_t bytes_max)
      : file_{std::move(path), bytes_max}, thread_{[this] { jobs_.run(); }} {}
  threaded_schema_file(const threaded_schema_file&) = delete;
  threaded_schema_file& operator=(const threaded_schema_file&) = delete;
  ~threaded_schema_file() override {
    jobs_.stop();
    thread_.join();
  }

  void load(handler<kept_schema> then) override {
    if (!jobs_.offer(0, [this, then] { then(file_.load()); }))
      then({busy(), {}, {}});
  }

  void save(kept_schema what, handler<fault> then) override {
    if (!jobs_.offer(what.schema.text.size(), [this, what, then] { then(file_.save(what)); }))
      then(busy());
  }

private:
  static fault busy() { return {fault_code::overloaded, "the disk is too slow to keep the schema", {}}; }

  schema_file file_;
  job_queue jobs_{2, 512ULL << 20U};
  std::thread thread_;
};

} // namespace

std::unique_ptr<schema_keeper> make_schema_file(std::string path, std::uint64_t bytes_max) {
  return std::make_unique<threaded_schema_file>(std::move(path), bytes_max);
}

} // namespace chasqui
