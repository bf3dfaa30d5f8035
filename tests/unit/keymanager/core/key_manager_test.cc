#include "keymanager/core/key_manager.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "keymanager/base/bytes.h"
#include "keymanager/store/simple_crypto.h"
#include "tests/fakes/fake_secret_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/unit/keymanager/db/sqlite_file.h"
#include "tests/unit/keymanager/store/kek_files.h"
#include "tests/vectors/vector_file.h"
#include "tests/vectors/vectors.h"

namespace sallyport::core {
namespace {

const Caller Creator{UserId("creator"), ProjectId("a"), {"creator"}, {}};
const Caller Other{UserId("other"), ProjectId("a"), {"creator"}, {}};
const Caller Admin{UserId("admin"), ProjectId("a"), {"admin"}, {}};
const Caller Audit{UserId("audit"), ProjectId("a"), {"audit"}, {}};
const Caller Stranger{UserId("stranger"), ProjectId("b"), {"creator", "admin"}, {}};

Payload payload(std::string_view text) { return {*SecureBytes::copy_of(bytes_of(text)), "text/plain"}; }
std::string text_of_payload(const Payload& p) { return std::string(text_of(p.bytes.reveal())); }

class KeyManagerTest : public testing::Test {
protected:
    KeyManagerTest() { open("sqlite://", ""); }

    void open(const std::string& url, const std::string& overrides) {
        key_manager_ = *try_open(url, overrides, "fake canary");
    }

    Result<std::unique_ptr<KeyManager>> try_open(const std::string& url, const std::string& overrides,
                                                 const std::string& canary) {
        auto store = std::make_unique<fakes::FakeSecretStore>();
        store->canary = canary;
        store_ = store.get();
        return KeyManager::open(*db::make_database({.url = url, .password_file = {}, .sessions = 4}), std::move(store),
                                *AccessPolicy::load(overrides, false), clock_, {.secret_bytes = 100});
    }

    SecretId stored(const Caller& caller = Creator) { return *key_manager_->store(caller, {}, payload("key")); }

