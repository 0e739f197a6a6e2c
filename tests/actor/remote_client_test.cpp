#include <boost/test/unit_test.hpp>

#include "adapters/tls_errors.hpp"
#include "runtime/remote_client.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/all.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <openssl/ssl.h>

#include <cstdlib>
#include <memory>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace chasqui;
using chasqui::test::long_enough;
using chasqui::test::wait_until;
using namespace std::chrono_literals;

namespace {

/// Two authorities; `daemon` and `console` are signed by ours, `stranger` by the other.
class certificates {
public:
  certificates() {
    make_authority("ours");
    make_authority("other");
    sign("daemon", "ours");
    sign("console", "ours");
    sign("stranger", "other");
  }

  std::string file(const std::string& name) const { return folder_.file(name); }

private:
  inline static const std::string new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

  void run(const std::string& command) const {
    const auto line = "cd '" + folder_.path().string() + "' && " + command + " 2>>log";
    BOOST_REQUIRE(std::system(line.c_str()) == 0); // NOLINT(cert-env33-c,concurrency-mt-unsafe)
  }

  void make_authority(const std::string& name) const {
    run("openssl req -x509 " + new_key + " -days 1 -subj /CN=" + name + " -keyout " + name + ".key -out " +
        name + ".pem");
  }

  void sign(const std::string& name, const std::string& authority) const {
    run("openssl req " + new_key + " -subj /CN=" + name + " -keyout " + name + ".key -out " + name + ".csr");
    run("openssl x509 -req -in " + name + ".csr -CA " + authority + ".pem -CAkey " + authority +
        ".key -CAcreateserial -days 1 -out " + name + ".pem");
  }

  test::temp_dir folder_;
};

const certificates& pem() {
  static const certificates made;
  return made;
}

caf::actor_system_config& configure(caf::actor_system_config& config) {
  add_chasqui_types(config);
  config.load<caf::io::middleman>();
  config.load<caf::openssl::manager>();
  config.set("scheduler.max-threads", std::size_t{1});
  return config;
}

constexpr auto some_id = uuid{1, 2};

std::atomic<int> awaits_heard = 0;

gatekeeper_actor::behavior_type fake_gatekeeper(gatekeeper_actor::pointer self, seqno seq) {
  return {[seq](const submission& s) -> caf::result<receipt> {
            if (s.json != "good")
              return to_error({fault_code::unknown_field, "There is no `colour`.", "steps[0].colour"});
            return receipt{some_id, "main", seq, durability::fsynced, store_kind::redis, instant{5us}};
          },
          [](get_report) -> caf::result<status_report> { return status_report{}; },
          [](const find&) -> caf::result<life> { return life{}; },
          [self](const await&) -> caf::result<reached> {
            ++awaits_heard;
            return self->make_response_promise<reached>(); // Never kept.
          },
          [](const list_dead&) -> caf::result<dead_letters> { return dead_letters{}; },
          [](const decision&) -> caf::result<receipt> { return receipt{}; },
          [](const list_decisions&) -> caf::result<past_decisions> { return past_decisions{}; },
          [](const steer&) -> caf::result<link_status> { return link_status{}; },
          [](const read_rows&) -> caf::result<found_rows> { return found_rows{}; },
          [](const subscriber_actor&, const subscribe&) {},
          [](const subscriber_actor&, const acknowledge&) {},
          [](const list_events&) -> caf::result<past_events> { return past_events{}; }};
}

/// A daemon that has nothing but its door.
class fake_daemon {
public:
  fake_daemon() : system_{secured(config_)}, gatekeeper_{system_.spawn(fake_gatekeeper, seqno{7})} {
    const auto bound = caf::openssl::publish(gatekeeper_, 0, "127.0.0.1");
    BOOST_REQUIRE(bound);
    port_ = *bound;
  }
  fake_daemon(const fake_daemon&) = delete;
  fake_daemon& operator=(const fake_daemon&) = delete;
  ~fake_daemon() { stop(); }

  void stop() {
    if (gatekeeper_)
      caf::anon_send_exit(gatekeeper_, caf::exit_reason::user_shutdown);
    gatekeeper_ = nullptr;
  }

  std::uint16_t port() const { return port_; }

  remote_target target(const std::string& who) const {
    return {"127.0.0.1", port_, pem().file(who + ".pem"), pem().file(who + ".key"), pem().file("ours.pem")};
  }

private:
  static caf::actor_system_config& secured(caf::actor_system_config& config) {
    keep_tls_errors_apart();
    config.openssl_certificate = pem().file("daemon.pem");
    config.openssl_key = pem().file("daemon.key");
    config.openssl_cafile = pem().file("ours.pem");
    return configure(config);
  }

