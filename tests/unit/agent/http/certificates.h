#pragma once

#include <string>

namespace sallyport::http::testing_ {

/// A throw-away authority with a server's certificate (for "localhost" and 127.0.0.1) and a client's.
struct Certificates {
    std::string authority;  ///< files
    std::string server_certificate;
    std::string server_key;
    std::string client_certificate;
    std::string client_key;
};
/// Made by OpenSSL's library in `folder`.
Certificates make_certificates(const std::string& folder);

}  // namespace sallyport::http::testing_
