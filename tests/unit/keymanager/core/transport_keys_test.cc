#include "keymanager/core/transport_keys.h"

#include "tests/unit/keymanager/core/world.h"

namespace sallyport::core {
namespace {

class TransportKeysWorld : public KeyManagerWorld {};

TEST_F(TransportKeysWorld, AreMadeByTheServiceAdminAndSeenByAll) {
    TransportKeys& keys = key_manager_->transport_keys();
    EXPECT_EQ(code_of(keys.create(Admin, "p", "k")), Code::Forbidden);
    const auto id = keys.create(ServiceAdmin, "p", "k");
    ASSERT_TRUE(id);
    EXPECT_EQ(keys.find(Observer, *id)->pem, "k");
    EXPECT_EQ(keys.list(Observer, "p", {})->total, 1);
    EXPECT_EQ(keys.list(Observer, "q", {})->total, 0);
    EXPECT_EQ(code_of(keys.remove(Admin, *id)), Code::Forbidden);
    EXPECT_TRUE(keys.remove(ServiceAdmin, *id));
    EXPECT_EQ(code_of(keys.find(Observer, *id)), Code::NotFound);
    EXPECT_EQ(code_of(keys.remove(ServiceAdmin, *id)), Code::NotFound);
}

}  // namespace
}  // namespace sallyport::core
