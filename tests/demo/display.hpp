#pragma once

#include "messages/status.hpp"
#include "tests/demo/ledger.hpp"

#include <string>

namespace chasqui::night {

/// Marks over all lanes.
struct marks {
  seqno head = 0;
  seqno committed = 0;
  seqno replicated = 0;
};

marks marks_of(const status_report& status);

/// Tells a stranger what goes on: two lines that are written anew on a terminal, one line a second elsewhere.
class display {
public:
  display();

  /// A sentence on a line of its own.
  void announce(const std::string& sentence);

  /// Shows the moment, if the last one was shown long enough ago.
  void show(const status_report& status, const latency& last_second, time_point now);

private:
  void wipe();

  bool terminal_;
  bool lines_open_ = false;
  time_point started_;
  time_point next_;
};

} // namespace chasqui::night
