#pragma once

#include <string_view>

#include "keymanager/api/json.h"
#include "keymanager/base/bytes.h"

namespace sallyport::api {

inline Checked<JsonBody> parse_text(std::string_view text, std::size_t limit = 25000) {
    return JsonBody::parse(*SecureBytes::copy_of(bytes_of(text)), limit);
}

}  // namespace sallyport::api
