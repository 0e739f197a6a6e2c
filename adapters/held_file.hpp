#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace chasqui {

/// An open file, until it goes out of use; so is a lock on it.
class held_file {
public:
  held_file() = default;
  held_file(const std::string& path, int flags); ///< As open(2), and for nobody else: `errno` says why not.
  held_file(held_file&& other) noexcept;
  held_file& operator=(held_file&& other) noexcept;
  ~held_file();

  [[nodiscard]] bool is_held() const noexcept { return descriptor_ >= 0; }
  bool lock();                         ///< Against every other holder, if nobody has it.
  bool flush();                        ///< What was written is on disk.
  bool take_room(std::uint64_t bytes); ///< Makes it so long, with room on the disk for all of it.

private:
  int descriptor_ = -1;
};

/// A file that takes up room, to be given away when there is none left.
class disk_reserve {
public:
  disk_reserve(std::string path, std::uint64_t bytes) : path_{std::move(path)}, bytes_{bytes} {}

  void fill();  ///< Takes the room, if it is not held yet and is there.
  void spend(); ///< Gives it away, if it is held.

private:
  std::string path_;
  std::uint64_t bytes_;
};

} // namespace chasqui
