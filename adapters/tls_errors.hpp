#pragma once

namespace chasqui {

/// Keeps one TLS session's errors from ending the others. To be called before CAF's middleman starts; once is
/// enough for the whole process.
///
/// OpenSSL wants its thread's error queue emptied before every operation (SSL_get_error(3)). CAF 0.17.6 never
/// empties it, where it is built without its log as Debian does: after one session has ended without a
/// farewell, and CAF's own all do, the next one on that thread that has to wait for its peer is taken for
/// broken.
void keep_tls_errors_apart();

} // namespace chasqui
