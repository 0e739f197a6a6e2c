#pragma once

#include "adapters/pg_answer.hpp"
#include "adapters/ports/primary.hpp"

#include <cstddef>
#include <optional>
#include <string>

struct pg_conn;

namespace chasqui {

/// What a new connection says and hears before it is a session: settings, the epoch, the cursor, dead letters
/// and prepared statements, all in one round trip.
class primary_opening {
public:
  /// The application name of a lane's session, by which it is known on the primary.
  static std::string session_name(const std::string& site, const std::string& lane);

  primary_opening(pg_conn* connection, std::string site, primary_claim claim);

  /// Hands everything to libpq; false if the connection is unusable.
  bool hand_over();

  /// What came of it, once all of it has arrived.
  std::optional<primary_opened> collect();

private:
  enum class question : std::size_t {
    settings,
    takeover,
    epoch,
    dead_letters,
    decisions,
    preparations,
    done
  };

  bool ask(const std::string& sql);
  [[nodiscard]] std::string literal(const std::string& text) const;
  [[nodiscard]] std::string lane() const;    ///< Site, lane and epoch as arguments.
  [[nodiscard]] std::string passing() const; ///< What the claim calls passing, as an array.
  [[nodiscard]] std::string mine() const;    ///< The condition for this lane's rows.
  [[nodiscard]] std::string takeover() const;
  [[nodiscard]] std::string begin_epoch() const;
  [[nodiscard]] std::string dead_letters() const;
  [[nodiscard]] std::string decisions() const;
  void take(const pg_answer& result);
  void take_epoch(const pg_answer& result);
  void take_dead_letter(const pg_answer& result, int row);
  void take_decided(const pg_answer& result, int row);
  void refuse(const pg_error& why);

  pg_conn* connection_;
  std::string site_;
  primary_claim claim_;
  question awaited_ = question::settings;
  primary_opened outcome_;
};

} // namespace chasqui
