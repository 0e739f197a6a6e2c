#pragma once

#include "actors/preflight_core.hpp"
#include "messages/catalogue.hpp"
#include "messages/log.hpp"
#include "messages/transaction.hpp"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace chasqui {

/// What preflight has to say of a transaction.
struct finding {
  fault doubt;                         ///< Why the primary would refuse it, by the schema that is known.
  std::vector<row_question> questions; ///< What rows decide about it, if anybody wants to look.
  bool unsettles = false;              ///< As `unsettles_rows` says.
};

/// Decides whether a transaction may be kept, and gives it what it lacks.
class ingest_core {
public:
  /// The first of `lanes` is where transactions go that name none.
  ingest_core(transaction_limits limits, std::vector<std::string> lanes, bool asks_for_rows = false)
      : limits_{limits}, lanes_{std::move(lanes)}, asks_for_rows_{asks_for_rows} {}

  /// The transaction in canonical form, ready to be kept; `fresh` becomes its id if it has none.
  [[nodiscard]] std::variant<append, fault> admit(const submission& s, const uuid& fresh,
                                                  finding& found) const;
  [[nodiscard]] std::variant<append, fault> admit(const submission& s, const uuid& fresh) const {
    finding found;
    return admit(s, fresh, found);
  }

  /// Transactions are held against this schema from now on; what cannot be read as one changes nothing.
  void learn(const schema_document& schema);
  /// Another one for every schema that it has learned.
  [[nodiscard]] std::uint64_t schema_number() const { return schema_number_; }

  /// Those that come first go first.
  [[nodiscard]] const std::vector<std::string>& lanes() const { return lanes_; }

  /// A decision as an entry for the lane of its dead letter; `found` is what the log has under that id.
  [[nodiscard]] std::variant<append, fault> admit(decision d, const dead_letters& found,
                                                  const uuid& fresh) const;

private:
  [[nodiscard]] fault check_edit(decision& d, const dead_letter& letter) const;

  transaction_limits limits_;
  std::vector<std::string> lanes_;
  bool asks_for_rows_;
  std::string fingerprint_;
  std::uint64_t schema_number_ = 0;
  std::shared_ptr<const preflight_core> preflight_; ///< Null while no schema is known.
};

} // namespace chasqui