  caf::actor_system_config config_;
  caf::actor_system system_;
  gatekeeper_actor gatekeeper_;
  std::uint16_t port_ = 0;
};

void connect(remote_client& client) {
  const auto why = client.connect(long_enough);
  BOOST_TEST_REQUIRE((why ? why->message : "") == "");
}

bool says(const std::optional<fault>& f, const std::string& part) {
  BOOST_REQUIRE(f.has_value());
  BOOST_TEST_MESSAGE(f->message);
  return f->message.find(part) != std::string::npos;
}

/// Whether the daemon says anything to a client that is not CAF's, and that shows this certificate.
bool first_byte_over_tls(const std::string& port, const std::string& certificate, const std::string& key) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  if (!certificate.empty()) {
    BOOST_REQUIRE(SSL_CTX_use_certificate_file(context.get(), certificate.c_str(), SSL_FILETYPE_PEM) == 1);
    BOOST_REQUIRE(SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) == 1);
  }
  const std::unique_ptr<BIO, void (*)(BIO*)> stream{BIO_new_ssl_connect(context.get()), BIO_free_all};
  BIO_set_conn_hostname(stream.get(), ("127.0.0.1:" + port).c_str());
  char byte = 0;
  return BIO_do_connect(stream.get()) == 1 && BIO_read(stream.get(), &byte, 1) == 1;
}

/// A port where connections are taken and nobody ever says anything, or where nobody listens.
class mute_port {
public:
  explicit mute_port(bool listens = true) : fd_{socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    BOOST_REQUIRE(bind(fd_, any, size) == 0);
    BOOST_REQUIRE(!listens || listen(fd_, 8) == 0);
    BOOST_REQUIRE(getsockname(fd_, any, &size) == 0);
    number_ = ntohs(address.sin_port);
  }
  mute_port(const mute_port&) = delete;
  mute_port& operator=(const mute_port&) = delete;
  ~mute_port() { close(fd_); }

  std::uint16_t number() const { return number_; }

private:
  int fd_;
  std::uint16_t number_ = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_submission_comes_back_as_its_receipt) {
  fake_daemon daemon;
  remote_client client{daemon.target("console")};
  connect(client);
  const auto answer = client.ask<receipt>(submission{"good"}, long_enough);
  BOOST_REQUIRE(std::holds_alternative<receipt>(answer));
  const auto expected = receipt{some_id, "main", 7, durability::fsynced, store_kind::redis, instant{5us}};
  BOOST_CHECK(std::get<receipt>(answer) == expected);
}

BOOST_AUTO_TEST_CASE(a_fault_of_the_daemon_arrives_whole_and_counts_as_its_answer) {
  fake_daemon daemon;
  remote_client client{daemon.target("console")};
  connect(client);
  const auto answer = client.ask<receipt>(submission{"bad"}, long_enough);
  BOOST_REQUIRE(std::holds_alternative<refusal>(answer));
  const auto& refused = std::get<refusal>(answer);
  BOOST_TEST(!refused.unreachable);
  BOOST_CHECK(refused.why == (fault{fault_code::unknown_field, "There is no `colour`.", "steps[0].colour"}));
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_does_not_end_the_others) {
  fake_daemon daemon;
  remote_client stays{daemon.target("console")};
  connect(stays);
  {
    remote_client leaves{daemon.target("console")};
    connect(leaves);
  }
  for (int i = 0; i < 100; ++i)
    BOOST_TEST(std::holds_alternative<receipt>(stays.ask<receipt>(submission{"good"}, long_enough)),
               "request " << i);
}

BOOST_AUTO_TEST_CASE(a_certificate_of_another_authority_is_refused) {
  fake_daemon daemon;
  remote_client client{daemon.target("stranger")};
  const auto start = std::chrono::steady_clock::now();
  BOOST_TEST(says(client.connect(long_enough), "it ended the handshake (tlsv1 alert unknown ca)"));
  BOOST_CHECK(std::chrono::steady_clock::now() - start < long_enough);
}

BOOST_AUTO_TEST_CASE(a_daemon_of_another_authority_is_refused) {
  fake_daemon daemon;
  auto target = daemon.target("console");
  target.ca = pem().file("other.pem");
  remote_client client{target};
  BOOST_TEST(says(client.connect(long_enough), "its certificate is not accepted"));
}

