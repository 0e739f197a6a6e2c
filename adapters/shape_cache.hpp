#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace chasqui {

/// A statement prepared, or about to be, in one session.
struct shape {
  /// Prepares and uses travel in one pipeline, so most uses are sent before anybody knows.
  enum class state : std::uint8_t { preparing, ready, failed };

  std::string name; ///< In the session; never used again.
  state now = state::preparing;
  std::string sqlstate; ///< failed: why.
  std::string message;  ///< failed: why.
};

/// Which SQL texts have a prepared statement: the `shapes_max` used last.
class shape_cache {
public:
  explicit shape_cache(std::size_t shapes_max) : shapes_max_{shapes_max} {}

  /// The shape of this text, used now; null if there is none.
  std::shared_ptr<shape> find(std::string_view sql);

  /// A new shape for this text, in state `preparing`.
  std::shared_ptr<shape> add(std::string sql);

  /// Takes out the shape that was used least recently, if there are too many; null otherwise.
  std::shared_ptr<shape> evict();

  /// Takes out a shape that could not be prepared, so that the next use tries again.
  void forget(const shape& which);

private:
  using slot = std::pair<const std::string, std::shared_ptr<shape>>;

  std::size_t shapes_max_;
  std::uint64_t made_ = 0;
  std::list<slot> by_use_; ///< The one used last comes first.
  std::unordered_map<std::string_view, std::list<slot>::iterator> by_sql_;
};

} // namespace chasqui
