#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keymanager/model/secret.h"

namespace sallyport::api {

/// A request's target, taken apart: the path's segments without empty ones, and the query's parameters, decoded.
class RequestTarget {
public:
    explicit RequestTarget(std::string_view target);

    const std::vector<std::string>& segments() const { return segments_; }
    /// The last one of that name; nullptr if there is none.
    const std::string* parameter(std::string_view name) const;
    /// The one of that name if it is not empty: Barbican treats an empty parameter as none.
    std::optional<std::string> given(std::string_view name) const;
    /// "&name=x&sort=created" of all parameters but those of paging: what links to other pages keep.
    std::string query_besides_paging() const;
    /// True if a part of it decodes to what is no UTF-8.
    bool is_garbled() const { return garbled_; }

private:
    std::vector<std::string> segments_;
    std::vector<std::pair<std::string, std::string>> parameters_;
    bool garbled_ = false;
};

/// limit and offset of a list: never an error, junk falls back.
model::Page page_of(const RequestTarget& target);

}  // namespace sallyport::api
