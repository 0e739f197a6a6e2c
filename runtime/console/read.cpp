#include "messages/json_text.hpp"
#include "runtime/console/commands.hpp"
#include "runtime/console/options.hpp"

#include <CLI/CLI.hpp>

namespace chasqui {

namespace {

constexpr std::chrono::milliseconds slack{2000}; // The daemon says itself that time is up.

struct read_options {
  read_rows what;
  std::vector<std::string> where;
  std::vector<std::string> order;
};

/// `column=value`, where PostgreSQL reads the value as a text of the column's type, or one JSON object.
std::string where_of(const std::vector<std::string>& parts) {
  if (parts.size() == 1 && parts.front().starts_with('{'))
    return parts.front();
  std::string json = "{";
  for (const auto& part : parts) {
    const auto sign = part.find('=');
    if (sign == std::string::npos || sign == 0)
      throw stop{usage, "--where takes column=value, or one JSON object, not '" + part + "'"};
    json += json.size() > 1 ? "," : "";
    append_quoted(json, part.substr(0, sign));
    json += ':';
    const auto value = part.substr(sign + 1);
    if (value == "null")
      json += value;
    else
      append_quoted(json, value);
  }
  return json + '}';
}

/// `column`, or `column:desc`.
order_column order_of(const std::string& text) {
  const auto colon = text.rfind(':');
  const auto direction = colon == std::string::npos ? "asc" : text.substr(colon + 1);
  if (direction != "asc" && direction != "desc")
    throw stop{usage, "--order takes column, column:asc or column:desc, not '" + text + "'"};
  return {text.substr(0, colon), direction == "desc"};
}

int read_table(console& c, const read_options& o) {
  auto question = o.what;
  question.where = where_of(o.where);
  for (const auto& one : o.order)
    question.order.push_back(order_of(one));
  const auto answer = c.ask<found_rows>(question, question.timeout + slack);
  if (!write_out(rows_text(answer, c.form)))
    return failed;
  if (!answer.replica.empty())
    say("the replica did not take part: " + answer.replica);
  for (const auto& note : answer.notes)
    say(note);
  if (answer.more)
    say("there are more rows; --limit shows them");
  return done;
}

} // namespace

void add_read(CLI::App& app, console& c, action& run) {
  auto o = std::make_shared<read_options>();
  auto* const command =
      app.add_subcommand("read", "Rows of a table: the replica's, with all that is buffered laid over them");
  command->add_option("table", o->what.table, "TABLE or SCHEMA.TABLE")->required();
  command
      ->add_option("--where", o->where,
                   "COLUMN=VALUE (null: IS NULL), all of which must hold; or a JSON object")
      ->type_name("TEXT");
  command->add_option("--order", o->order, "COLUMN or COLUMN:desc, the first counts most")->type_name("TEXT");
  command->add_option("--limit", o->what.limit, "How many rows at most")->capture_default_str();
  add_timeout(*command, o->what.timeout, "How long it may take");
  command->callback([&c, &run, o] { run = [&c, o] { return read_table(c, *o); }; });
}

} // namespace chasqui
