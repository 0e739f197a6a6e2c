#pragma once

#include "messages/event.hpp"
#include "messages/fault.hpp"
#include "messages/log.hpp"
#include "messages/status.hpp"
#include "messages/transaction.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <variant>

namespace chasqui {

/// Reads one transaction. The answer is the transaction, or the fault that names the first offending field.
/// Absent fields get their defaults: id nil, lane "" (ingest knows the default lane), `expect_rows` 1 for
/// update and delete.
std::variant<transaction, fault> decode_transaction(std::string_view json, const transaction_limits& limits);

/// The canonical form: fields in fixed order, no white space, numbers digit for digit as they came.
std::string encode_transaction(const transaction& t);

/// Whether a payload is a decision, and no transaction.
bool is_decision(std::string_view payload);

/// Reads what `encode_decision` has written.
std::variant<decision, fault> decode_decision(std::string_view payload);

/// A decision as the payload of an entry.
std::string encode_decision(const decision& d);

/// Whether a payload in canonical form has to be attempted by itself: a decision, or a transaction with
/// `depends_on`.
bool stands_alone(std::string_view payload);

/// JSON text of each message, as the console prints it, and back; `from_json` throws
/// `nlohmann::json::exception` on text of another shape.
void to_json(nlohmann::json& j, const receipt& x);
void from_json(const nlohmann::json& j, receipt& x);
void to_json(nlohmann::json& j, const fault& x);
void from_json(const nlohmann::json& j, fault& x);
void to_json(nlohmann::json& j, const event& x);
void from_json(const nlohmann::json& j, event& x);
void to_json(nlohmann::json& j, const life& x);
void from_json(const nlohmann::json& j, life& x);
void to_json(nlohmann::json& j, const dead_letter& x);
void from_json(const nlohmann::json& j, dead_letter& x);
void to_json(nlohmann::json& j, const past_decision& x);
void from_json(const nlohmann::json& j, past_decision& x);
void to_json(nlohmann::json& j, const status_report& x);
void from_json(const nlohmann::json& j, status_report& x);

} // namespace chasqui
