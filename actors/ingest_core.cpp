#include "actors/ingest_core.hpp"

#include "messages/json.hpp"

#include <algorithm>

namespace chasqui {

std::variant<append, fault> ingest_core::admit(const submission& s, const uuid& fresh) const {
  auto decoded = decode_transaction(s.json, limits_);
  if (auto* problem = std::get_if<fault>(&decoded))
    return std::move(*problem);
  auto& t = std::get<transaction>(decoded);
  if (t.id.is_nil())
    t.id = fresh;
  if (t.lane.empty())
    t.lane = lanes_.front();
  if (std::find(lanes_.begin(), lanes_.end(), t.lane) == lanes_.end()) {
    std::string known;
    for (const auto& lane : lanes_)
      known += (known.empty() ? "" : ", ") + lane;
    return fault{fault_code::unknown_lane,
                 "There is no lane '" + t.lane + "'; the settings have: " + known + ".", "lane"};
  }
  auto payload = encode_transaction(t);
  return append{t.id, std::move(t.lane), std::move(payload)};
}

} // namespace chasqui
