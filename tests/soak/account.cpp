#include "tests/soak/account.hpp"

#include <functional>
#include <utility>

namespace chasqui::soak {

namespace {

void note(findings& f, std::size_t& harm, const uuid& id, const char* what) {
  ++harm;
  if (f.first.empty())
    f.first = to_string(id) + " " + what;
}

void judge_one(findings& f, const acknowledged& a, const server_view& server) {
  const auto at = server.found.find(a.id);
  const bool there = at != server.found.end();
  const bool dead = server.dead_letters.contains(a.id);
  ++f.acknowledged;
  f.applied += there ? 1 : 0;
  f.dead_letters += dead ? 1 : 0;
  if (!there && !dead)
    note(f, f.lost, a.id, "is lost");
  else if (!there && !a.bad)
    note(f, f.lost, a.id, "was refused, and nothing was wrong with it");
  if (there && (dead || a.bad))
    note(f, f.doubled, a.id, "was applied and refused");
  if (there && (at->second.times != 1 || at->second.rows != 1))
    note(f, f.doubled, a.id, "was not applied once");
}

void judge_order(findings& f, const std::vector<acknowledged>& caller, const server_view& server) {
  std::map<std::string, applied_entry> last;
  for (const auto& a : caller) {
    const auto at = server.found.find(a.id);
    if (at == server.found.end())
      continue;
    auto& before = last[a.lane];
    if (at->second.seq <= before.seq || at->second.arrival <= before.arrival)
      note(f, f.reordered, a.id, "was applied before its elder");
    before = at->second;
  }
}

void judge_strangers(findings& f, const ledger& told, const server_view& server) {
  auto known = told.unanswered;
  for (const auto& caller : told.callers)
    for (const auto& a : caller)
      known.insert(a.id);
  for (const auto& [id, entry] : server.found) {
    if (!known.contains(id))
      note(f, f.strange, id, "was submitted by nobody");
    else if (told.unanswered.contains(id) && (entry.times != 1 || entry.rows != 1))
      note(f, f.doubled, id, "was not applied once");
  }
}

/// Two of one caller that follow each other in a lane, and were applied.
std::pair<const acknowledged*, const acknowledged*> neighbours(const ledger& told,
                                                               const server_view& server) {
  for (const auto& caller : told.callers) {
    const acknowledged* elder = nullptr;
    for (const auto& a : caller) {
      if (!server.found.contains(a.id))
        continue;
      if (elder != nullptr && elder->lane == a.lane)
        return {elder, &a};
      elder = &a;
    }
  }
  return {nullptr, nullptr};
}

} // namespace

findings judge(const ledger& told, const server_view& server) {
  findings f;
  for (const auto& caller : told.callers) {
    for (const auto& a : caller)
      judge_one(f, a, server);
    judge_order(f, caller, server);
  }
  judge_strangers(f, told, server);
  return f;
}

std::vector<std::string> blind_spots(const ledger& told, const server_view& server) {
  const auto [elder, younger] = neighbours(told, server);
  if (younger == nullptr)
    return {"too few transactions to tell"};
  using change = std::function<void(ledger&, server_view&)>;
  const std::vector<std::pair<std::string, change>> harms{
      {"lost", [one = elder](ledger&, server_view& s) { s.found.erase(one->id); }},
      {"an id that nobody kept",
       [](ledger& l, server_view&) {
         l.callers[0].push_back({{1, 1}, "main"});
       }},
      {"what nobody submitted", [](ledger& l, server_view&) { l.callers.clear(); }},
      {"doubled", [one = younger](ledger&, server_view& s) { ++s.found.at(one->id).rows; }},
      {"refused", [one = elder](ledger&, server_view& s) { s.dead_letters.insert(one->id); }},
      {"swapped", [a = elder, b = younger](ledger&, server_view& s) {
         std::swap(s.found.at(a->id), s.found.at(b->id));
       }}};
  std::vector<std::string> blind;
  for (const auto& [name, harm] : harms) {
    auto l = told;
    auto s = server;
    harm(l, s);
    if (judge(l, s).clean())
      blind.push_back(name);
  }
  return blind;
}

} // namespace chasqui::soak
