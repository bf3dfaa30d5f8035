#include "integrations/object/byte_range.h"

#include <gtest/gtest.h>

namespace sallyport::object {
namespace {

using Kind = RangeChoice::Kind;

RangeChoice choose(const std::string& header, std::uint64_t length = 100) { return choose_ranges(&header, length); }

// The examples of RFC 9110, section 14.1.2, on a body of 10000 bytes.
TEST(ByteRange, ReadsTheExamplesOfTheStandard) {
    EXPECT_EQ(choose("bytes=0-499", 10000).ranges, (std::vector<ByteRange>{{0, 500}}));
    EXPECT_EQ(choose("bytes=500-999", 10000).ranges, (std::vector<ByteRange>{{500, 1000}}));
    EXPECT_EQ(choose("bytes=-500", 10000).ranges, (std::vector<ByteRange>{{9500, 10000}}));
    EXPECT_EQ(choose("bytes=9500-", 10000).ranges, (std::vector<ByteRange>{{9500, 10000}}));
    EXPECT_EQ(choose("bytes=0-0,-1", 10000).ranges, (std::vector<ByteRange>{{0, 1}, {9999, 10000}}));
}

TEST(ByteRange, IgnoresAMalformedSetAsAWhole) {
    for (const char* header : {"", "bytes", "bytes=", "bytes=5-3", "bytes=-", "bytes=45", "bytes=a-b", "bytes=0-1,x",
                               "bytes=--0", "items=0-1", "bytes=0-1,", "bytes=+1-2"}) {
        EXPECT_EQ(choose(header).kind, Kind::Whole) << header;
    }
    EXPECT_EQ(choose_ranges(nullptr, 100).kind, Kind::Whole);
}

TEST(ByteRange, DropsWhatIsBeyondTheEnd) {
    EXPECT_EQ(choose("bytes=90-200").ranges, (std::vector<ByteRange>{{90, 100}}));
    EXPECT_EQ(choose("bytes=0-0,200-300").ranges, (std::vector<ByteRange>{{0, 1}}));
    EXPECT_EQ(choose("bytes=-500").ranges, (std::vector<ByteRange>{{0, 100}}));
    EXPECT_EQ(choose("bytes=0-99999999999999999999999").ranges, (std::vector<ByteRange>{{0, 100}}));
}

TEST(ByteRange, RefusesWhatCannotBeSatisfied) {
    for (const char* header : {"bytes=100-", "bytes=-0", "bytes=100-200,300-", "bytes=99999999999999999999999-"}) {
        EXPECT_EQ(choose(header).kind, Kind::Unsatisfiable) << header;
    }
    EXPECT_EQ(choose("bytes=0-0", 0).kind, Kind::Unsatisfiable);
}

TEST(ByteRange, AnswersASuffixOfNothingWithNothing) { EXPECT_EQ(choose("bytes=-5", 0).kind, Kind::Whole); }

TEST(ByteRange, RefusesEgregiousSets) {
    std::string many = "bytes=0-0";
    for (int i = 1; i < 50; ++i) many += "," + std::to_string(2 * i) + "-" + std::to_string(2 * i);
    EXPECT_EQ(choose(many, 1000).ranges.size(), 50U);
    EXPECT_EQ(choose(many + ",200-200", 1000).kind, Kind::Unsatisfiable);
    EXPECT_EQ(choose("bytes=0-9,5-14,10-19").kind, Kind::Some);
    EXPECT_EQ(choose("bytes=0-9,5-14,7-19,8-20").kind, Kind::Unsatisfiable);
    EXPECT_EQ(choose("bytes=70-71,60-61,50-51,40-41,30-31,20-21,10-11").kind, Kind::Some);
    EXPECT_EQ(choose("bytes=70-71,60-61,50-51,40-41,30-31,20-21,10-11,0-1").kind, Kind::Unsatisfiable);
}

TEST(ByteRange, ReadsContentRange) {
    EXPECT_EQ(*offset_of_content_range("bytes 7-9/100"), 7U);
    EXPECT_EQ(*offset_of_content_range("bytes 0-0/*"), 0U);
    EXPECT_EQ(content_range({7, 10}, 100), "bytes 7-9/100");
}

TEST(ByteRange, RefusesMalformedContentRange) {
    for (const char* header :
         {"", "bytes", "bytes */100", "bytes 9-7/100", "bytes 7-100/100", "bytes 7/9-100", "7-9/100", "bytes -1-9/100",
          "bytes 7-9", "bytes 99999999999999999999-99999999999999999999/*"}) {
        EXPECT_FALSE(offset_of_content_range(header)) << header;
    }
}

TEST(ByteRange, FindsTheBoundary) {
    EXPECT_EQ(*multipart_boundary("multipart/byteranges;boundary=abc"), "abc");
    EXPECT_EQ(*multipart_boundary("Multipart/Byteranges; x=y; Boundary=\"a b\""), "a b");
    EXPECT_EQ(*multipart_boundary("text/plain; boundary=abc"), std::nullopt);
    EXPECT_FALSE(multipart_boundary("multipart/byteranges"));
    EXPECT_FALSE(multipart_boundary("multipart/byteranges;boundary=" + std::string(71, 'b')));
}

}  // namespace
}  // namespace sallyport::object
