#include "adapters/tls_errors.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>

namespace chasqui {

namespace {

// Every TLS operation that ends in "wait" has called one of these on its socket just before.
long forget_older_errors(BIO*, int operation, const char*, std::size_t, int, long, int result, std::size_t*) {
  if (operation == BIO_CB_READ || operation == BIO_CB_WRITE)
    ERR_clear_error();
  return result;
}

void watch_socket(void* parent, void*, CRYPTO_EX_DATA*, int, long, void*) {
  auto* const stream = static_cast<BIO*>(parent);
  if (BIO_method_type(stream) == BIO_TYPE_SOCKET)
    BIO_set_callback_ex(stream, forget_older_errors);
}

} // namespace

void keep_tls_errors_apart() {
  static const int registered = BIO_get_ex_new_index(0, nullptr, watch_socket, nullptr, nullptr);
  static_cast<void>(registered);
}

} // namespace chasqui
