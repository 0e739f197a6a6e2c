#pragma once

#include "link_connection.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace chasqui::link {

/// The link: listens, relays every connection to the target under the conditions of the moment.
class relay {
public:
  /// Listens at `listen`; port 0 lets the kernel choose. Throws boost::system::system_error.
  relay(boost::asio::io_context& io, const endpoint& listen, settings conditions);

  [[nodiscard]] endpoint listening() const;

  /// Applies a control line; answers with the state or {"error": …}, as JSON.
  std::string command(std::string_view line);

private:
  void conditions_changed(const settings& before);
  void watch();
  void accept_all(bool after_a_hole);
  void admit(boost::asio::ip::tcp::socket client);
  void begin_cut();
  void finish_cut_when_delivered();
  void abort_all();
  [[nodiscard]] std::vector<std::shared_ptr<connection>> connections() const;
  [[nodiscard]] std::string state() const;

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer accept_later_;
  boost::asio::steady_timer cut_timer_;
  time_point cut_deadline_{};
  flow flow_;
  std::unordered_map<const pipe_owner*, std::shared_ptr<connection>> open_;
  std::uint64_t accepted_ = 0;
  std::uint64_t resets_ = 0;
  bool watching_ = false;
  bool was_unreachable_ = false;
};

} // namespace chasqui::link
