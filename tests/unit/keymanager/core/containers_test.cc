#include "keymanager/core/containers.h"

#include <string>

#include "tests/unit/keymanager/core/world.h"

namespace sallyport::core {
namespace {

class ContainersTest : public KeyManagerWorld {
protected:
    Containers& containers() { return key_manager_->containers(); }
};

TEST_F(ContainersTest, TakeSecretsOfTheCallersProjectOnly) {
    const SecretId ours = stored(), theirs = stored(Stranger);
    EXPECT_TRUE(containers().create(Creator, {"n", "generic", {{"x", ours}}}));
    const auto refused = containers().create(Creator, {"n", "generic", {{"x", ours}, {"y", theirs}}});
    EXPECT_EQ(code_of(refused), Code::NotFound);
    EXPECT_EQ(refused.error().message, "Secret provided for 'y' doesn't exist.");
    EXPECT_EQ(containers().list(Creator, {}, {})->total, 1);
}

TEST_F(ContainersTest, OnlyGenericOnesTakeSecretsLater) {
    const SecretId secret = stored();
    const ContainerId generic = contained();
    const ContainerId rsa = *containers().create(Creator, {"n", "rsa", {}});
    EXPECT_TRUE(containers().add_secret(Creator, generic, {"x", secret}));
    EXPECT_EQ(code_of(containers().add_secret(Creator, generic, {"x", secret})), Code::Conflict);
    EXPECT_EQ(code_of(containers().add_secret(Creator, rsa, {"x", secret})), Code::InvalidInput);
    EXPECT_EQ(code_of(containers().add_secret(Creator, generic, {"z", stored(Stranger)})), Code::NotFound);
}

TEST_F(ContainersTest, ATakenSecretCanBePutBack) {
    const SecretId secret = stored();
    const ContainerId id = contained(Creator, {{"x", secret}});
    EXPECT_TRUE(containers().remove_secret(Creator, id, {"x", secret}, "ref"));
    EXPECT_EQ(code_of(containers().remove_secret(Creator, id, {"x", secret}, "ref")), Code::NotFound);
    EXPECT_TRUE(containers().add_secret(Creator, id, {"x", secret}));
    EXPECT_EQ(containers().describe(Creator, id)->secrets.size(), 1u);
}

TEST_F(ContainersTest, ADeletedSecretIsInNoContainer) {
    const SecretId secret = stored();
    const ContainerId id = contained(Creator, {{"x", secret}});
    EXPECT_TRUE(key_manager_->remove(Creator, secret));
    EXPECT_TRUE(containers().describe(Creator, id)->secrets.empty());
}

TEST_F(ContainersTest, ThePolicyDecidesWhoMayDoWhat) {
    const ContainerId id = contained();
    EXPECT_TRUE(containers().describe(Observer, id));
    EXPECT_EQ(code_of(containers().describe(Stranger, id)), Code::Forbidden);
    EXPECT_EQ(code_of(containers().create(Observer, {"n", "generic", {}})), Code::Forbidden);
    EXPECT_EQ(code_of(containers().remove(OtherCreator, id)), Code::Forbidden);
    EXPECT_TRUE(containers().remove(Admin, id));
    EXPECT_EQ(code_of(containers().describe(Creator, id)), Code::NotFound);
}

TEST_F(ContainersTest, APrivateOneIsItsOwnersAndTheAdmins) {
    const ContainerId id = contained();
    ASSERT_TRUE(key_manager_->access_lists().change(Creator, id, {false, std::vector{Stranger.user}}));
    EXPECT_EQ(code_of(containers().describe(OtherCreator, id)), Code::Forbidden);
    EXPECT_TRUE(containers().describe(Admin, id));
    EXPECT_TRUE(containers().describe(Stranger, id));
    EXPECT_EQ(key_manager_->access_lists().find(Creator, id)->value().users, std::vector{Stranger.user});
    ASSERT_TRUE(key_manager_->access_lists().remove(Creator, id));
    EXPECT_TRUE(containers().describe(OtherCreator, id));
}

}  // namespace
}  // namespace sallyport::core
