#include "actors/reader_core.hpp"

#include "actors/reader_overlay.hpp"
#include "messages/json_fields.hpp"
#include "messages/json_tape.hpp"
#include "messages/near_name.hpp"

#include <algorithm>
#include <utility>

namespace chasqui {

namespace {

constexpr std::uint64_t first_rows = 1000; ///< Of one value of the pivot: more are read by the whole table.
constexpr std::uint64_t spare_rows = 64;   ///< Beyond the limit, as pending changes may take some away.

bool is_away(const fault& problem) {
  return problem.code == fault_code::link_lost || problem.code == fault_code::timed_out;
}

/// It is there, and may answer the next time.
bool has_declined(const fault& problem) { return problem.code == fault_code::unavailable; }

bool is_worth_another_try(const fault& problem) { return is_away(problem) || has_declined(problem); }

std::optional<column_value> pivot_of(const record& where) {
  const auto values = indexed_values_of(where);
  const auto id = values.find("id");
  if (id != values.end())
    return *id;
  return values.empty() ? std::nullopt : std::optional<column_value>{*values.begin()};
}

fault check_name(const std::string& name) {
  constexpr std::size_t name_bytes_max = 63;
  const auto dot = name.find('.');
  const auto is_good = [](std::string_view part) {
    return !part.empty() && part.size() <= name_bytes_max && part.find('\0') == std::string_view::npos &&
           part.find('.') == std::string_view::npos;
  };
  const std::string_view whole{name};
  const bool good = dot == std::string::npos
                        ? is_good(whole)
                        : is_good(whole.substr(0, dot)) && is_good(whole.substr(dot + 1));
  return good ? fault{}
              : fault{fault_code::malformed, "A table is named `table` or `schema.table`.", "table"};
}

} // namespace

reading::reading(read_rows what, std::vector<std::string> lanes, reader_limits limits)
    : what_{std::move(what)}, lanes_{std::move(lanes)}, limits_{limits}, first_max_{what_.limit +
                                                                                    spare_rows} {}

reading::~reading() = default;

fault reading::check() {
  if (auto problem = check_name(what_.table))
    return problem;
  if (what_.limit == 0 || what_.limit > limits_.rows_max)
    return {fault_code::over_limit,
            "limit must be 1 to " + std::to_string(limits_.rows_max) + " (reader.rows_max).", "limit"};
  auto outcome = json_tape::read(what_.where);
  if (auto* problem = std::get_if<fault>(&outcome))
    return {fault_code::malformed, "where: " + problem->message, "where"};
  const auto root = std::get<json_tape>(outcome).root();
  if (root.kind() != json_kind::object)
    return {fault_code::malformed, "where must be a JSON object of columns and values.", "where"};
  if (root.empty())
    return {};
  return read_record(root, json_path{json_path{}, "where"}, transaction_limits{}, where_);
}

reading_step reading::start() {
  if (auto problem = check())
    return problem;
  pivot_ = pivot_of(where_);
  whole_table_ = !pivot_;
  return open();
}

reading_step reading::open() {
  ++attempts_;
  table_ = {};
  cursors_.clear();
  heads_.clear();
  base_.clear();
  places_.clear();
  rounds_ = 0;
  open_order out{what_.table, {}};
  if (whole_table_) {
    out.first = {where_.columns, where_.null_columns, {where_.json}, what_.order, first_max_};
  } else {
    out.first = {{pivot_->first}, {}, {where_.json}, what_.order, first_rows + 1};
  }
  return out;
}

reading_step reading::try_again(const fault& why) {
  if (attempts_ >= limits_.attempts_max)
    return why;
  return open();
}

fault reading::check_columns() const {
  std::vector<std::string_view> names;
  for (const auto& c : table_.columns)
    names.push_back(c.name);
  const auto unknown = [&](const std::string& column, const std::string& field) -> fault {
    if (std::find(names.begin(), names.end(), column) != names.end())
      return {};
    return {fault_code::malformed,
            "Table " + what_.table + " has no column '" + column + "'." + did_you_mean(column, names), field};
  };
  for (const auto& column : where_.columns)
    if (auto problem = unknown(column, "where"))
      return problem;
  for (const auto& o : what_.order)
    if (auto problem = unknown(o.column, "order"))
      return problem;
  return {};
}

reading_step reading::on_opened(snapshot_opened opened) {
  if (has_declined(opened.problem))
    return try_again(opened.problem);
  if (is_away(opened.problem))
    return without_replica(opened.problem.message);
  table_ = std::move(opened.table);
  if (auto problem = opened.problem ? opened.problem : check_columns())
    return problem;
  // A value that stands for others, too, does not find all of them.
  const bool findable = std::all_of(table_.columns.begin(), table_.columns.end(),
                                    [](const auto& c) { return c.indexable || !is_indexed_column(c.name); });
  if (!whole_table_ && (!findable || opened.found.size() > first_rows)) {
    whole_table_ = true;
    return open();
  }
  for (const auto& cursor : opened.cursors)
    cursors_[cursor.lane] = cursor.last_seq;
  first_rows_ = opened.found.size();
  return begin_search(std::move(opened.found));
}

reading_step reading::without_replica(const std::string& why) {
  away_ = why.empty() ? "The replica is away." : why;
  const std::string_view name{what_.table};
  const auto dot = name.find('.');
  table_.schema = dot == std::string_view::npos ? "public" : name.substr(0, dot);
  table_.name = bare_table(name);
  table_.visible = true; // As far as anybody knows.
  return begin_search({});
}

reading_step reading::begin_search(std::vector<base_row> found) {
  search_.emplace(table_, whole_table_ ? std::nullopt : pivot_);
  add_base(std::move(found));
  return go_on();
}

void reading::add_base(std::vector<base_row> found) {
  for (auto& row : found) {
    if (!places_.insert(row.place).second)
      continue;
    record r;
    std::string json = "{";
    for (std::size_t c = 0; c < row.json.size(); ++c)
      if (is_indexed_column(table_.columns[c].name) && row.json[c]) {
        json += json.size() > 1 ? "," : "";
        append_quoted(json, table_.columns[c].name);
        json += ':' + *row.json[c];
      }
    r.json = json + '}';
    search_->add_row(indexed_values_of(r));
    base_.push_back(std::move(row));
  }
}

reading_step reading::go_on() {
  search_->expand();
  if (search_->terms_asked() > limits_.terms_max || ++rounds_ > limits_.rounds_max)
    search_->look_at_whole_table();
  if (const auto terms = search_->take_terms(); !terms.empty())
    return look(terms);
  auto wanted = search_->take_wanted();
  if (wanted.empty() || !away_.empty())
    return lay();
  for (auto& one : wanted)
    one.rows_max = limits_.rows_max + 1;
  return fetch_order{std::move(wanted)};
}

reading_step reading::look(const std::vector<search_term>& terms) {
  look_order out;
  for (const auto& lane : lanes_) {
    look_up one;
    one.lane = lane;
    one.from_seq = away_.empty() ? cursors_[lane] + 1 : 0;
    if (const auto head = heads_.find(lane); head != heads_.end())
      one.to_seq = head->second;
    for (const auto& [kind, column, value] : terms)
      one.terms.push_back(column.empty() ? term_of(lane, kind, table_.name)
                                         : term_of(lane, kind, table_.name, column, value));
    one.entries_max = limits_.entries_max;
    one.bytes_max = limits_.bytes_max;
    out.each.push_back(std::move(one));
  }
  return out;
}

fault reading::check_lane(const looked_up& lane) const {
  if (lane.from_seq > lane.head)
    return {};
  if (lane.first > lane.from_seq && away_.empty())
    return {fault_code::unavailable,
            "Entries of lane " + lane.lane + " left the log while they were looked for. Read again.", ""};
  if (lane.indexed_from > lane.from_seq)
    return {fault_code::unavailable,
            "Entries up to " + std::to_string(lane.indexed_from - 1) + " of lane " + lane.lane +
                " were kept by a version that has no index. Read again once they have arrived.",
            ""};
  if (lane.more)
    return {fault_code::over_limit,
            "More pending entries concern this than one read may look at (reader.entries_max, "
            "reader.bytes_max). Ask for a value of `id` or of a column that ends in `_id`.",
            "where"};
  return {};
}

reading_step reading::on_found(const std::vector<looked_up>& found) {
  for (const auto& lane : found) {
    if (const auto problem = check_lane(lane);
        problem.code == fault_code::unavailable && lane.first > lane.from_seq)
      return try_again(problem);
    else if (problem)
      return problem;
    heads_.try_emplace(lane.lane, lane.head);
    for (const auto& e : lane.entries)
      search_->add_entry(lane.lane, e);
  }
  return go_on();
}

reading_step reading::on_fetched(base_page page) {
  if (is_worth_another_try(page.problem))
    return try_again(page.problem);
  if (page.problem)
    return page.problem;
  add_base(std::move(page.found));
  if (base_.size() > first_rows_ + limits_.rows_max)
    return fault{
        fault_code::over_limit,
        "Pending entries change more rows than one read may look at (reader.rows_max). Ask for fewer.",
        "where"};
  return go_on();
}

// The replica has filtered and sorted them already.
bool reading::is_plain() const {
  return search_->entries().empty() && away_.empty() && (whole_table_ || where_.columns.size() == 1);
}

reading_step reading::lay() {
  overlay_ = std::make_unique<reader_overlay>(table_, !away_.empty());
  for (const auto& row : base_)
    overlay_->add_base(row);
  for (const auto* e : search_->entries())
    overlay_->add_entry(*e);
  if (is_plain())
    return answer_replica_alone();
  overlay_->set_question(where_, what_.order);
  if (!away_.empty()) {
    overlay_->rank_by_text();
    return finish();
  }
  auto records = overlay_->records();
  if (records.empty())
    return finish();
  return rank_order{std::move(records), overlay_->ranked_columns()};
}

reading_step reading::on_ranked(const ranking& answer) {
  if (is_worth_another_try(answer.problem))
    return try_again(answer.problem);
  if (answer.problem)
    return fault{answer.problem.code,
                 "The replica cannot read this together with what is pending; perhaps a pending transaction "
                 "holds a value that the table will refuse: " +
                     answer.problem.message,
                 ""};
  overlay_->take_ranks(answer, overlay_->ranked_columns());
  return finish();
}

found_rows reading::answer_with(std::vector<found_row> found, bool more) const {
  found_rows out;
  out.found = std::move(found);
  out.more = more;
  out.replica = away_;
  for (const auto& lane : lanes_) {
    const auto head = heads_.find(lane);
    const auto cursor = cursors_.find(lane);
    out.positions.push_back(
        {lane, cursor == cursors_.end() ? 0 : cursor->second, head == heads_.end() ? 0 : head->second});
  }
  out.notes = table_.notes;
  out.notes.insert(out.notes.end(), overlay_->notes().begin(), overlay_->notes().end());
  if (!away_.empty())
    out.notes.emplace_back("Without the replica only pending rows are known, and types are not: texts are "
                           "compared and sorted by their bytes.");
  return out;
}

reading_step reading::answer_replica_alone() {
  std::vector<found_row> found;
  for (const auto& row : base_)
    if (found.size() < what_.limit)
      found.push_back(overlay_->describe_base(row));
  return answer_with(std::move(found), base_.size() > what_.limit);
}

reading_step reading::finish() {
  auto laid = overlay_->lay();
  // What the replica holds beyond the rows that were asked for comes after these: if enough of them are left
  // where they were, it does not matter.
  const bool cut = whole_table_ && away_.empty() && first_rows_ == first_max_;
  const auto left = std::count_if(laid.found.begin(), laid.found.end(), [this](const overlay_row& row) {
    return row.base && *row.base < first_rows_ && overlay_->is_in_its_place(row);
  });
  if (cut && static_cast<std::uint64_t>(left) <= what_.limit) {
    constexpr std::uint64_t growth = 4;
    if (first_max_ >= limits_.rows_max)
      return fault{fault_code::over_limit,
                   "Pending entries change more rows than one read may look at (reader.rows_max). Ask for "
                   "fewer.",
                   "limit"};
    first_max_ = std::min(first_max_ * growth, limits_.rows_max);
    return try_again({fault_code::unavailable, "The table changes faster than it can be read.", ""});
  }
  std::vector<found_row> found;
  for (const auto& row : laid.found)
    if (found.size() < what_.limit)
      found.push_back(overlay_->describe(row));
  return answer_with(std::move(found), laid.found.size() > what_.limit);
}

} // namespace chasqui
