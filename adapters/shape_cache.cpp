#include "adapters/shape_cache.hpp"

#include <algorithm>

namespace chasqui {

std::shared_ptr<shape> shape_cache::find(std::string_view sql) {
  const auto found = by_sql_.find(sql);
  if (found == by_sql_.end()) {
    return nullptr;
  }
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return found->second->second;
}

std::shared_ptr<shape> shape_cache::add(std::string sql) {
  auto made = std::make_shared<shape>();
  made->name = "s" + std::to_string(++made_);
  by_use_.emplace_front(std::move(sql), made);
  by_sql_.emplace(by_use_.front().first, by_use_.begin());
  return made;
}

std::shared_ptr<shape> shape_cache::evict() {
  if (by_use_.size() <= shapes_max_) {
    return nullptr;
  }
  auto oldest = by_use_.back().second;
  by_sql_.erase(by_use_.back().first);
  by_use_.pop_back();
  return oldest;
}

void shape_cache::forget(const shape& which) {
  const auto found =
      std::find_if(by_use_.begin(), by_use_.end(), [&](const slot& s) { return s.second.get() == &which; });
  if (found != by_use_.end()) {
    by_sql_.erase(found->first);
    by_use_.erase(found);
  }
}

} // namespace chasqui
