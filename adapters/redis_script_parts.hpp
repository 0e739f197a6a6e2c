#pragma once

#include <initializer_list>
#include <string>

namespace chasqui {

// What the scripts of redis_scripts.hpp are made of.

/// What every script begins with: where things are, and who owns them.
extern const char* const redis_common;

/// Where the index of the log is, and how it is read.
extern const char* const redis_index;

/// What puts entries into the index that are added; it stands by itself.
extern const char* const redis_noting;

/// What takes entries out of the index, or gives them other numbers; it needs `redis_index`.
extern const char* const redis_unnoting;

constexpr const char* ordinary = "";
constexpr const char* makes_room = " flags=allow-oom"; ///< Of a script that must work while Redis is full.
constexpr const char* only_looks = " flags=no-writes";

/// A script of these flags and parts, as Redis takes it.
std::string redis_script(const char* flags, std::initializer_list<const char*> parts);

} // namespace chasqui
