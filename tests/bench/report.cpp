#include "tests/bench/report.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <iostream>

namespace chasqui::bench {

void print(const row& r) {
  const double ratio = r.reference == 0 ? 0 : r.ours / r.reference;
  std::printf("%-58s %12.1f %-8s reference %12.1f  ratio %8.2f  goal %-22s %s\n", r.name.c_str(), r.ours,
              r.unit.c_str(), r.reference, ratio, r.goal.c_str(), r.met ? "met" : "NOT MET");
  std::fflush(stdout);
  std::cout << nlohmann::json{{"name", r.name},
                              {"ours", r.ours},
                              {"reference", r.reference},
                              {"unit", r.unit},
                              {"ratio", ratio},
                              {"goal", r.goal},
                              {"met", r.met},
                              {"reference_is", r.reference_is}}
                   .dump()
            << std::endl;
}

} // namespace chasqui::bench
