#pragma once

#include <optional>

#include "integrations/object/head.h"

namespace sallyport::object {

/// Swift's limits on user metadata, checked on the plaintext before anything is sealed: 256 bytes a value, 128 a name,
/// 90 items, 4096 in all; 8192 for any header. Returns the answer (400) that a client gets for being over one.
std::optional<Answer> check_metadata(const Headers& request);

}  // namespace sallyport::object
