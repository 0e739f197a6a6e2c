#pragma once

#include "runtime/console/console.hpp"

namespace CLI {
class App;
}

namespace chasqui {

// Each adds its commands; the one that the user names puts what it does into `run`.
void add_submit(CLI::App& app, console& c, action& run);
void add_inspection(CLI::App& app, console& c, action& run); ///< status, show, version
void add_read(CLI::App& app, console& c, action& run);
void add_wait(CLI::App& app, console& c, action& run);
void add_events(CLI::App& app, console& c, action& run);
void add_decisions(CLI::App& dead, console& c, action& run);
void add_dead(CLI::App& app, console& c, action& run);
void add_link(CLI::App& app, console& c, action& run);

} // namespace chasqui
