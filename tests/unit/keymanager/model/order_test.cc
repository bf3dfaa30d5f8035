#include "keymanager/model/order.h"

#include <gtest/gtest.h>

namespace sallyport::model {
namespace {

TEST(OrderType, EveryWordOfTheApiReadsBack) {
    for (const char* word : {"key", "asymmetric", "certificate"}) {
        const auto type = order_type_from(word);
        ASSERT_TRUE(type) << word;
        EXPECT_EQ(text_of(*type), word);
    }
}

TEST(OrderType, OtherWordsAreNone) {
    for (const char* word : {"", "Key", "symmetric"}) EXPECT_FALSE(order_type_from(word)) << word;
}

}  // namespace
}  // namespace sallyport::model
