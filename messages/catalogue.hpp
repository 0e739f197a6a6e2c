#pragma once

#include "messages/fault.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace chasqui {

/// The types of which it is known here what PostgreSQL takes for a value; `other` may take anything.
enum class value_kind : std::uint8_t {
  other,
  int2,
  int4,
  int8,
  float4,
  float8,
  numeric,
  boolean,
  uuid,
  text,
  character, ///< character(n), whose blanks at the end do not count.
  json,      ///< json and jsonb.
  date,
  timestamp, ///< With and without a time zone.
  bytea,
  enumeration
};

/// One column of a table.
struct catalogue_column {
  std::string name;
  std::string type; ///< As PostgreSQL writes it, such as `character varying(20)`.
  value_kind kind = value_kind::other;
  bool is_array = false; ///< Of that kind.
  std::int32_t typmod =
      -1; ///< Length, or precision and scale, as PostgreSQL encodes them (pg_attribute.atttypmod).
  std::vector<std::string> labels; ///< Of an enumeration.
  bool not_null = false;
  bool has_default = false; ///< It may be left out, whatever it takes.
  bool is_computed = false; ///< Nobody may give it a value.
  bool folds = false;       ///< Texts that differ may be equal (a nondeterministic collation).
};

/// What a column may hold: PostgreSQL's own text of it.
struct catalogue_check {
  std::string name;
  std::string rule;
};

/// Columns that no two rows share.
struct catalogue_key {
  std::vector<std::string> columns;
  bool is_partial = false; ///< Only some rows are in it.
  bool is_deferrable = false;
};

/// Columns whose values some row of another table must have; checked at once, by an enabled constraint.
struct catalogue_reference {
  std::string name;
  std::vector<std::string> columns;
  std::string parent; ///< `schema.table`.
  std::vector<std::string> parent_columns;
};

/// One table, or something else that can be written to like one.
struct catalogue_table {
  std::string schema;
  std::string name;
  bool is_plain = true; ///< An ordinary or partitioned table without rules: what is given is what it takes.
  bool insert_may_change = false; ///< Triggers or partitions see a new row first.
  bool update_may_change = false; ///< The same of a changed one; or it may lie in a child table.
  bool has_triggers = false;
  bool may_insert = true; ///< The role has the right on one column at least.
  bool may_update = true;
  bool may_delete = true;
  std::vector<catalogue_column> columns;
  std::vector<catalogue_key> keys;
  std::vector<catalogue_check> checks;
  std::vector<catalogue_reference> references;
};

/// A schema, as far as it says what can be written.
struct catalogue {
  std::string database;
  std::string role;                             ///< Whose rights and whose search path these are.
  std::vector<std::string> search_path;         ///< Where tables without a schema are; empty: not known.
  std::set<std::string, std::less<>> schemas;   ///< All there are.
  std::set<std::string, std::less<>> closed;    ///< Those that the role may not look into.
  std::set<std::string, std::less<>> functions; ///< What can stand in a condition like a column.
  std::vector<catalogue_table> tables;
};

/// The primary's schema as the replica has it: a document for `decode_catalogue`, which changes with its
/// fingerprint; both are empty while nothing is known.
struct schema_document {
  std::string fingerprint;
  std::string text;
};

/// Asks for the schema as it is on the replica by now, or as it was when the replica was last there.
struct confirm_schema {};

template <class I> auto inspect(I& f, schema_document& x) { return f(x.fingerprint, x.text); }
template <class I> auto inspect(I& f, confirm_schema&) { return f(); }

/// Reads the document that the replica makes of its schema (adapters/catalogue_sql.cpp).
std::variant<catalogue, fault> decode_catalogue(std::string_view document);

} // namespace chasqui
