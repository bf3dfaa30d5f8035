#include "keymanager/crypto/md5_pair.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "keymanager/base/bytes.h"
#include "keymanager/crypto/md5.h"

namespace sallyport::crypto {
namespace {

std::string md5_of(std::span<const std::byte> bytes) {
    auto md5 = *Md5::create();
    EXPECT_TRUE(md5.update(bytes));
    return *md5.hex();
}

TEST(Md5Pair, OfNothingIsTheMd5OfNothing) {
    const auto digests = Md5Pair().hex();
    EXPECT_EQ(digests.first, Md5OfNothing);
    EXPECT_EQ(digests.second, Md5OfNothing);
}

TEST(Md5Pair, GivesTheDigestsOfRfc1321) {
    Md5Pair pair;
    pair.update(bytes_of("message digest"), bytes_of("abcdefghijklmn"));
    EXPECT_EQ(pair.hex().first, "f96b697d7cb7938d525a2f31aaf161d0");
    pair.update(bytes_of("opqrstuvwxyz"), bytes_of("opqrstuvwxyz"));
    EXPECT_EQ(pair.hex().second, "c3fcd3d76192e4007dfb496cca67e13b");
}

TEST(Md5Pair, AgreesWithOpensslHoweverTheBytesCome) {
    std::mt19937 random(20261122);
    std::vector<std::byte> one(1000), two(1000);
    for (std::size_t i = 0; i < one.size(); ++i) {
        one[i] = std::byte(random());
        two[i] = std::byte(random());
    }
    for (std::size_t size = 0; size <= one.size(); ++size) {
        Md5Pair pair;
        for (std::size_t done = 0; done < size;) {
            const std::size_t piece = std::min<std::size_t>(size - done, 1 + random() % 150);
            pair.update(std::span(one).subspan(done, piece), std::span(two).subspan(done, piece));
            done += piece;
        }
        const auto digests = pair.hex();
        ASSERT_EQ(digests.first, md5_of(std::span(one).first(size))) << size;
        ASSERT_EQ(digests.second, md5_of(std::span(two).first(size))) << size;
    }
}

}  // namespace
}  // namespace sallyport::crypto
