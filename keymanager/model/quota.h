#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "keymanager/base/ids.h"

namespace sallyport::model {

/// How many of each resource a project may have. Absent: what the configuration says. Negative: any number.
struct Quotas {
    std::optional<int> secrets;
    std::optional<int> orders;
    std::optional<int> containers;
    std::optional<int> consumers;
    std::optional<int> cas;  ///< certificate authorities, which nobody can make: kept and shown
};

/// Each of them by the name that the API and the columns give it.
struct QuotaField {
    std::string_view name;
    std::optional<int> Quotas::*member;
};
inline constexpr std::array QuotaFields{
    QuotaField{"secrets", &Quotas::secrets},
    QuotaField{"orders", &Quotas::orders},
    QuotaField{"containers", &Quotas::containers},
    QuotaField{"consumers", &Quotas::consumers},
    QuotaField{"cas", &Quotas::cas},
};

/// A row of project_quotas.
struct ProjectQuotas {
    ProjectId project;
    Quotas quotas;
};

/// `quotas`, and `defaults` where it says nothing.
inline Quotas merged(Quotas quotas, const Quotas& defaults) {
    for (const QuotaField& field : QuotaFields) {
        if (!(quotas.*field.member)) quotas.*field.member = defaults.*field.member;
    }
    return quotas;
}

}  // namespace sallyport::model
