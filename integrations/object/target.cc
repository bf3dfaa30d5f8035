#include "integrations/object/target.h"

#include "integrations/object/text.h"

namespace sallyport::object {
namespace {

std::string_view take_until(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const auto taken = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return taken;
}

std::map<std::string, std::string> parse_query(std::string_view rest) {
    std::map<std::string, std::string> query;
    while (!rest.empty()) {
        std::string_view value = take_until(rest, '&');
        if (value.empty()) continue;
        const std::string_view name = take_until(value, '=');
        query[form_unquoted(name)] = form_unquoted(value);
    }
    return query;
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
    const std::string_view encoded_path = take_until(target, '?');
    const std::string decoded_path = percent_decoded(encoded_path);
    std::string_view rest = decoded_path;
    const bool absolute = !rest.empty() && rest.front() == '/';
    if (absolute) rest.remove_prefix(1);
    const std::string_view version = take_until(rest, '/');
    if (!absolute || (version != "v1" && version != "v1.0")) {
        return Error{Code::InvalidInput, "the path does not begin with /v1/", {}};
    }
    Target parsed;
    parsed.path.account = take_until(rest, '/');
    parsed.path.container = take_until(rest, '/');
    parsed.path.object = rest;
    const bool container_missing = parsed.path.container.empty() && !parsed.path.object.empty();
    if (parsed.path.account.empty() || container_missing) {
        return Error{Code::InvalidInput, "the path names no account or no container", {}};
    }
    parsed.query = parse_query(target);
    return parsed;
}

}  // namespace sallyport::object
