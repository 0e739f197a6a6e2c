#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace chasqui::test {

/// A new directory that goes away with this object. Its path is short enough for unix sockets in it.
class temp_dir {
public:
  explicit temp_dir(const std::filesystem::path& base = std::filesystem::temp_directory_path()) {
    std::string form = (base / "chasqui-XXXXXX").string();
    if (::mkdtemp(form.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), form);
    path_ = form;
  }
  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;
  ~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

} // namespace chasqui::test
