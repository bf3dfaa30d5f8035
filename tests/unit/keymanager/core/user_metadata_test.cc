#include "keymanager/core/user_metadata.h"

#include "tests/unit/keymanager/core/world.h"

namespace sallyport::core {
namespace {

class UserMetadataTest : public KeyManagerWorld {
protected:
    UserMetadata& notes() { return key_manager_->user_metadata(); }
};

TEST_F(UserMetadataTest, IsReplacedAsAWholeAndChangedKeyByKey) {
    const SecretId id = stored();
    EXPECT_TRUE(notes().find(Creator, id)->empty());
    EXPECT_TRUE(notes().replace(Creator, id, {{"a", "1"}}));
    EXPECT_TRUE(notes().replace(Creator, id, {{"b", "2"}}));
    EXPECT_EQ(code_of(notes().find(Creator, id, "a")), Code::NotFound);
    EXPECT_TRUE(notes().add(Creator, id, {"c", "3"}));
    EXPECT_EQ(code_of(notes().add(Creator, id, {"c", "4"})), Code::Conflict);
    EXPECT_TRUE(notes().change(Creator, id, "c", {"c", "4"}));
    EXPECT_EQ(notes().find(Creator, id, "c")->value, "4");
    EXPECT_EQ(code_of(notes().change(Creator, id, "c", {"b", "4"})), Code::Conflict);
    EXPECT_EQ(code_of(notes().change(Creator, id, "d", {"d", "4"})), Code::NotFound);
    EXPECT_TRUE(notes().remove(Creator, id, "c"));
    EXPECT_TRUE(notes().remove(Creator, id, "c"));
    EXPECT_EQ(*notes().find(Creator, id), (model::UserMetadata{{"b", "2"}}));
}

TEST_F(UserMetadataTest, IsReadByReadersAndWrittenByCreators) {
    const SecretId id = stored();
    EXPECT_TRUE(notes().find(Observer, id));
    EXPECT_EQ(code_of(notes().find(Stranger, id)), Code::Forbidden);
    EXPECT_EQ(code_of(notes().replace(Observer, id, {})), Code::Forbidden);
    EXPECT_EQ(code_of(notes().add(Observer, id, {"a", "b"})), Code::Forbidden);
    EXPECT_EQ(code_of(notes().change(Observer, id, "a", {"a", "b"})), Code::Forbidden);
    EXPECT_EQ(code_of(notes().remove(Observer, id, "a")), Code::Forbidden);
}

TEST_F(UserMetadataTest, GoesWithItsSecret) {
    const SecretId id = stored();
    EXPECT_TRUE(notes().add(Creator, id, {"a", "b"}));
    EXPECT_TRUE(key_manager_->remove(Creator, id));
    EXPECT_EQ(code_of(notes().find(Creator, id)), Code::NotFound);
}

}  // namespace
}  // namespace sallyport::core
