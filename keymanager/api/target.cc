#include "keymanager/api/target.h"

#include <algorithm>
#include <limits>

#include "keymanager/api/json.h"
#include "keymanager/api/text.h"
#include "keymanager/base/utf8.h"

namespace sallyport::api {
namespace {

constexpr int DefaultLimit = 10;
constexpr int LargestLimit = 100;

}  // namespace

RequestTarget::RequestTarget(std::string_view target) {
    const std::size_t mark = target.find('?');
    const std::string path = percent_decoded(target.substr(0, mark), false);
    garbled_ = !is_utf8(path);
    const auto parts = split(path, '/');
    segments_.reserve(parts.size());
    for (const std::string_view segment : parts) {
        if (!segment.empty()) segments_.emplace_back(segment);
    }
    if (mark == std::string_view::npos) return;
    for (const std::string_view part : split(target.substr(mark + 1), '&')) {
        if (part.empty()) continue;
        const std::size_t equals = part.find('=');
        std::string name = percent_decoded(part.substr(0, equals), true);
        std::string value = equals == part.npos ? std::string() : percent_decoded(part.substr(equals + 1), true);
        garbled_ = garbled_ || !is_utf8(name) || !is_utf8(value);
        parameters_.emplace_back(std::move(name), std::move(value));
    }
}

const std::string* RequestTarget::parameter(std::string_view name) const {
    const auto found = std::find_if(parameters_.rbegin(), parameters_.rend(),
                                    [name](const auto& parameter) { return parameter.first == name; });
    return found == parameters_.rend() ? nullptr : &found->second;
}

std::optional<std::string> RequestTarget::given(std::string_view name) const {
    const std::string* value = parameter(name);
    if (value == nullptr || value->empty()) return std::nullopt;
    return *value;
}

std::string RequestTarget::query_besides_paging() const {
    std::string query;
    for (const auto& [name, value] : parameters_) {
        if (name == "limit" || name == "offset") continue;
        query.append("&").append(percent_encoded(name)).append("=").append(percent_encoded(value));
    }
    return query;
}

model::Page page_of(const RequestTarget& target) {
    model::Page page;
    if (const auto limit = target.given("limit")) {
        page.limit = static_cast<int>(std::clamp(python_int(*limit).value_or(DefaultLimit), 1L, long{LargestLimit}));
    }
    if (const auto offset = target.given("offset")) {
        const long given = python_int(*offset).value_or(0);
        // Beyond any table the page is empty; beyond any number Barbican starts anew.
        page.offset = given == std::numeric_limits<long>::max()
                          ? 0
                          : static_cast<int>(std::clamp(given, 0L, long{std::numeric_limits<int>::max()}));
    }
    return page;
}

}  // namespace sallyport::api
