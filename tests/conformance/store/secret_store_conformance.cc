#include "tests/conformance/store/secret_store_conformance.h"

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/uuid.h"

namespace sallyport::store {
namespace {

const ProjectId Project("11112222333344445555666677778888");
const SecretBinding Row{SecretId("11111111-1111-4111-8111-111111111111"), Project};

SecureBytes secret(std::string_view text) { return *SecureBytes::copy_of(bytes_of(text)); }

TEST_P(SecretStoreConformance, WhatIsWrappedIsUnwrapped) {
    const auto store = GetParam().open(0);
    const model::KekMeta kek = *store->bind_kek(Project);
    for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 32u, 20000u}) {
        const SecureBytes payload = *store->generate(size);
        const auto wrapped = store->wrap(kek, Row, payload);
        ASSERT_TRUE(wrapped) << wrapped.error().message;
        const auto opened = store->unwrap(kek, Row, *wrapped);
        ASSERT_TRUE(opened) << opened.error().message;
        EXPECT_TRUE(equal_in_constant_time(opened->reveal(), payload.reveal())) << size;
    }
}

TEST_P(SecretStoreConformance, AnotherInstanceOfTheSameMasterKeyReadsIt) {
    const auto writer = GetParam().open(0), reader = GetParam().open(0);
    const model::KekMeta kek = *writer->bind_kek(Project);
    const auto wrapped = writer->wrap(kek, Row, secret("payload"));
    const auto opened = reader->unwrap(kek, Row, *wrapped);
    ASSERT_TRUE(opened);
    EXPECT_EQ(text_of(opened->reveal()), "payload");
}

TEST_P(SecretStoreConformance, AnotherMasterKeyDoesNotReadIt) {
    const auto writer = GetParam().open(0), reader = GetParam().open(1);
    const model::KekMeta kek = *writer->bind_kek(Project);
    const auto opened = reader->unwrap(kek, Row, *writer->wrap(kek, Row, secret("payload")));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::Corrupt);
}

TEST_P(SecretStoreConformance, AKekNamesItsProjectAndItsPlugin) {
    const auto store = GetParam().open(0);
    const auto first = store->bind_kek(Project), second = store->bind_kek(Project);
    ASSERT_TRUE(first && second);
    EXPECT_TRUE(is_uuid(first->id.str()));
    EXPECT_NE(first->id, second->id);
    EXPECT_NE(first->label, second->label);
    EXPECT_NE(first->plugin_meta, second->plugin_meta);
    EXPECT_EQ(first->project, Project);
    EXPECT_EQ(first->plugin_name, store->info().crypto_plugin);
    EXPECT_FALSE(store->info().store_plugin.empty());
}

TEST_P(SecretStoreConformance, TheSamePayloadNeverLooksTheSame) {
    const auto store = GetParam().open(0);
    const model::KekMeta kek = *store->bind_kek(Project);
    std::set<std::string> seen;
    for (int i = 0; i < 50; ++i) seen.insert(store->wrap(kek, Row, secret("same"))->cypher_text);
    EXPECT_EQ(seen.size(), 50u);
}

TEST_P(SecretStoreConformance, AChangedCiphertextIsCorrupt) {
    const auto store = GetParam().open(0);
    const model::KekMeta kek = *store->bind_kek(Project);
    const auto wrapped = store->wrap(kek, Row, secret("payload"));
    for (std::size_t i = 0; i < wrapped->cypher_text.size(); ++i) {
        auto changed = *wrapped;
        char& c = changed.cypher_text[i];
        c = c == '0' ? 'Z' : '0';
        const auto opened = store->unwrap(kek, Row, changed);
        if (opened) {
            // The last characters of base64 (which one envelope has twice) hold bits that carry nothing.
            EXPECT_EQ(text_of(opened->reveal()), "payload") << i;
            EXPECT_GE(i + 8, wrapped->cypher_text.size());
        } else {
            EXPECT_EQ(opened.error().code, Code::Corrupt) << i;
        }
    }
}