    fakes::ManualClock clock_;
    fakes::FakeSecretStore* store_ = nullptr;  ///< owned by the key manager
    std::unique_ptr<KeyManager> key_manager_;
};

Code code_of(const auto& result) { return result ? Code::Internal : result.error().code; }

TEST_F(KeyManagerTest, GivesBackWhatItStored) {
    const SecretId id = stored();
    const auto fetched = key_manager_->fetch(Creator, id);
    ASSERT_TRUE(fetched);
    EXPECT_EQ(text_of_payload(*fetched), "key");
    EXPECT_EQ(fetched->content_type, "text/plain");
    EXPECT_EQ(key_manager_->describe(Creator, id)->creator, Creator.user);
}

TEST_F(KeyManagerTest, AFailedStoreLeavesNothing) {
    store_->broken = true;
    EXPECT_EQ(code_of(key_manager_->store(Creator, {}, payload("key"))), Code::Unavailable);
    store_->broken = false;
    EXPECT_EQ(key_manager_->list(Creator, {}, {})->total, 0);
}

TEST_F(KeyManagerTest, AFailedSecondStepLeavesTheFirst) {
    const SecretId id = *key_manager_->store(Creator, {}, std::nullopt);
    store_->broken = true;
    EXPECT_EQ(code_of(key_manager_->add_payload(Creator, id, payload("key"))), Code::Unavailable);
    store_->broken = false;
    EXPECT_EQ(code_of(key_manager_->fetch(Creator, id)), Code::NotFound);
    EXPECT_TRUE(key_manager_->add_payload(Creator, id, payload("key")));
    EXPECT_EQ(text_of_payload(*key_manager_->fetch(Creator, id)), "key");
}

TEST_F(KeyManagerTest, TakesAPayloadOnlyOnce) {
    const SecretId id = stored();
    EXPECT_EQ(code_of(key_manager_->add_payload(Creator, id, payload("another"))), Code::Conflict);
    EXPECT_EQ(text_of_payload(*key_manager_->fetch(Creator, id)), "key");
}

TEST_F(KeyManagerTest, RefusesAPayloadOverTheLimit) {
    EXPECT_TRUE(key_manager_->store(Creator, {}, payload(std::string(100, 'x'))));
    EXPECT_EQ(code_of(key_manager_->store(Creator, {}, payload(std::string(101, 'x')))), Code::TooLarge);
    const SecretId id = *key_manager_->store(Creator, {}, std::nullopt);
    EXPECT_EQ(code_of(key_manager_->add_payload(Creator, id, payload(std::string(101, 'x')))), Code::TooLarge);
}

TEST_F(KeyManagerTest, ConcurrentFirstStoresShareOneKeyEncryptionKey) {
    std::vector<std::thread> threads;
    std::atomic<int> done = 0;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([this, &done] {
            if (key_manager_->store(Creator, {}, payload("key"))) ++done;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(done, 8);
    EXPECT_EQ(store_->keks_made, 1);
}

TEST_F(KeyManagerTest, EveryProjectHasItsOwnKeyEncryptionKey) {
    stored(Creator);
    stored(Stranger);
    stored(Creator);
    EXPECT_EQ(store_->keks_made, 2);
}

TEST_F(KeyManagerTest, AWrongProjectIsForbiddenAndAnUnknownIdIsNotFound) {
    const SecretId id = stored();
    EXPECT_EQ(code_of(key_manager_->fetch(Stranger, id)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->describe(Stranger, id)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->remove(Stranger, id)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->fetch(Stranger, SecretId("00000000-0000-4000-8000-000000000000"))), Code::NotFound);
    EXPECT_EQ(key_manager_->list(Stranger, {}, {})->total, 0);
}

TEST_F(KeyManagerTest, ADeletedOrExpiredSecretIsNotFound) {
    const SecretId gone = stored();
    EXPECT_TRUE(key_manager_->remove(Creator, gone));
    EXPECT_EQ(code_of(key_manager_->fetch(Creator, gone)), Code::NotFound);
    model::SecretAttributes attributes;
    attributes.expiration = clock_.now() + std::chrono::seconds(5);
    const SecretId id = *key_manager_->store(Creator, attributes, payload("key"));
    EXPECT_TRUE(key_manager_->fetch(Creator, id));
    clock_.advance(std::chrono::seconds(6));
    EXPECT_EQ(code_of(key_manager_->fetch(Creator, id)), Code::NotFound);
}

TEST_F(KeyManagerTest, APrivateSecretIsItsOwnersAndTheAdmins) {
    const SecretId id = stored();
    ASSERT_TRUE(key_manager_->access_lists().set(Creator, id, model::AccessList{false, {}, {}, {}}));
    EXPECT_TRUE(key_manager_->fetch(Creator, id));
    EXPECT_TRUE(key_manager_->fetch(Admin, id));
    EXPECT_EQ(code_of(key_manager_->fetch(Other, id)), Code::Forbidden);
}

TEST_F(KeyManagerTest, AnAccessListLetsAUserOfAnotherProjectIn) {
    const SecretId id = stored();
    ASSERT_TRUE(key_manager_->access_lists().change(Creator, id, {std::nullopt, std::vector{Stranger.user}}));
    EXPECT_TRUE(key_manager_->fetch(Stranger, id));
    EXPECT_EQ(code_of(key_manager_->remove(Stranger, id)), Code::Forbidden);
    ASSERT_TRUE(key_manager_->access_lists().change(Creator, id, {false, std::nullopt}));
    EXPECT_EQ((*key_manager_->access_lists().find(Creator, id))->users, std::vector{Stranger.user});
    ASSERT_TRUE(key_manager_->access_lists().remove(Creator, id));
    EXPECT_FALSE(*key_manager_->access_lists().find(Creator, id));
    EXPECT_EQ(code_of(key_manager_->fetch(Stranger, id)), Code::Forbidden);
}

TEST_F(KeyManagerTest, EveryUseCaseAsksThePolicy) {
    const auto deny = [](std::initializer_list<const char*> rules) {
        std::string file;
        for (const char* rule : rules) file += "\"" + std::string(rule) + "\": \"!\"\n";
        return file;
    };
    // A fresh database; what it holds was put there by a key manager with the default rules.
    const auto folder = std::filesystem::temp_directory_path() / "sallyport-core-XXXXXX";
    std::string name = folder.string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    const std::string url = "sqlite:///" + name + "/db.sqlite";
    open(url, "");
    const SecretId kept = stored();
    OrderRequest request;
    request.meta = "{}";
    request.attributes.algorithm = "aes";
    request.attributes.bit_length = 256;
    const OrderId order = *key_manager_->orders().create(Creator, std::move(request));
    open(url, deny({"secrets:post", "secrets:get", "secret:get", "secret:put", "secret:delete", "secret:decrypt",
                    "secret_acls:get", "secret_acls:put_patch", "secret_acls:delete", "orders:post", "orders:get",
                    "order:get", "order:delete"}));
    EXPECT_EQ(code_of(key_manager_->store(Admin, {}, std::nullopt)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->add_payload(Admin, kept, payload("x"))), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->describe(Admin, kept)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->list(Admin, {}, {})), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->fetch(Admin, kept)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->remove(Admin, kept)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->access_lists().find(Admin, kept)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->access_lists().set(Admin, kept, std::nullopt)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->access_lists().change(Admin, kept, {})), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->access_lists().remove(Admin, kept)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->orders().create(Admin, {})), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->orders().describe(Admin, order)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->orders().list(Admin, std::nullopt, {})), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->orders().remove(Admin, order)), Code::Forbidden);
    // Another master key does not open this database.
    EXPECT_EQ(code_of(try_open(url, "", "another canary")), Code::WrongKey);
    key_manager_.reset();
    std::filesystem::remove_all(name);
}

