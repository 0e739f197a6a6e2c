#include "adapters/conninfo.hpp"

#include <arpa/inet.h>
#include <libpq-fe.h>

#include <array>
#include <memory>
#include <string_view>

namespace chasqui {

namespace {

using options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

std::string value_of(const options& list, std::string_view keyword) {
  for (const auto* option = list.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (option->keyword == keyword) {
      return option->val == nullptr ? "" : option->val;
    }
  }
  return {};
}

bool is_numeric_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

} // namespace

bool conninfo::is_local() const {
  return hostaddr.empty() && (host.starts_with('/') || host.starts_with('@'));
}

bool conninfo::needs_lookup() const {
  return hostaddr.empty() && !host.empty() && !is_local() && host.find(',') == std::string::npos;
}

conninfo parse_conninfo(const std::string& dsn) {
  conninfo result;
  char* why = nullptr;
  const options given{PQconninfoParse(dsn.c_str(), &why), PQconninfoFree};
  const std::unique_ptr<char, decltype(&PQfreemem)> why_owner{why, PQfreemem};
  if (!given) {
    result.problem = {fault_code::link_lost,
                      std::string{"the connection string cannot be read: "} + (why ? why : "out of memory"),
                      {}};
    return result;
  }
  const options defaults{PQconndefaults(), PQconninfoFree};
  const auto either = [&](std::string_view keyword) {
    auto value = value_of(given, keyword);
    return value.empty() ? value_of(defaults, keyword) : value;
  };
  result.host = either("host");
  result.hostaddr = either("hostaddr");
  result.port = either("port");
  result.user = either("user");
  result.dbname = either("dbname");
  if (result.dbname.empty()) {
    result.dbname = result.user;
  }
  result.options = either("options");
  if (result.hostaddr.empty() && is_numeric_address(result.host)) {
    result.hostaddr = result.host;
  }
  return result;
}

} // namespace chasqui