TEST_P(SecretStoreConformance, ATruncatedOrEmptyCiphertextIsCorrupt) {
    const auto store = GetParam().open(0);
    const model::KekMeta kek = *store->bind_kek(Project);
    const std::string whole = store->wrap(kek, Row, secret("payload"))->cypher_text;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto opened = store->unwrap(kek, Row, {whole.substr(0, size), std::nullopt});
        ASSERT_FALSE(opened) << size;
        EXPECT_EQ(opened.error().code, Code::Corrupt) << size;
    }
}

TEST_P(SecretStoreConformance, ADamagedKekIsCorrupt) {
    const auto store = GetParam().open(0);
    const model::KekMeta kek = *store->bind_kek(Project);
    const auto wrapped = store->wrap(kek, Row, secret("payload"));
    for (const std::string& meta : {std::string(), std::string("damaged"), kek.plugin_meta.substr(4)}) {
        model::KekMeta damaged = kek;
        damaged.plugin_meta = meta;
        // Although the store has the undamaged one in its cache.
        const auto opened = store->unwrap(damaged, Row, *wrapped);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Code::Corrupt);
        EXPECT_FALSE(store->wrap(damaged, Row, secret("payload")));
    }
}

TEST_P(SecretStoreConformance, AnotherKekDoesNotOpenIt) {
    const auto store = GetParam().open(0);
    const model::KekMeta one = *store->bind_kek(Project), two = *store->bind_kek(Project);
    const auto opened = store->unwrap(two, Row, *store->wrap(one, Row, secret("payload")));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::Corrupt);
}

TEST_P(SecretStoreConformance, SwappedRowsAreNoticedIfTheEnvelopeIsBound) {
    const auto store = GetParam().open(0);
    const model::KekMeta kek = *store->bind_kek(Project);
    const auto wrapped = store->wrap(kek, Row, secret("payload"));
    const SecretBinding other_secret{SecretId("22222222-2222-4222-8222-222222222222"), Project};
    const SecretBinding other_project{Row.secret, ProjectId("99990000999900009999000099990000")};
    model::KekMeta other_kek = kek;  // the same key under another row's id
    other_kek.id = KekId("33333333-3333-4333-8333-333333333333");
    const bool opens = !GetParam().binds_rows;
    EXPECT_EQ(store->unwrap(kek, other_secret, *wrapped).has_value(), opens);
    EXPECT_EQ(store->unwrap(kek, other_project, *wrapped).has_value(), opens);
    EXPECT_EQ(store->unwrap(other_kek, Row, *wrapped).has_value(), opens);
    EXPECT_TRUE(store->unwrap(kek, Row, *wrapped));
}

TEST_P(SecretStoreConformance, GeneratedKeysDiffer) {
    const auto store = GetParam().open(0);
    std::set<std::string> seen;
    for (int i = 0; i < 50; ++i) seen.insert(to_hex(store->generate(32)->reveal()));
    EXPECT_EQ(seen.size(), 50u);
}

TEST_P(SecretStoreConformance, TheCanaryTellsAWrongMasterKey) {
    const auto ours = GetParam().open(0), again = GetParam().open(0), theirs = GetParam().open(1);
    const auto canary = ours->make_canary();
    ASSERT_TRUE(canary);
    EXPECT_TRUE(ours->check_canary(*canary));
    EXPECT_TRUE(again->check_canary(*canary));
    const auto wrong = theirs->check_canary(*canary);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Code::WrongKey);
}

TEST_P(SecretStoreConformance, ADamagedCanaryIsNotTakenForAWrongKey) {
    const auto checked = GetParam().open(0)->check_canary("damaged");
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, Code::Corrupt);
}

TEST_P(SecretStoreConformance, ManyThreadsShareOneStore) {
    const auto store = GetParam().open(0);
    std::vector<model::KekMeta> keks;
    for (int i = 0; i < 5; ++i) keks.push_back(*store->bind_kek(Project));
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&store, &keks, &good, thread] {
            for (int i = 0; i < 50; ++i) {
                const auto& kek = keks[static_cast<std::size_t>(thread + i) % keks.size()];
                const std::string text = std::to_string(thread) + "/" + std::to_string(i);
                const auto wrapped = store->wrap(kek, Row, secret(text));
                if (!wrapped) continue;
                const auto opened = store->unwrap(kek, Row, *wrapped);
                if (opened && text_of(opened->reveal()) == text) ++good;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(good, 8 * 50);
}

}  // namespace
}  // namespace sallyport::store
