#include "integrations/image/signature_types.h"

#include <gtest/gtest.h>

namespace sallyport::image {
namespace {

TEST(SignatureTypes, GoByTheirExactNames) {
    for (const char* name : {"SHA-224", "SHA-256", "SHA-384", "SHA-512"}) {
        const auto method = hash_method_of(name);
        ASSERT_TRUE(method) << name;
        EXPECT_EQ(name_of(*method), name);
    }
    for (const char* name : {"RSA-PSS", "DSA", "ECC_SECP384R1", "ECC_SECP521R1", "ECC_SECT409K1", "ECC_SECT409R1",
                             "ECC_SECT571K1", "ECC_SECT571R1"}) {
        const auto type = key_type_of(name);
        ASSERT_TRUE(type) << name;
        EXPECT_EQ(name_of(*type), name);
    }
}

TEST(SignatureTypes, HaveNoOtherNames) {
    for (const char* name : {"", "sha-256", "SHA256", "SHA-1", "MD5", "SHA-256 "}) EXPECT_FALSE(hash_method_of(name));
    for (const char* name : {"", "rsa-pss", "RSA", "ECC_SECP256R1", "ECC_secp384r1"}) EXPECT_FALSE(key_type_of(name));
}

TEST(SignatureTypes, OfCurvesAreFoundByThem) {
    EXPECT_EQ(key_type_of_curve("sect571k1"), KeyType::EccSect571k1);
    EXPECT_EQ(curve_of(KeyType::EccSect571k1), "sect571k1");
    EXPECT_FALSE(key_type_of_curve("prime256v1"));
    EXPECT_FALSE(key_type_of_curve("")) << "RSA has no curve";
    EXPECT_EQ(curve_of(KeyType::RsaPss), "");
}

}  // namespace
}  // namespace sallyport::image
