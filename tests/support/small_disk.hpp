#pragma once

#include "tests/support/temp_dir.hpp"

#include <cstdint>
#include <filesystem>

namespace chasqui::test {

/// A file system in memory that holds no more than so many MiB; only this process sees it.
class small_disk {
public:
  explicit small_disk(std::uint64_t mebibytes); ///< Throws `std::system_error` if it cannot be mounted.
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return dir_.path(); }

  void fill();  ///< A file of another program takes all the room there is.
  void empty(); ///< That file is gone.

  /// Whether this process may mount one.
  static bool is_possible();

private:
  temp_dir dir_;
};

} // namespace chasqui::test
