#pragma once

#include "messages/transaction.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace chasqui {

/// The steps of a payload as ingest wrote it (`encode_transaction`), read from its form alone, in a fraction
/// of the time that `decode_transaction` takes. It judges no names and no values: PostgreSQL will. Nothing if
/// the form is another one, or the text is not whole.
std::optional<std::vector<step>> scan_steps(std::string_view payload);

} // namespace chasqui
