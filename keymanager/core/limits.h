#pragma once

#include <cstddef>

#include "keymanager/model/quota.h"

namespace sallyport::core {

struct KeyManagerLimits {
    std::size_t secret_bytes = 20000;
    model::Quotas quotas{};  ///< of projects for which none were set; what is absent here is any number
};

}  // namespace sallyport::core
