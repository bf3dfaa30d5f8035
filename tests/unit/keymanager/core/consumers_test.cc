#include "keymanager/core/consumers.h"

#include <string>

#include "tests/unit/keymanager/core/world.h"

namespace sallyport::core {
namespace {

const model::SecretConsumer Image{"image", "image", "1", {}, {}, {}};
const model::ContainerConsumer Balancer{"lb", "http://example.invalid/1", {}, {}, {}};

class ConsumersTest : public KeyManagerWorld {
protected:
    Consumers& consumers() { return key_manager_->consumers(); }
    /// A secret and a container that the stranger may read.
    SecretId shared_secret() {
        const SecretId id = stored();
        EXPECT_TRUE(key_manager_->access_lists().change(Creator, id, {{}, std::vector{Stranger.user}}));
        return id;
    }
};

TEST_F(ConsumersTest, AreShownWithTheirObject) {
    const SecretId secret = stored();
    const ContainerId container = contained();
    EXPECT_EQ(consumers().add(Creator, secret, Image)->consumers.size(), 1u);
    EXPECT_EQ(consumers().add(Creator, secret, Image)->consumers.size(), 1u);
    EXPECT_EQ(consumers().add(Creator, container, Balancer)->consumers.size(), 1u);
    EXPECT_TRUE(key_manager_->describe(Creator, secret)->consumers.empty());
    EXPECT_EQ(key_manager_->describe(Creator, secret, Detail::WithConsumers)->consumers.size(), 1u);
    EXPECT_EQ(key_manager_->list(Creator, {}, {}, Detail::WithConsumers)->items.at(0).consumers.size(), 1u);
    EXPECT_EQ(consumers().list(Creator, secret, {})->total, 1);
    EXPECT_TRUE(consumers().remove(Creator, secret, Image)->consumers.empty());
    EXPECT_TRUE(consumers().remove(Creator, container, Balancer)->consumers.empty());
    EXPECT_EQ(code_of(consumers().remove(Creator, secret, Image)), Code::NotFound);
}

TEST_F(ConsumersTest, AreTakenAwayByWhoRegisteredThemOrOwnsTheObject) {
    const SecretId id = shared_secret();
    ASSERT_TRUE(consumers().add(Creator, id, Image));
    EXPECT_EQ(code_of(consumers().remove(Stranger, id, Image)), Code::Refused);
    EXPECT_TRUE(consumers().remove(Creator, id, Image));
    ASSERT_TRUE(consumers().add(Stranger, id, Image));
    EXPECT_TRUE(consumers().remove(Stranger, id, Image));
    ASSERT_TRUE(consumers().add(Stranger, id, Image));
    EXPECT_TRUE(consumers().remove(Creator, id, Image));
}

TEST_F(ConsumersTest, SayWhichSecretsAResourceUses) {
    const SecretId first = stored();
    const SecretId second = stored();
    ASSERT_TRUE(consumers().add(Creator, first, {"cinder", "volume", "v1", {}, {}, {}}));
    ASSERT_TRUE(consumers().add(Creator, first, {"other", "volume", "v1", {}, {}, {}}));
    ASSERT_TRUE(consumers().add(Creator, second, {"cinder", "volume", "v2", {}, {}, {}}));
    ASSERT_TRUE(consumers().add(Creator, second, {"cinder", "snapshot", "v1", {}, {}, {}}));
    EXPECT_EQ(*consumers().secrets_used_by(Creator, "volume", "v1"), std::vector{first});
    EXPECT_TRUE(consumers().secrets_used_by(Creator, "volume", "v3")->empty());
    EXPECT_TRUE(consumers().secrets_used_by(Stranger, "volume", "v1")->empty());
    ASSERT_TRUE(key_manager_->remove(Creator, first));
    EXPECT_TRUE(consumers().secrets_used_by(Creator, "volume", "v1")->empty());
}

TEST_F(ConsumersTest, GoWithTheirSecret) {
    const SecretId id = stored();
    ASSERT_TRUE(consumers().add(Creator, id, Image));
    EXPECT_TRUE(key_manager_->remove(Creator, id));
    EXPECT_EQ(code_of(consumers().list(Creator, id, {})), Code::NotFound);
}

TEST_F(ConsumersTest, AreNobodyElses) {
    const SecretId secret = stored();
    const ContainerId container = contained();
    EXPECT_EQ(code_of(consumers().add(Stranger, secret, Image)), Code::Forbidden);
    EXPECT_EQ(code_of(consumers().list(Stranger, container, {})), Code::Forbidden);
    EXPECT_EQ(code_of(consumers().remove(Stranger, container, Balancer)), Code::Forbidden);
    EXPECT_EQ(code_of(consumers().describe(Creator, secret, "00000000-0000-4000-8000-000000000000")), Code::NotFound);
    EXPECT_EQ(code_of(consumers().describe(Creator, container, "00000000-0000-4000-8000-000000000000")),
              Code::NotFound);
}

}  // namespace
}  // namespace sallyport::core
