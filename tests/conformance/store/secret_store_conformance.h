#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "keymanager/store/secret_store.h"

namespace sallyport::store {

/// One implementation under test.
struct StoreUnderTest {
    std::string name;
    bool binds_rows;  ///< its ciphertexts are bound to secret, project and KEK
    /// The store under master key `key` (0, 1, ...): the same number gives a store that reads what the other wrote.
    std::function<std::unique_ptr<SecretStore>(int key)> open;
};
inline void PrintTo(const StoreUnderTest& under_test, std::ostream* out) { *out << under_test.name; }

class SecretStoreConformance : public testing::TestWithParam<StoreUnderTest> {};

}  // namespace sallyport::store