TEST_F(KeyManagerTest, AKeyOrderHasItsKeyWhenItReturns) {
    OrderRequest request;
    request.meta = R"({"algorithm": "aes"})";
    request.attributes.algorithm = "aes";
    request.attributes.bit_length = 256;
    const OrderId id = *key_manager_->orders().create(Creator, std::move(request));
    const auto view = key_manager_->orders().describe(Creator, id);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->order.status, model::Status::Active);
    ASSERT_TRUE(view->order.secret);
    EXPECT_EQ(key_manager_->fetch(Creator, *view->order.secret)->bytes.size(), 32U);
    EXPECT_EQ(code_of(key_manager_->orders().describe(Stranger, id)), Code::NotFound);
}

TEST_F(KeyManagerTest, AnOrderForWhatNobodyMakesEndsInError) {
    OrderRequest request;
    request.meta = "{}";
    request.attributes.algorithm = "rot13";
    request.attributes.bit_length = 128;
    const auto view =
        key_manager_->orders().describe(Creator, *key_manager_->orders().create(Creator, std::move(request)));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->order.status, model::Status::Error);
    EXPECT_EQ(view->order.error_status_code, "400");
    EXPECT_FALSE(view->order.secret);
    EXPECT_EQ(key_manager_->list(Creator, {}, {})->total, 0);
}

TEST_F(KeyManagerTest, AnOrderThatCannotBeKeptIsNoOrder) {
    OrderRequest request;
    request.meta = "{}";
    request.attributes.algorithm = "aes";
    request.attributes.bit_length = 128;
    store_->broken = true;
    EXPECT_EQ(code_of(key_manager_->orders().create(Creator, std::move(request))), Code::Unavailable);
    store_->broken = false;
    EXPECT_EQ(key_manager_->orders().list(Creator, std::nullopt, {})->total, 0);
    EXPECT_EQ(key_manager_->list(Creator, {}, {})->total, 0);
}

