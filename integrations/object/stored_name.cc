#include "integrations/object/stored_name.h"

#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/digest.h"

namespace sallyport::object {
namespace {

// NAME_MAX is 255 on every file system in use.
constexpr std::size_t LongestFileName = 200;
constexpr std::size_t KeptOfLongName = 100;

}  // namespace

Result<std::string> stored_name(std::string_view name) {
    std::string encoded;
    for (const char c : name) {
        const bool hides_or_marks = c == '~' || (c == '.' && encoded.empty());
        if (hides_or_marks) {
            encoded.append(c == '~' ? "%7E" : "%2E");
        } else {
            encoded.append(percent_encoded(std::string_view(&c, 1)));
        }
    }
    if (encoded.size() <= LongestFileName) return encoded;
    const auto hash = TRY(crypto::sha256(bytes_of(name)));
    return encoded.substr(0, KeptOfLongName) + "~" + to_hex(hash);
}

std::optional<std::string> name_of_stored(std::string_view file_name) {
    if (file_name.find('~') != std::string_view::npos) return std::nullopt;
    return percent_decoded(file_name);
}

}  // namespace sallyport::object
