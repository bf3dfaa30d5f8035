#include "keymanager/core/kek_care.h"

#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"
#include "keymanager/core/key_manager.h"
#include "keymanager/db/database.h"
#include "keymanager/store/simple_crypto.h"
#include "tests/unit/keymanager/db/sqlite_file.h"
#include "tests/unit/keymanager/store/kek_files.h"

namespace sallyport::core {
namespace {

/// A key manager on a file, opened again and again with other master keys.
class KekCareTest : public testing::Test {
protected:
    KekCareTest() {
        old_ = files_.write("old", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=");
        new_ = files_.write("new", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        open({old_});
    }

    Result<std::unique_ptr<KeyManager>> try_open(const std::vector<std::string>& keks) {
        auto store = store::make_simple_crypto({"Software", keks, store::Envelope::Bound}, system_clock());
        if (!store) return store.error();
        return KeyManager::open(*db::make_database({.url = "sqlite:///" + files_.path("keys.db"), .password_file = {}}),
                                *std::move(store), *AccessPolicy::load("", false), system_clock(), {});
    }
    void open(const std::vector<std::string>& keks) {
        keys_.reset();
        auto opened = try_open(keks);
        ASSERT_TRUE(opened) << opened.error().message;
        keys_ = *std::move(opened);
    }

    static Caller of(const std::string& project) { return {UserId("u"), ProjectId(project), {"creator"}, {}}; }
    SecretId store(const std::string& project, std::string_view text) {
        return *keys_->store(of(project), {}, Payload{*SecureBytes::copy_of(bytes_of(text)), "text/plain"});
    }
    std::string fetch(const std::string& project, const SecretId& id) {
        const auto payload = keys_->fetch(of(project), id);
        return payload ? std::string(text_of(payload->bytes.reveal())) : payload.error().message;
    }

    /// All pages of a call.
    template <class Page>
    static std::uint64_t changed_by(Page&& page) {
        std::uint64_t changed = 0;
        std::string after;
        for (;;) {
            const auto done = page(after);
            EXPECT_TRUE(done) << done.error().message;
            changed += done->changed;
            if (!done->next) return changed;
            after = *done->next;
        }
    }
    std::uint64_t rewrap_keks() {
        return changed_by([this](const std::string& after) { return keys_->kek_care().rewrap_keks(KekId(after), 2); });
    }
    std::uint64_t rewrap_payloads() {
        return changed_by(
            [this](const std::string& after) { return keys_->kek_care().rewrap_payloads(db::PayloadId(after), 2); });
    }

    store::KekFiles files_;
    std::string old_;
    std::string new_;
    std::unique_ptr<KeyManager> keys_;
};

TEST_F(KekCareTest, CountsWhatEachMasterKeyIsNeededFor) {
    for (const char* project : {"a", "b", "c"}) store(project, "x");
    open({new_, old_});
    store("d", "x");
    const auto first = keys_->kek_care().count(KekId(), 3);
    ASSERT_TRUE(first && first->next);
    const auto rest = keys_->kek_care().count(*first->next, 3);
    ASSERT_TRUE(rest);
    EXPECT_FALSE(rest->next);
    EXPECT_EQ(first->total + rest->total, 4U);
    EXPECT_EQ(first->openers[0] + rest->openers[0], 1U);
    EXPECT_EQ(first->openers[1] + rest->openers[1], 3U);
    EXPECT_EQ(*keys_->kek_care().canary_key(), 1U);
}

TEST_F(KekCareTest, ARewrapMakesTheOldMasterKeyUnneeded) {
    std::vector<std::pair<std::string, SecretId>> secrets;
    for (const char* project : {"a", "b", "c", "d", "e"}) secrets.emplace_back(project, store(project, "payload"));
    open({new_, old_});
    EXPECT_EQ(rewrap_keks(), 5U);
    EXPECT_EQ(rewrap_keks(), 0U);
    for (const auto& [project, id] : secrets) EXPECT_EQ(fetch(project, id), "payload");
    // The canary still needs the old one.
    EXPECT_EQ(try_open({new_}).error().code, Code::WrongKey);
    EXPECT_TRUE(*keys_->kek_care().rewrap_canary());
    EXPECT_FALSE(*keys_->kek_care().rewrap_canary());
    open({new_});
    for (const auto& [project, id] : secrets) EXPECT_EQ(fetch(project, id), "payload");
}

TEST_F(KekCareTest, HalfARewrapCanBeReadAndIsGoneOnWith) {
    std::vector<std::pair<std::string, SecretId>> secrets;
    for (const char* project : {"a", "b", "c", "d", "e"}) secrets.emplace_back(project, store(project, "payload"));
    open({new_, old_});
    EXPECT_EQ(keys_->kek_care().rewrap_keks(KekId(), 2)->changed, 2U);
    open({new_, old_});
    for (const auto& [project, id] : secrets) EXPECT_EQ(fetch(project, id), "payload");
    EXPECT_EQ(rewrap_keks(), 3U);
}

TEST_F(KekCareTest, ARotatedProjectStoresUnderItsNewKeyAndReadsUnderBoth) {
    const SecretId before = store("a", "before");
    const auto fresh = keys_->kek_care().rotate(ProjectId("a"));
    ASSERT_TRUE(fresh);
    const SecretId after = store("a", "after");
    EXPECT_EQ(fetch("a", before), "before");
    EXPECT_EQ(fetch("a", after), "after");
    const auto census = keys_->kek_care().count(KekId(), 10);
    EXPECT_EQ(census->total, 2U);
    EXPECT_EQ(census->retired, 1U);
    EXPECT_EQ(keys_->kek_care().rotate(ProjectId("nobody")).error().code, Code::NotFound);
}

TEST_F(KekCareTest, PayloadsAreBroughtUnderTheActiveKey) {
    std::vector<SecretId> secrets;
    for (int i = 0; i < 5; ++i) secrets.push_back(store("a", "payload"));
    const SecretId other = store("b", "b's");
    ASSERT_TRUE(keys_->kek_care().rotate(ProjectId("a")));
    EXPECT_EQ(rewrap_payloads(), 5U);
    EXPECT_EQ(rewrap_payloads(), 0U);
    for (const SecretId& id : secrets) EXPECT_EQ(fetch("a", id), "payload");
    EXPECT_EQ(fetch("b", other), "b's");
}

}  // namespace
}  // namespace sallyport::core