TEST_F(KeyManagerTest, AKeyPairComesInAContainerAndItsPassphraseIsASecret) {
    clock_.advance(std::chrono::seconds(1));
    OrderRequest request;
    request.type = model::OrderType::Asymmetric;
    request.meta = "{}";
    request.attributes.name = "pair";
    request.attributes.algorithm = "rsa";
    request.attributes.bit_length = 1024;
    request.passphrase = *SecureBytes::copy_of(bytes_of("canary"));
    const OrderId id = *key_manager_->orders().create(Creator, std::move(request));
    const auto view = key_manager_->orders().describe(Creator, id);
    ASSERT_TRUE(view && view->order.container);
    EXPECT_EQ(view->order.meta, "{}");
    EXPECT_EQ(text_of(view->passphrase->reveal()), "canary");
    EXPECT_FALSE(key_manager_->orders().describe(Audit, id)->passphrase);
    const auto container = key_manager_->containers().describe(Creator, *view->order.container);
    ASSERT_TRUE(container);
    EXPECT_EQ(container->name, "pair");
    EXPECT_EQ(container->secrets.size(), 3U);
    EXPECT_EQ(code_of(key_manager_->containers().describe(Stranger, *view->order.container)), Code::Forbidden);
    for (const model::ContainerSecret& part : container->secrets)
        EXPECT_TRUE(key_manager_->remove(Creator, part.secret));
    EXPECT_TRUE(key_manager_->containers().describe(Creator, *view->order.container)->secrets.empty());
    EXPECT_FALSE(key_manager_->orders().describe(Creator, id)->passphrase);
}

TEST_F(KeyManagerTest, OnlyAnAdminDeletesAnOrderAndItsKeyStays) {
    OrderRequest request;
    request.meta = "{}";
    request.attributes.algorithm = "aes";
    request.attributes.bit_length = 128;
    const OrderId id = *key_manager_->orders().create(Creator, std::move(request));
    const SecretId key = *key_manager_->orders().describe(Creator, id)->order.secret;
    EXPECT_EQ(code_of(key_manager_->orders().remove(Creator, id)), Code::Forbidden);
    EXPECT_TRUE(key_manager_->orders().remove(Admin, id));
    EXPECT_EQ(code_of(key_manager_->orders().describe(Admin, id)), Code::NotFound);
    EXPECT_TRUE(key_manager_->fetch(Creator, key));
}

/// On a file, where rows that were read are kept.
class KeyManagerOnAFile : public KeyManagerTest {
protected:
    KeyManagerOnAFile() { open("sqlite:///" + file_.path().string(), ""); }

    SecretId fetched_twice() {
        const SecretId id = stored();
        for (int i = 0; i < 2; ++i) EXPECT_EQ(text_of_payload(*key_manager_->fetch(Other, id)), "key");
        return id;
    }

    db::SqliteFile file_;
};

TEST_F(KeyManagerOnAFile, ASecretThatWasReadIsGoneOnceItIsDeleted) {
    const SecretId id = fetched_twice();
    ASSERT_TRUE(key_manager_->remove(Admin, id));
    EXPECT_EQ(code_of(key_manager_->fetch(Other, id)), Code::NotFound);
}

TEST_F(KeyManagerOnAFile, ASecretThatWasReadIsGoneOnceAnotherProgramDeletesIt) {
    const SecretId id = fetched_twice();
    file_.run("UPDATE secrets SET deleted = 1 WHERE id = '" + id.str() + "'");
    EXPECT_EQ(code_of(key_manager_->fetch(Other, id)), Code::NotFound);
}

TEST_F(KeyManagerOnAFile, ASecretThatWasReadIsRefusedOnceItsListForbids) {
    const SecretId id = fetched_twice();
    ASSERT_TRUE(key_manager_->access_lists().set(Creator, id, model::AccessList{.project_access = false, .users = {}}));
    EXPECT_EQ(code_of(key_manager_->fetch(Other, id)), Code::Forbidden);
    EXPECT_TRUE(key_manager_->fetch(Creator, id));
    ASSERT_TRUE(key_manager_->access_lists().remove(Creator, id));
    EXPECT_TRUE(key_manager_->fetch(Other, id));
}

