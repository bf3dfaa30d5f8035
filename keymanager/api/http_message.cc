#include "keymanager/api/http_message.h"

#include <algorithm>

#include "keymanager/api/text.h"

namespace sallyport::api {

const std::string* Request::header(std::string_view name) const {
    const auto found =
        std::ranges::find_if(headers, [name](const Header& header) { return equal_but_for_case(header.first, name); });
    return found == headers.end() ? nullptr : &found->second;
}

}  // namespace sallyport::api
