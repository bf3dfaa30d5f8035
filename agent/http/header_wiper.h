#pragma once

#include <span>
#include <vector>

#include "keymanager/api/http_message.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::http {

/// Wipes the values of headers that carried a token, as soon as the exchange is over.
class HeaderWiper {
public:
    explicit HeaderWiper(std::vector<api::Header>& headers) : headers_(headers) {}
    ~HeaderWiper() {
        for (api::Header& header : headers_) wipe(std::as_writable_bytes(std::span(header.second)));
    }
    HeaderWiper(const HeaderWiper&) = delete;
    HeaderWiper& operator=(const HeaderWiper&) = delete;

private:
    std::vector<api::Header>& headers_;
};

}  // namespace sallyport::http
