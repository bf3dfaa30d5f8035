#include "agent/cli/refs.h"

#include <fmt/format.h>

#include "keymanager/base/uuid.h"

namespace sallyport::cli {

Result<std::string> id_of(const std::string& id_or_ref, std::string_view what) {
    std::string_view rest = id_or_ref;
    while (rest.ends_with('/')) rest.remove_suffix(1);
    const std::string id(rest.substr(rest.rfind('/') + 1));
    if (!is_uuid(id)) {
        return Error{Code::InvalidInput, fmt::format("{} is not the id or ref of a {}", id_or_ref, what), {}};
    }
    return id;
}

void copy_field(Record& row, const std::string& column, const boost::json::object& answer, std::string_view member) {
    const boost::json::value* const found = answer.if_contains(member);
    row[column] = found == nullptr ? boost::json::value(nullptr) : *found;
}

}  // namespace sallyport::cli
