#include "adapters/row_sql.hpp"

#include "messages/record_scan.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <optional>

namespace chasqui {

namespace {

// A default counts as constant if it is one literal, as pg_get_expr writes it; everything else may be another
// value on the primary. `index_value` finds equal what these types hold for equal: not a number that is
// rounded, nor a text of a collation that takes different texts for equal.
constexpr const char* table_sql = R"sql(
SELECT n.nspname, c.relname, pg_table_is_visible(c.oid), c.relkind,
       EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'),
       EXISTS (SELECT FROM pg_constraint AS f WHERE f.conrelid = c.oid AND f.contype = 'f'
               AND (f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', 'd'))),
       a.attname, e.sql,
       CASE WHEN a.attgenerated <> '' THEN 'generated'
            WHEN a.attidentity <> '' OR t.typdefault IS NOT NULL THEN 'unknown'
            WHEN e.sql IS NULL OR e.sql ~ '^NULL(::|$)' THEN 'null'
            WHEN e.sql ~ $re$^('([^'\\]|'')*'|\(?-?[0-9.]+\)?|true|false)(::[a-z0-9_ "().,[\]]+)*$$re$ THEN 'constant'
            ELSE 'unknown' END,
       coalesce(nullif(t.typbasetype, 0), t.oid) = ANY ('{uuid,int2,int4,int8,numeric,text,varchar,bpchar}'::regtype[])
         AND (coalesce(nullif(t.typbasetype, 0), t.oid) <> 'numeric'::regtype OR greatest(a.atttypmod, t.typtypmod) < 0)
         AND (a.attcollation = 0
              OR EXISTS (SELECT FROM pg_collation AS l WHERE l.oid = a.attcollation AND l.collisdeterministic)),
       array_position(i.indkey::int2[], a.attnum)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
CROSS JOIN LATERAL (SELECT pg_get_expr(d.adbin, d.adrelid) AS sql) AS e
LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.oid = to_regclass($1)
ORDER BY a.attnum)sql";

constexpr const char* site_cursors_sql = "SELECT lane, last_seq FROM chasqui.cursor WHERE site = $1";

std::string quoted(std::string_view name) {
  std::string sql = "\"";
  for (const char c : name) {
    sql += c;
    if (c == '"')
      sql += '"';
  }
  return sql + '"';
}

/// As people write it, with its schema or without.
std::string quoted_name(const std::string& table) {
  const auto dot = table.find('.');
  return dot == std::string::npos ? quoted(table)
                                  : quoted(table.substr(0, dot)) + '.' + quoted(table.substr(dot + 1));
}

std::string quoted_table(const table_shape& table) { return quoted(table.schema) + '.' + quoted(table.name); }

std::string json_list(const std::vector<std::string>& objects) {
  std::string list = "[";
  for (const auto& object : objects)
    (list += list.size() > 1 ? "," : "") += object;
  return list + ']';
}

/// The first value of each object, as PostgreSQL reads an array.
std::string array_of_first_values(const std::vector<std::string>& objects) {
  std::string list = "{";
  std::string room;
  for (const auto& object : objects) {
    scanned_value value;
    record_scan{object}.next(value);
    list += list.size() > 1 ? ",\"" : "\"";
    for (const char c : text_of(value, room)) {
      if (c == '"' || c == '\\')
        list += '\\';
      list += c;
    }
    list += '"';
  }
  return list + '}';
}

bool has_name(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<std::string> value_of(const pg_answer& answer, int row, int column) {
  if (PQgetisnull(answer.get(), row, column) != 0)
    return std::nullopt;
  return std::string{text_of(answer, row, column)};
}

bool truth_of(const pg_answer& answer, int row, int column) { return text_of(answer, row, column) == "t"; }

struct table_field {
  enum : int { schema, name, visible, kind, triggers, cascades, column, sql, absent, indexable, key };
};

column_default default_of(std::string_view text) {
  if (text == "null")
    return column_default::null;
  if (text == "generated")
    return column_default::generated;
  return text == "constant" ? column_default::constant : column_default::unknown;
}

void add_notes(const pg_answer& answer, table_shape& shape) {
  if (truth_of(answer, 0, table_field::triggers))
    shape.notes.push_back("The table has triggers: what they will do is not in pending rows.");
  if (truth_of(answer, 0, table_field::cascades))
    shape.notes.push_back(
        "The table has foreign keys that cascade: what pending changes of other tables will do to its rows "
        "is not in the answer.");
}

} // namespace

pg_question ask_for_table(const std::string& table) { return {table_sql, {quoted_name(table)}}; }

known_table read_table(const pg_answer& answer) {
  known_table out;
  const int count = PQntuples(answer.get());
  if (count == 0)
    return out;
  auto& shape = out.shape;
  shape.schema = text_of(answer, 0, table_field::schema);
  shape.name = text_of(answer, 0, table_field::name);
  shape.visible = truth_of(answer, 0, table_field::visible);
  out.kind = text_of(answer, 0, table_field::kind);
  add_notes(answer, shape);
  std::vector<std::pair<int, std::string>> keys;
  for (int row = 0; row < count; ++row) {
    table_column c{std::string{text_of(answer, row, table_field::column)},
                   default_of(text_of(answer, row, table_field::absent)), false};
    c.indexable = truth_of(answer, row, table_field::indexable) && c.absent != column_default::constant &&
                  c.absent != column_default::generated;
    out.defaults.emplace_back(c.absent == column_default::constant ? text_of(answer, row, table_field::sql)
                                                                   : "");
    if (PQgetisnull(answer.get(), row, table_field::key) == 0)
      keys.emplace_back(number_of<int>(answer, row, table_field::key), c.name);
    shape.columns.push_back(std::move(c));
  }
  std::sort(keys.begin(), keys.end());
  for (auto& [place, key_column] : keys)
    shape.key.push_back(std::move(key_column));
  return out;
}

pg_question ask_for_cursors(const std::string& site) { return {site_cursors_sql, {site}}; }

std::vector<replica_cursor> read_cursors(const pg_answer& answer) {
  std::vector<replica_cursor> out;
  const auto rows = PQntuples(answer.get());
  out.reserve(static_cast<std::size_t>(rows));
  for (int row = 0; row < rows; ++row)
    out.push_back({std::string{text_of(answer, row, 0)}, number_of<seqno>(answer, row, 1)});
  return out;
}

pg_question ask_for_rows(const table_shape& table, const rows_wanted& wanted) {
  pg_question q;
  q.sql = "SELECT t.tableoid::text || t.ctid::text";
  for (const auto& c : table.columns)
    q.sql += ", to_json(t." + quoted(c.name) + ")::text";
  q.sql += " FROM " + quoted_table(table) + " AS t";
  if (wanted.columns.size() > wanted.null_columns.size()) {
    // Many records may ask for the same row, which is wanted once.
    std::string compared;
    for (const auto& c : wanted.columns)
      if (!has_name(wanted.null_columns, c))
        compared += (compared.empty() ? "" : ", ") + quoted(c);
    q.sql += ", (SELECT DISTINCT " + compared +
             " FROM jsonb_populate_recordset(NULL::" + quoted_table(table) + ", $1)) AS w";
    q.params.push_back(json_list(wanted.records));
  }
  const char* separator = " WHERE t.";
  for (const auto& c : wanted.columns) {
    q.sql += separator + quoted(c);
    q.sql += has_name(wanted.null_columns, c) ? " IS NULL" : " = w." + quoted(c);
    separator = " AND t.";
  }
  separator = " ORDER BY t.";
  for (const auto& o : wanted.order) {
    q.sql += separator + quoted(o.column) + (o.descending ? " DESC" : "");
    separator = ", t.";
  }
  q.sql += " LIMIT " + std::to_string(wanted.rows_max);
  return q;
}

void read_rows_into(const pg_answer& answer, std::vector<base_row>& into) {
  for (int row = 0; row < PQntuples(answer.get()); ++row) {
    base_row found{std::string{text_of(answer, row, 0)}, {}};
    for (int column = 1; column < PQnfields(answer.get()); ++column)
      found.json.push_back(value_of(answer, row, column));
    into.push_back(std::move(found));
  }
}

pg_question ask_for_existing(const rows_probed& wanted) {
  const auto table = quoted_name(wanted.table);
  if (wanted.columns.size() == 1) {
    const auto column = "t." + quoted(wanted.columns.front());
    return {"SELECT unnest(array_positions($1, " + column + ")) - 1 FROM " + table + " AS t WHERE " + column +
                " = ANY($1)",
            {array_of_first_values(wanted.records)}};
  }
  pg_question q{"SELECT r.n - 1 FROM jsonb_array_elements($1) WITH ORDINALITY AS r(json, n), "
                "jsonb_populate_record(NULL::" +
                    table + ", r.json) AS w WHERE EXISTS (SELECT FROM " + table + " AS t",
                {json_list(wanted.records)}};
  const char* separator = " WHERE t.";
  for (const auto& c : wanted.columns) {
    q.sql += separator + quoted(c) + " = w." + quoted(c);
    separator = " AND t.";
  }
  q.sql += ")";
  return q;
}

std::vector<std::size_t> read_existing(const pg_answer& answer) {
  std::vector<std::size_t> places;
  for (int row = 0; row < PQntuples(answer.get()); ++row)
    places.push_back(number_of<std::size_t>(answer, row, 0));
  return places;
}

pg_question ask_for_ranks(const known_table& table, const std::vector<std::string>& records,
                          const std::vector<std::size_t>& columns) {
  std::string names;
  std::string defaults;
  std::string values;
  for (std::size_t i = 0; i < table.defaults.size(); ++i) {
    const auto c = "c" + std::to_string(i);
    names += c + ", ";
    values += (i == 0 ? "to_json(" : ", to_json(") + c + ")::text";
    (defaults += i == 0 ? "" : ", ") += table.defaults[i].empty() ? "NULL" : table.defaults[i];
  }
  const bool any = std::any_of(table.defaults.begin(), table.defaults.end(),
                               [](const auto& text) { return !text.empty(); });
  for (const auto column : columns)
    values += ", dense_rank() OVER (ORDER BY c" + std::to_string(column) + ")";
  const auto base = (any ? "ROW(" + defaults + ")" : std::string{"NULL"}) + "::" + quoted_table(table.shape);
  return {"SELECT " + values + " FROM jsonb_populate_recordset(" + base + ", $1) WITH ORDINALITY AS x(" +
              names + "n) ORDER BY n",
          {json_list(records)}};
}

std::vector<ranking::line> read_ranks(const pg_answer& answer, std::size_t columns) {
  std::vector<ranking::line> out;
  for (int row = 0; row < PQntuples(answer.get()); ++row) {
    ranking::line line;
    int at = 0;
    for (; at < static_cast<int>(columns); ++at)
      line.json.push_back(value_of(answer, row, at));
    for (; at < PQnfields(answer.get()); ++at)
      line.ranks.push_back(number_of<std::int64_t>(answer, row, at));
    out.push_back(std::move(line));
  }
  return out;
}

} // namespace chasqui
