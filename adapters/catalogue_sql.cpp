#include "adapters/catalogue_sql.hpp"

namespace chasqui {

namespace {

constexpr const char* fingerprint =
    R"sql(concat_ws(' ', (SELECT system_identifier FROM pg_control_system()), current_user, $1::text,
  current_schemas(true)::text,
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_namespace),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_class WHERE oid >= 16384 AND relkind NOT IN ('t', 'i')),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_attribute WHERE attrelid >= 16384),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_attrdef),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_constraint WHERE oid >= 16384),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_index WHERE indrelid >= 16384),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_trigger),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_rewrite WHERE ev_class >= 16384),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_inherits),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_type WHERE oid >= 16384),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_enum),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_proc WHERE oid >= 16384),
  (SELECT count(*) || '/' || sum(xmin::text::bigint) FROM pg_auth_members),
  (SELECT rolsuper FROM pg_roles WHERE rolname = $1::text)))sql";

// A domain is what it is made of; an array is its elements. `typmod` is the length, or precision and scale,
// as PostgreSQL encodes them. `functions` can be called like a column: t.f is f(t). Triggers by the bits of
// tgtype: 1 for each row, 2 before, 4 insert, 16 update.
constexpr const char* document_before = R"sql(
WITH RECURSIVE made_of AS (
  SELECT oid AS domain, typbasetype AS base, typtypmod AS typmod FROM pg_type WHERE typtype = 'd'
  UNION ALL
  SELECT m.domain, t.typbasetype, t.typtypmod FROM made_of AS m JOIN pg_type AS t ON t.oid = m.base WHERE t.typtype = 'd'
), relation AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relhassubclass, c.reltype FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
    AND n.nspname <> 'information_schema'
), attribute AS (
  SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type, m.domain IS NOT NULL AS domain,
    CASE WHEN e.oid IS NULL THEN b.oid ELSE e.oid END AS element, e.oid IS NOT NULL AS is_array,
    coalesce(m.typmod, a.atttypmod) AS typmod, a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated,
    coalesce(l.collisdeterministic, true) AS deterministic
  FROM pg_attribute AS a
  LEFT JOIN made_of AS m ON m.domain = a.atttypid AND (SELECT typtype FROM pg_type WHERE oid = m.base) <> 'd'
  JOIN pg_type AS b ON b.oid = coalesce(m.base, a.atttypid)
  LEFT JOIN pg_type AS e ON e.oid = b.typelem AND b.typcategory = 'A' AND b.typlen = -1
  LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
  WHERE a.attnum > 0 AND NOT a.attisdropped
)
SELECT )sql";

