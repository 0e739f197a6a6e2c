#include "actors/ingest_core.hpp"

#include "messages/json.hpp"

#include <algorithm>

namespace chasqui {

std::variant<append, fault> ingest_core::admit(const submission& s, const uuid& fresh, finding& found) const {
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
  found.unsettles = asks_for_rows_ && unsettles_rows(t);
  if (preflight_ && !s.unchecked) {
    found.doubt = preflight_->check(t);
    if (asks_for_rows_ && !found.doubt)
      found.questions = preflight_->ask(t);
  }
  auto payload = encode_transaction(t);
  return append{t.id, std::move(t.lane), std::move(payload)};
}

void ingest_core::learn(const schema_document& schema) {
  if (schema.fingerprint == fingerprint_)
    return;
  auto decoded = decode_catalogue(schema.text);
  auto* known = std::get_if<catalogue>(&decoded);
  if (known == nullptr)
    return;
  preflight_ = std::make_shared<const preflight_core>(std::move(*known));
  fingerprint_ = schema.fingerprint;
  ++schema_number_;
}

std::variant<append, fault> ingest_core::admit(decision d, const dead_letters& found,
                                               const uuid& fresh) const {
  constexpr std::size_t words_bytes_max = 2000;
  if (found.letters.empty())
    return fault{fault_code::not_found, "There is no dead letter " + to_string(d.letter) + ".", "letter"};
  const auto& letter = found.letters.front();
  if (d.made_by.size() > words_bytes_max || d.reason.size() > words_bytes_max)
    return fault{fault_code::over_limit, "Who decides, and why, may have 2000 bytes each: shorten it.",
                 "reason"};
  if (d.action == letter_action::retry && !letter.why.behind.empty())
    return fault{fault_code::malformed,
                 "It is parked behind " + to_string(letter.why.behind.front()) +
                     ", and is tried by itself once that is dealt with: retry, edit or discard that one.",
                 "letter"};
  if (d.action == letter_action::edit)
    if (auto problem = check_edit(d, letter))
      return problem;
  if (d.id.is_nil())
    d.id = fresh;
  return append{d.id, letter.why.lane, encode_decision(d)};
}

fault ingest_core::check_edit(decision& d, const dead_letter& letter) const {
  auto decoded = decode_transaction(d.transaction, limits_);
  if (auto* problem = std::get_if<fault>(&decoded))
    return std::move(*problem);
  auto& t = std::get<transaction>(decoded);
  if (!t.id.is_nil() && t.id != d.letter)
    return {fault_code::invalid_id, "It keeps its id, " + to_string(d.letter) + ": leave `id` out.", "id"};
  if (!t.lane.empty() && t.lane != letter.why.lane)
    return {fault_code::unknown_lane, "It stays in its lane, " + letter.why.lane + ": leave `lane` out.",
            "lane"};
  t.id = d.letter;
  t.lane = letter.why.lane;
  d.transaction = encode_transaction(t);
  return {};
}

} // namespace chasqui
