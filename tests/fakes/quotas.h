#pragma once

#include <initializer_list>
#include <optional>
#include <utility>

#include "keymanager/model/quota.h"

namespace sallyport::fakes {

/// Quotas of which only some are set.
inline model::Quotas quotas_of(std::initializer_list<std::pair<std::optional<int> model::Quotas::*, int>> numbers) {
    model::Quotas quotas;
    for (const auto& [member, number] : numbers) quotas.*member = number;
    return quotas;
}

}  // namespace sallyport::fakes
