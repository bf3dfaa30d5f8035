#pragma once

#include <string>
#include <utility>
#include <vector>

#include "integrations/object/root_secret.h"

namespace sallyport::object {

/// A root secret of zeros, for what fuzzers of stored metadata decrypt with.
inline const RootSecrets& zero_secrets() {
    static const auto created = [] {
        std::vector<RootSecrets::Entry> entries;
        entries.push_back({"", *SecureBytes::of_size(32)});
        return *RootSecrets::create(std::move(entries), "");
    }();
    return created;
}

}  // namespace sallyport::object
