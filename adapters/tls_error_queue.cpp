// Keeps one peer's failed handshake from ending the sessions of all others.
//
// OpenSSL keeps errors in a queue per thread, and SSL_get_error takes a leftover there for the outcome of the
// call before it. CAF 0.17.6 serves all its sessions on one thread and never empties the queue, so a stranger
// who connects and hangs up leaves an error that the next healthy session is closed for. OpenSSL's manual
// (SSL_get_error) asks callers to empty the queue before each call; these wrappers do it for CAF. They must
// be linked into the program itself, where the dynamic linker finds them before OpenSSL's own.

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace {

template <class Function> Function original(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name)); // NOLINT: what dlsym is for.
}

} // namespace

extern "C" {

int SSL_accept(SSL* session) {
  static const auto next = original<int (*)(SSL*)>("SSL_accept");
  ERR_clear_error();
  return next(session);
}

int SSL_connect(SSL* session) {
  static const auto next = original<int (*)(SSL*)>("SSL_connect");
  ERR_clear_error();
  return next(session);
}

int SSL_read(SSL* session, void* to, int bytes) {
  static const auto next = original<int (*)(SSL*, void*, int)>("SSL_read");
  ERR_clear_error();
  return next(session, to, bytes);
}

int SSL_write(SSL* session, const void* from, int bytes) {
  static const auto next = original<int (*)(SSL*, const void*, int)>("SSL_write");
  ERR_clear_error();
  return next(session, from, bytes);
}
}