BOOST_AUTO_TEST_CASE(a_session_without_a_certificate_is_refused_by_the_daemon) {
  fake_daemon daemon;
  const auto port = std::to_string(daemon.port());
  BOOST_TEST(first_byte_over_tls(port, pem().file("console.pem"), pem().file("console.key")));
  BOOST_TEST(!first_byte_over_tls(port, "", ""));
}

BOOST_AUTO_TEST_CASE(a_client_with_less_than_certificate_key_and_ca_does_not_even_try) {
  fake_daemon daemon;
  for (const auto member : {&remote_target::certificate, &remote_target::key, &remote_target::ca}) {
    auto target = daemon.target("console");
    (target.*member).clear();
    remote_client client{target};
    BOOST_TEST(says(client.connect(long_enough), "anonymous"));
  }
}

BOOST_AUTO_TEST_CASE(credentials_that_do_not_fit_are_named) {
  fake_daemon daemon;
  auto target = daemon.target("console");
  target.key = pem().file("daemon.key");
  BOOST_TEST(says(remote_client{target}.connect(long_enough),
                  "daemon.key is no key that can be read, or not that of"));
  target.certificate = pem().file("gone.pem");
  BOOST_TEST(says(remote_client{target}.connect(long_enough), "gone.pem is no certificate"));
}

BOOST_AUTO_TEST_CASE(a_port_where_nobody_listens_is_named_at_once) {
  const mute_port port{false};
  fake_daemon daemon;
  auto target = daemon.target("console");
  target.port = port.number();
  const auto start = std::chrono::steady_clock::now();
  BOOST_TEST(says(remote_client{target}.connect(long_enough),
                  to_string(target) + " cannot be reached: Connection refused"));
  BOOST_CHECK(std::chrono::steady_clock::now() - start < long_enough);
}

BOOST_AUTO_TEST_CASE(a_port_that_says_nothing_is_given_up_in_time) {
  const mute_port port;
  fake_daemon daemon;
  auto target = daemon.target("console");
  target.port = port.number();
  const auto start = std::chrono::steady_clock::now();
  BOOST_TEST(says(remote_client{target}.connect(500ms), "takes connections and does not answer"));
  BOOST_CHECK(std::chrono::steady_clock::now() - start < long_enough);
}

BOOST_AUTO_TEST_CASE(a_request_that_is_never_answered_is_given_up_in_time) {
  fake_daemon daemon;
  remote_client client{daemon.target("console")};
  connect(client);
  const auto answer = client.ask<reached>(await{}, 200ms);
  BOOST_REQUIRE(std::holds_alternative<refusal>(answer));
  BOOST_TEST(std::get<refusal>(answer).unreachable);
  BOOST_CHECK(std::get<refusal>(answer).why.code == fault_code::timed_out);
}

BOOST_AUTO_TEST_CASE(a_daemon_that_goes_away_ends_the_wait_for_its_answer) {
  fake_daemon daemon;
  remote_client client{daemon.target("console")};
  connect(client);
  const auto heard = awaits_heard.load();
  std::jthread killer{[&] {
    wait_until([&] { return awaits_heard > heard; });
    daemon.stop();
  }};
  const auto answer = client.ask<reached>(await{}, long_enough * 2);
  BOOST_REQUIRE(std::holds_alternative<refusal>(answer));
  BOOST_TEST(std::get<refusal>(answer).unreachable);
  BOOST_CHECK(std::get<refusal>(answer).why.code == fault_code::unavailable);
}

BOOST_AUTO_TEST_CASE(a_console_shows_its_own_certificate_or_else_the_daemons) {
  settings s;
  BOOST_CHECK(std::holds_alternative<fault>(target_of(s)));
  s.remote.port = 4711;
  BOOST_CHECK(std::holds_alternative<fault>(target_of(s)));
  s.remote.certificate = "d.pem";
  s.remote.key = "d.key";
  s.remote.ca = "ca.pem";
  s.remote.listen = "0.0.0.0";
  const auto daemons = std::get<remote_target>(target_of(s));
  BOOST_TEST(to_string(daemons) == "127.0.0.1:4711");
  BOOST_TEST(daemons.certificate == "d.pem");
  s.remote.client_certificate = "c.pem";
  s.remote.client_key = "c.key";
  const auto own = std::get<remote_target>(target_of(s));
  BOOST_TEST(own.certificate == "c.pem");
  BOOST_TEST(own.key == "c.key");
}
