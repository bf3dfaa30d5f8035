#include "keymanager/api/microversion.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "keymanager/api/json.h"
#include "keymanager/api/text.h"
#include "keymanager/base/utf8.h"

namespace sallyport::api {
namespace {

constexpr int LatestMinor = 1;

std::optional<std::string_view> version_for_us(std::string_view header) {
    const auto entries = split(header, ',');
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
        const std::string_view text = trimmed(*entry);
        const std::size_t space = text.find_first_of(" \t");
        if (space == text.npos || !equal_but_for_case(text.substr(0, space), "key-manager")) continue;
        return trimmed(text.substr(space));
    }
    return std::nullopt;
}

VersionProblem malformed(std::string_view version, std::string_view why) {
    return {400, "Invalid microversion: invalid version string: " + std::string(version) + "; " + std::string(why)};
}

std::string not_a_number(std::string_view text) {
    return "invalid literal for int() with base 10: '" + std::string(text) + "'";
}

}  // namespace

std::variant<Microversion, VersionProblem> microversion_of(const Request& request) {
    const std::string* header = request.header("OpenStack-API-Version");
    const auto version = header == nullptr ? std::nullopt : version_for_us(*header);
    if (!version) return Microversion{0};
    if (*version == "latest") return Microversion{LatestMinor};
    const std::size_t dot = version->find('.');
    const std::string_view major_text = version->substr(0, dot);
    const auto major = python_int(major_text);
    if (!major) return malformed(*version, not_a_number(major_text));
    if (dot == version->npos) {
        return malformed(*version, "Version.__new__() missing 1 required positional argument: 'minor'");
    }
    const std::string_view minor_text = version->substr(dot + 1);
    const auto minor = python_int(minor_text);
    if (!minor) return malformed(*version, not_a_number(minor_text));
    if (*major != 1 || *minor < 0 || *minor > LatestMinor) {
        return VersionProblem{406, "Invalid microversion: Unacceptable version header: " + std::string(*version)};
    }
    return Microversion{static_cast<int>(*minor)};
}

}  // namespace sallyport::api
