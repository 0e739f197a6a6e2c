#pragma once

#include "messages/fault.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace chasqui {

enum class json_kind : std::uint8_t { null, boolean, integer, real, string, array, object };

class json_value;

/// A JSON document as one flat list in the document's order. Unlike a DOM of doubles it keeps every number's
/// digits and every member, repeated ones too. Only UTF-8 gets in.
class json_tape {
public:
  /// Reads one document, or says where and why it is none.
  static std::variant<json_tape, fault> read(std::string_view text);

  [[nodiscard]] json_value root() const;

private:
  friend class json_value;
  friend class json_tape_builder;

  struct node {
    json_kind kind;
    std::string_view key; ///< Within an object.
    std::string_view
        text; ///< A string's characters; the digits, as given, of a number; `true`, `false` or `null`.
    std::size_t end = 0; ///< One past the last node within this one.
  };

  std::vector<node> nodes_;
  std::vector<char> characters_; ///< What the views look at; it never grows beyond what was reserved.
};

/// One value on a tape, which it must not outlive.
class json_value {
public:
  /// Goes over the values directly within an array or an object.
  class iterator;

  json_value() = default;
  json_value(const json_tape& tape, std::size_t at) : tape_{&tape}, at_{at} {}

  explicit operator bool() const noexcept { return tape_ != nullptr; }

  [[nodiscard]] json_kind kind() const { return node().kind; }
  [[nodiscard]] std::string_view key() const { return node().key; }
  [[nodiscard]] std::string_view text() const { return node().text; }
  [[nodiscard]] bool empty() const { return node().end == at_ + 1; }
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] iterator begin() const;
  [[nodiscard]] iterator end() const;

private:
  [[nodiscard]] const json_tape::node& node() const { return tape_->nodes_[at_]; }

  const json_tape* tape_ = nullptr;
  std::size_t at_ = 0;
};

class json_value::iterator {
public:
  iterator(const json_tape& tape, std::size_t at) : tape_{&tape}, at_{at} {}

  json_value operator*() const { return {*tape_, at_}; }
  iterator& operator++() {
    at_ = tape_->nodes_[at_].end;
    return *this;
  }
  bool operator==(const iterator&) const = default;

private:
  const json_tape* tape_;
  std::size_t at_;
};

inline json_value json_tape::root() const { return {*this, 0}; }
inline json_value::iterator json_value::begin() const { return {*tape_, at_ + 1}; }
inline json_value::iterator json_value::end() const { return {*tape_, node().end}; }

} // namespace chasqui