constexpr const char* document_after = R"sql(, json_strip_nulls(json_build_object(
  'database', current_database(), 'role', $1::text,
  'search_path', CASE WHEN current_user = $1::text THEN to_json(current_schemas(true)) END,
  'schemas', (SELECT coalesce(json_object_agg(nspname, coalesce(has_schema_privilege(
      (SELECT oid FROM pg_roles WHERE rolname = $1::text), oid, 'USAGE'), true)), '{}') FROM pg_namespace),
  'functions', (SELECT coalesce(json_agg(DISTINCT p.proname), '[]') FROM pg_proc AS p JOIN pg_type AS t ON t.oid = p.proargtypes[0]
    WHERE p.prokind = 'f' AND p.pronargs - p.pronargdefaults <= 1 AND (t.typtype IN ('c', 'd') OR t.typname IN (
      'record', 'any', 'anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray'))),
  'tables', (SELECT coalesce(json_agg(json_build_object(
    'schema', r.nspname, 'name', r.relname, 'kind', r.relkind,
    'rules', nullif(EXISTS (SELECT FROM pg_rewrite WHERE ev_class = r.oid), false),
    'children', nullif(r.relhassubclass, false),
    'before_insert', nullif(EXISTS (SELECT FROM pg_trigger WHERE tgrelid = r.oid AND NOT tgisinternal
      AND tgenabled <> 'D' AND tgtype & 7 = 7), false),
    'before_update', nullif(EXISTS (SELECT FROM pg_trigger WHERE tgrelid = r.oid AND NOT tgisinternal
      AND tgenabled <> 'D' AND tgtype & 19 = 19), false),
    'triggers', nullif(EXISTS (SELECT FROM pg_trigger WHERE tgrelid = r.oid AND NOT tgisinternal
      AND tgenabled <> 'D'), false),
    'no_insert', (SELECT nullif(NOT has_any_column_privilege(o.oid, r.oid, 'INSERT'), false) FROM pg_roles AS o WHERE rolname = $1::text),
    'no_update', (SELECT nullif(NOT has_any_column_privilege(o.oid, r.oid, 'UPDATE'), false) FROM pg_roles AS o WHERE rolname = $1::text),
    'no_delete', (SELECT nullif(NOT has_table_privilege(o.oid, r.oid, 'DELETE'), false) FROM pg_roles AS o WHERE rolname = $1::text),
    'columns', (SELECT coalesce(json_agg(json_build_object(
      'name', a.attname, 'type', a.type,
      'kind', CASE WHEN k.typtype = 'e' THEN 'enum' WHEN k.typnamespace = 'pg_catalog'::regnamespace THEN k.typname ELSE '' END,
      'labels', CASE WHEN k.typtype = 'e' THEN (SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = k.oid) END,
      'array', nullif(a.is_array, false), 'domain', nullif(a.domain, false), 'typmod', nullif(a.typmod, -1),
      'not_null', nullif(a.attnotnull, false),
      'default', nullif(a.atthasdef OR a.attidentity <> '' OR a.domain, false),
      'computed', nullif(a.attgenerated <> '' OR a.attidentity = 'a', false),
      'folds', nullif(NOT a.deterministic, false)) ORDER BY a.attnum), '[]')
      FROM attribute AS a JOIN pg_type AS k ON k.oid = a.element WHERE a.attrelid = r.oid),
    'keys', (SELECT json_agg(json_build_object(
      'columns', (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a
        WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])),
      'partial', nullif(i.indpred IS NOT NULL, false), 'deferrable', nullif(NOT i.indimmediate, false)))
      FROM pg_index AS i WHERE i.indrelid = r.oid AND i.indisunique AND i.indisvalid AND i.indexprs IS NULL),
    'checks', (SELECT json_agg(json_build_object('name', conname, 'rule', pg_get_expr(conbin, conrelid)))
      FROM pg_constraint WHERE conrelid = r.oid AND contype = 'c'),
    'references', (SELECT json_agg(json_build_object('name', k.conname,
      'parent', (SELECT n.nspname || '.' || p.relname FROM pg_class AS p JOIN pg_namespace AS n ON n.oid = p.relnamespace
        WHERE p.oid = k.confrelid),
      'columns', (SELECT json_agg(a.attname ORDER BY u.at) FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, at)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
      'parent_columns', (SELECT json_agg(a.attname ORDER BY u.at) FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, at)
        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum)) ORDER BY k.conname)
      FROM pg_constraint AS k WHERE k.conrelid = r.oid AND k.contype = 'f' AND k.convalidated AND NOT k.condeferrable
        AND EXISTS (SELECT FROM pg_trigger WHERE tgconstraint = k.oid AND tgrelid = k.conrelid
          AND tgenabled IN ('O', 'A')))) ORDER BY r.nspname, r.relname), '[]')
    FROM relation AS r)))::text WHERE current_database() = $2)sql";

} // namespace

std::string schema_fingerprint_sql() {
  return std::string{"SELECT "} + fingerprint + " WHERE current_database() = $2";
}

std::string schema_document_sql() { return std::string{document_before} + fingerprint + document_after; }

} // namespace chasqui