TEST_F(KeyManagerOnAFile, ASecretThatWasReadExpiresAllTheSame) {
    model::SecretAttributes attributes;
    attributes.expiration = clock_.now() + std::chrono::hours(1);
    const SecretId id = *key_manager_->store(Creator, attributes, payload("key"));
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(key_manager_->fetch(Creator, id));
    clock_.advance(std::chrono::hours(2));
    EXPECT_EQ(code_of(key_manager_->fetch(Creator, id)), Code::NotFound);
}

TEST_F(KeyManagerOnAFile, APayloadIsThereAtOnceWhoeverLookedBefore) {
    const SecretId id = *key_manager_->store(Creator, {}, std::nullopt);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(code_of(key_manager_->fetch(Creator, id)), Code::NotFound);
    ASSERT_TRUE(key_manager_->add_payload(Creator, id, payload("late")));
    EXPECT_EQ(text_of_payload(*key_manager_->fetch(Creator, id)), "late");
}

/// A database that Barbican made and filled, under a master key of its own.
class BarbicansDatabase : public testing::Test {
protected:
    BarbicansDatabase() {
        std::ifstream dump(vectors_path("simple_crypto/barbican.sql"));
        file_.run({std::istreambuf_iterator<char>(dump), std::istreambuf_iterator<char>()});
    }

    Result<std::unique_ptr<KeyManager>> open_with(const std::string& master_key) {
        auto store = store::make_simple_crypto({"Software", {keks_.write("kek", master_key)}, {}}, system_clock());
        return KeyManager::open(file_.open(), *std::move(store), *AccessPolicy::load({}, false), system_clock(), {});
    }
    std::string right_key() { return read_vectors("simple_crypto/simple_crypto.vec").at(0)["Master"]; }
    std::string tables() { return file_.run("SELECT group_concat(name) FROM sqlite_master").at(0); }

    const std::string wrong_key_ = "d3JvbmcgbWFzdGVyIGtleSBmb3IgdGhlIHRlc3RzLi4=";
    db::SqliteFile file_;
    store::KekFiles keks_;
};

TEST_F(BarbicansDatabase, OpensWithItsOwnMasterKeyAndGetsACanary) {
    EXPECT_TRUE(open_with(right_key()));
    EXPECT_EQ(file_.run("SELECT count(*) FROM sp_canaries").at(0), "1");
    EXPECT_TRUE(open_with(right_key()));
    EXPECT_EQ(code_of(open_with(wrong_key_)), Code::WrongKey);
}

TEST_F(BarbicansDatabase, RefusesAnotherMasterKeyAndIsLeftAlone) {
    const std::string before = tables();
    const auto opened = open_with(wrong_key_);
    ASSERT_EQ(code_of(opened), Code::WrongKey);
    EXPECT_NE(opened.error().message.find(keks_.path("kek")), std::string::npos) << opened.error().message;
    EXPECT_EQ(tables(), before);
    EXPECT_TRUE(open_with(right_key()));
}

TEST_F(BarbicansDatabase, RefusesAMasterKeyThatOpensOnlyTheOldestKey) {
    file_.run(
        "INSERT INTO kek_data SELECT 'another', '2099-01-01 00:00:00', updated_at, NULL, 0, status, plugin_name,"
        " kek_label, project_id, 1, 1, algorithm, bit_length, mode,"
        " (SELECT replace(CAST(plugin_meta AS TEXT), 'A', 'B')) FROM kek_data LIMIT 1");
    EXPECT_FALSE(open_with(right_key()));
    // Of one that is used no more nothing depends on it.
    file_.run("UPDATE kek_data SET active = 0 WHERE id = 'another'");
    EXPECT_TRUE(open_with(right_key()));
}

TEST_F(BarbicansDatabase, WithoutProjectKeysTakesAnyMasterKey) {
    file_.run("DELETE FROM encrypted_data");
    file_.run("DELETE FROM kek_data");
    EXPECT_TRUE(open_with(wrong_key_));
}

}  // namespace
}  // namespace sallyport::core
