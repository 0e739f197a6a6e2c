// The network between the observatory and Cologne, as one process on loopback.

#include "link_control.hpp"
#include "link_relay.hpp"

#include <boost/asio/signal_set.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <vector>

namespace chasqui::link {
namespace {

constexpr std::string_view usage =
    "chasqui-link --listen HOST:PORT --target HOST:PORT --control PATH [--port-file FILE] [key=value…]\n"
    "    relays connections under network conditions; port 0 lets the kernel choose\n"
    "chasqui-link --ctl PATH [key=value…]\n"
    "    changes the conditions of a running link and prints its state\n"
    "chasqui-link --free-ports N\n"
    "    prints N ports that nobody listens on\n";

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct options {
  std::string listen = "127.0.0.1:0";
  std::string target;
  std::string control;
  std::string port_file;
  std::string ctl;
  std::string free_ports;
  std::string conditions;
};

options parse(const std::vector<std::string>& arguments) {
  options o;
  for (auto word = arguments.begin(); word != arguments.end(); ++word) {
    if (word->rfind("--", 0) != 0) {
      o.conditions += *word + ' ';
      continue;
    }
    std::string* value = nullptr;
    if (*word == "--listen")
      value = &o.listen;
    if (*word == "--target")
      value = &o.target;
    if (*word == "--control")
      value = &o.control;
    if (*word == "--port-file")
      value = &o.port_file;
    if (*word == "--ctl")
      value = &o.ctl;
    if (*word == "--free-ports")
      value = &o.free_ports;
    if (value == nullptr)
      throw usage_error{"unknown option " + *word};
    if (word + 1 == arguments.end())
      throw usage_error{*word + " needs a value"};
    *value = *++word;
  }
  return o;
}

endpoint endpoint_of(const std::string& option, const std::string& text) {
  if (auto e = parse_endpoint(text))
    return *e;
  throw usage_error{option + " needs HOST:PORT, the host an IPv4 address or localhost, not '" + text + "'"};
}

/// Readers never see half a file.
void write_file(const std::string& path, const std::string& text) {
  const auto draft = path + ".new";
  std::ofstream out{draft};
  out << text << std::flush;
  if (!out)
    throw std::runtime_error{"cannot write " + draft};
  out.close();
  std::filesystem::rename(draft, path);
}

int run(const options& o) {
  settings conditions;
  conditions.target = endpoint_of("--target", o.target);
  if (o.control.empty())
    throw usage_error{"--control needs a path"};
  if (const auto error = amend(conditions, o.conditions))
    throw usage_error{*error};

  boost::asio::io_context io{1};
  relay r{io, endpoint_of("--listen", o.listen), conditions};
  const control c{io, o.control, [&r](std::string_view line) { return r.command(line); }};
  boost::asio::signal_set signals{io, SIGINT, SIGTERM};
  signals.async_wait([&io](const boost::system::error_code&, int) { io.stop(); });
  if (!o.port_file.empty())
    write_file(o.port_file, std::to_string(r.listening().port) + "\n");
  io.run();
  return 0;
}

int ask_and_print(const options& o) {
  const auto answer = ask(o.ctl, o.conditions);
  std::cout << answer << '\n';
  return answer.rfind(R"({"error")", 0) == 0 ? 1 : 0;
}

/// Below the range from which the kernel takes ports for outgoing connections, so that a server can come back
/// to its port after a while.
int print_free_ports(std::size_t count) {
  constexpr int first = 10'000;
  int last = 32'767;
  std::ifstream range{"/proc/sys/net/ipv4/ip_local_port_range"};
  if (int low = 0; range >> low && low > first + 1000)
    last = low - 1;

  boost::asio::io_context io;
  std::vector<boost::asio::ip::tcp::acceptor> held;
  std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> ports{first, last};
  for (int tries = 0; held.size() < count && tries < 10'000; ++tries) {
    const auto port = static_cast<std::uint16_t>(ports(random));
    boost::asio::ip::tcp::acceptor a{io, boost::asio::ip::tcp::v4()};
    boost::system::error_code taken;
    a.bind({boost::asio::ip::address_v4::loopback(), port}, taken);
    if (taken)
      continue;
    std::cout << port << '\n';
    held.push_back(std::move(a));
  }
  return held.size() == count ? 0 : 1;
}

int main(const std::vector<std::string>& arguments) {
  try {
    const auto o = parse(arguments);
    if (!o.free_ports.empty())
      return print_free_ports(std::stoul(o.free_ports));
    return o.ctl.empty() ? run(o) : ask_and_print(o);
  } catch (const usage_error& e) {
    std::cerr << "chasqui-link: " << e.what() << '\n' << usage;
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "chasqui-link: " << e.what() << '\n';
    return 1;
  }
}

} // namespace
} // namespace chasqui::link

int main(int argc, char** argv) { return chasqui::link::main({argv + 1, argv + argc}); }
