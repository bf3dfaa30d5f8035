#include "keymanager/store/pkek_cache.h"

#include <gtest/gtest.h>

#include "keymanager/crypto/random.h"

namespace sallyport::store {
namespace {

model::KekMeta kek(const std::string& id, const std::string& wrapping = "w") {
    model::KekMeta meta;
    meta.id = KekId(id);
    meta.plugin_meta = wrapping;
    return meta;
}

std::shared_ptr<const Pkek> pkek() {
    return std::shared_ptr<const Pkek>(new Pkek{*crypto::Fernet::generate(), *crypto::random_secret(32)});
}

TEST(PkekCache, GivesBackWhatWasPut) {
    PkekCache cache(2);
    EXPECT_EQ(cache.find(kek("a")), nullptr);
    const auto value = pkek();
    cache.put(kek("a"), value);
    EXPECT_EQ(cache.find(kek("a")), value);
}

TEST(PkekCache, ForgetsWhatWasWrappedOtherwise) {
    PkekCache cache(2);
    cache.put(kek("a", "old"), pkek());
    EXPECT_EQ(cache.find(kek("a", "new")), nullptr);
    const auto value = pkek();
    cache.put(kek("a", "new"), value);
    EXPECT_EQ(cache.find(kek("a", "new")), value);
    EXPECT_EQ(cache.size(), 1u);
}

TEST(PkekCache, NeverHoldsMoreThanItsCapacityAndDropsTheLeastUsed) {
    PkekCache cache(2);
    cache.put(kek("a"), pkek());
    cache.put(kek("b"), pkek());
    EXPECT_NE(cache.find(kek("a")), nullptr);  // now "b" is the one used longest ago
    cache.put(kek("c"), pkek());
    EXPECT_EQ(cache.size(), 2u);
    EXPECT_NE(cache.find(kek("a")), nullptr);
    EXPECT_EQ(cache.find(kek("b")), nullptr);
    EXPECT_NE(cache.find(kek("c")), nullptr);
}

TEST(PkekCache, WipesWhatItDropsOnceNobodyUsesIt) {
    const std::size_t before = secure_arena_usage().used;
    {
        PkekCache cache(1);
        cache.put(kek("a"), pkek());
        const auto used = cache.find(kek("a"));
        const std::size_t one = secure_arena_usage().used;
        cache.put(kek("b"), pkek());
        EXPECT_GT(secure_arena_usage().used, one);  // "a" is still in use
        EXPECT_EQ(used->bound_key.size(), 32u);
    }
    EXPECT_EQ(secure_arena_usage().used, before);
}

}  // namespace
}  // namespace sallyport::store
