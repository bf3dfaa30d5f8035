#include "keymanager/crypto/md5.h"

#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"

namespace sallyport::crypto {
namespace {

std::string md5_of(std::string_view text, std::size_t piece) {
    auto md5 = Md5::create();
    EXPECT_TRUE(md5);
    while (!text.empty()) {
        EXPECT_TRUE(md5->update(bytes_of(text.substr(0, piece))));
        text.remove_prefix(std::min(piece, text.size()));
    }
    return md5->hex().value_or("failed");
}

// RFC 1321, appendix A.5.
TEST(Md5, GivesTheDigestsOfTheStandard) {
    EXPECT_EQ(md5_of("", 1), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(md5_of("", 1), Md5OfNothing);
    EXPECT_EQ(md5_of("abc", 3), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(md5_of("message digest", 5), "f96b697d7cb7938d525a2f31aaf161d0");
    EXPECT_EQ(md5_of("12345678901234567890123456789012345678901234567890123456789012345678901234567890", 7),
              "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(Md5, GivesAnotherDigestForAnotherByte) { EXPECT_NE(md5_of("abd", 3), md5_of("abc", 3)); }

}  // namespace
}  // namespace sallyport::crypto
