#include "adapters/statement.hpp"

#include "messages/row_groups.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace chasqui {

namespace {

/// PostgreSQL cuts longer names short without an error, and would so write to another table (NAMEDATALEN).
constexpr std::size_t identifier_bytes_max = 63;

/// Says what cannot be said in SQL; caught at this file's door.
struct refused {
  std::string why;
};

void append_identifier(std::string& sql, std::string_view name) {
  if (name.empty() || name.size() > identifier_bytes_max || name.find('\0') != std::string_view::npos) {
    throw refused{"\"" + std::string{name} + "\" is no name of a table or column: one has 1 to 63 bytes"};
  }
  sql += '"';
  for (const char c : name) {
    sql += c;
    if (c == '"') {
      sql += '"';
    }
  }
  sql += '"';
}

std::string quoted_table(std::string_view table) {
  std::string sql;
  if (const auto dot = table.find('.'); dot != std::string_view::npos) {
    append_identifier(sql, table.substr(0, dot));
    sql += '.';
    table.remove_prefix(dot + 1);
    if (table.find('.') != std::string_view::npos) {
      throw refused{"a table is named `table` or `schema.table`"};
    }
  }
  append_identifier(sql, table);
  return sql;
}

std::string quoted_list(const std::vector<std::string>& columns) {
  std::string sql;
  for (const auto& column : columns) {
    if (!sql.empty()) {
      sql += ", ";
    }
    append_identifier(sql, column);
  }
  return sql;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string conflict_clause(const step& what, const std::vector<std::string>& columns) {
  std::string updates;
  for (const auto& column : columns) {
    if (contains(what.key, column)) {
      continue;
    }
    updates += updates.empty() ? "" : ", ";
    append_identifier(updates, column);
    updates += " = EXCLUDED.";
    append_identifier(updates, column);
  }
  return " ON CONFLICT (" + quoted_list(what.key) + ")" +
         (updates.empty() ? " DO NOTHING" : " DO UPDATE SET " + updates);
}

std::string json_array(row_iterator first, row_iterator last) {
  std::string json = "[";
  for (auto row = first; row != last; ++row) {
    json += row == first ? "" : ",";
    json += row->json;
  }
  return json + "]";
}

/// Where the rows of an insert come from. One statement must not touch a row twice in an upsert (SQLSTATE
/// 21000), yet a transaction may: then, as if they came one by one, the last row of a key counts.
std::string rows_source(const step& what, const std::string& table, const std::string& columns, bool many) {
  const std::string source = " FROM jsonb_populate_recordset(NULL::" + table + ", $1)";
  if (what.op == step_op::insert || !many) {
    return " SELECT " + columns + source;
  }
  const std::string key = quoted_list(what.key);
  return " SELECT DISTINCT ON (" + key + ") " + columns + " FROM (SELECT " + columns +
         ", row_number() OVER () AS \"chasqui row\"" + source + ") AS r ORDER BY " + key +
         ", \"chasqui row\" DESC";
}

void append_inserts(const step& what, std::vector<statement>& to) {
  const std::string table = quoted_table(what.table);
  for (auto first = what.rows.begin(); first != what.rows.end();) {
    const auto last = end_of_group(what, first);
    statement s;
    s.sql = "INSERT INTO " + table;
    if (first->columns.empty()) {
      s.sql += " DEFAULT VALUES";
    } else {
      const std::string columns = quoted_list(first->columns);
      s.sql += " (" + columns + ")" + rows_source(what, table, columns, last - first > 1);
      s.params.push_back(json_array(first, last));
    }
    if (what.op == step_op::upsert) {
      s.sql += conflict_clause(what, first->columns);
    }
    s.inserts_rows = what.op == step_op::insert && !s.params.empty();
    to.push_back(std::move(s));
    first = last;
  }
}

/// Adds a parameter to `s`, and gives the table function that makes a typed row of it.
std::string row_parameter(statement& s, const std::string& table, const record& values) {
  s.params.push_back(values.json);
  return "jsonb_populate_record(NULL::" + table + ", $" + std::to_string(s.params.size()) + ")";
}

std::string where_clause(const record& where) {
  std::string sql;
  for (const auto& column : where.columns) {
    sql += sql.empty() ? " WHERE t." : " AND t.";
    append_identifier(sql, column);
    if (contains(where.null_columns, column)) {
      sql += " IS NULL";
    } else {
      sql += " = w.";
      append_identifier(sql, column);
    }
  }
  return sql;
}

std::string set_clause(const record& set) {
  std::string sql;
  for (const auto& column : set.columns) {
    sql += sql.empty() ? " SET " : ", ";
    append_identifier(sql, column);
    sql += " = s.";
    append_identifier(sql, column);
  }
  return sql;
}

statement make_change(const step& what) {
  if (what.where.columns.empty()) {
    throw refused{"`where` is empty"};
  }
  const std::string table = quoted_table(what.table);
  const bool needs_where_row = what.where.null_columns.size() < what.where.columns.size();
  statement s;
  if (what.op == step_op::update) {
    if (what.set.columns.empty()) {
      throw refused{"`set` is empty"};
    }
    s.sql = "UPDATE " + table + " AS t" + set_clause(what.set) + " FROM " +
            row_parameter(s, table, what.set) + " AS s";
  } else {
    s.sql = "DELETE FROM " + table + " AS t";
  }
  if (needs_where_row) {
    s.sql += what.op == step_op::update ? ", " : " USING ";
    s.sql += row_parameter(s, table, what.where) + " AS w";
  }
  s.sql += where_clause(what.where);
  return s;
}

statement counted(statement s, std::int64_t expect_rows) {
  s.params.push_back(std::to_string(expect_rows));
  s.sql = "WITH s AS (" + s.sql + " RETURNING 1) SELECT chasqui.expect_rows((SELECT count(*) FROM s), $" +
          std::to_string(s.params.size()) + "::bigint)";
  return s;
}

} // namespace

fault append_statements(const step& what, std::vector<statement>& to) {
  const std::size_t before = to.size();
  try {
    if (what.op == step_op::insert || what.op == step_op::upsert) {
      append_inserts(what, to);
    } else {
      statement s = make_change(what);
      to.push_back(what.expect_rows >= 0 ? counted(std::move(s), what.expect_rows) : std::move(s));
    }
  } catch (const refused& r) {
    to.resize(before);
    return {fault_code::malformed, r.why, {}};
  }
  return {};
}

void join_inserts(std::vector<statement>& statements) {
  auto last = statements.begin();
  for (auto next = statements.begin(); next != statements.end(); ++next) {
    if (next == last) {
      continue;
    }
    if (last->inserts_rows && next->inserts_rows && last->sql == next->sql) {
      auto& rows = last->params.front();
      rows.back() = ',';
      rows.append(next->params.front(), 1);
    } else if (++last != next) {
      *last = std::move(*next);
    }
  }
  if (last != statements.end()) {
    statements.erase(last + 1, statements.end());
  }
}

} // namespace chasqui
