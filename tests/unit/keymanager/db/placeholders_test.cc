#include "keymanager/db/placeholders.h"

#include <gtest/gtest.h>

namespace sallyport::db {
namespace {

TEST(Placeholders, AreWrittenAsTheVendorWantsThem) {
    const char* text = "SELECT a FROM t WHERE a = :a AND b IN (:b_1,:C)";
    const auto question = rewrite_placeholders(text, PlaceholderStyle::Question);
    EXPECT_EQ(question.text, "SELECT a FROM t WHERE a = ? AND b IN (?,?)");
    EXPECT_EQ(question.values, 3u);
    const auto dollar = rewrite_placeholders(text, PlaceholderStyle::Dollar);
    EXPECT_EQ(dollar.text, "SELECT a FROM t WHERE a = $1 AND b IN ($2,$3)");
    EXPECT_EQ(dollar.values, 3u);
}

TEST(Placeholders, BetweenQuotesAndInCastsAreNone) {
    for (const char* text : {"SELECT ':a', \":b\", 'it''s :c'", "SELECT x::text", "SELECT ': '", "SELECT :"}) {
        const auto rewritten = rewrite_placeholders(text, PlaceholderStyle::Dollar);
        EXPECT_EQ(rewritten.text, text);
        EXPECT_EQ(rewritten.values, 0u);
    }
}

}  // namespace
}  // namespace sallyport::db
