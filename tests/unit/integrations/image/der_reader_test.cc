#include "integrations/image/der_reader.h"

#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::image {
namespace {

TEST(DerReader, WalksAlongElements) {
    const Bytes bytes = *from_hex("0201053003020107040100");
    DerReader reader(bytes);
    EXPECT_EQ(to_hex(*reader.next(DerTag::Integer)), "05");
    EXPECT_FALSE(reader.next(DerTag::OctetString)) << "a sequence comes first";
    DerReader inner(*reader.next(DerTag::Sequence));
    EXPECT_EQ(to_hex(*inner.next(DerTag::Integer)), "07");
    EXPECT_TRUE(inner.is_at_end());
    EXPECT_EQ(to_hex(reader.rest()), "040100");
    EXPECT_EQ(to_hex(*reader.next(DerTag::OctetString)), "00");
    EXPECT_FALSE(reader.next(DerTag::Integer)) << "at the end";
}

TEST(DerReader, ReadsLongLengths) {
    Bytes bytes = *from_hex("04820100");
    bytes.resize(4 + 256);
    EXPECT_EQ(DerReader(bytes).next(DerTag::OctetString)->size(), 256U);
    bytes.resize(4 + 255);
    EXPECT_FALSE(DerReader(bytes).next(DerTag::OctetString)) << "a byte is missing";
}

TEST(DerReader, RefusesLengthsThatAreNone) {
    for (const char* hex : {"04", "0401", "0480", "0481", "04850000000001ff", "0484ffffffff00", "04ff00"}) {
        const Bytes bytes = *from_hex(hex);
        EXPECT_FALSE(DerReader(bytes).next(DerTag::OctetString)) << hex;
    }
}

}  // namespace
}  // namespace sallyport::image
