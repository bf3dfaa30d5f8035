#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/core/key_manager.h"
#include "tests/fakes/fake_secret_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/quotas.h"

namespace sallyport::core {

using fakes::quotas_of;

inline const Caller Creator{UserId("creator"), ProjectId("a"), {"creator"}, {}};
inline const Caller OtherCreator{UserId("other"), ProjectId("a"), {"creator"}, {}};
inline const Caller Observer{UserId("observer"), ProjectId("a"), {"observer"}, {}};
inline const Caller Admin{UserId("admin"), ProjectId("a"), {"admin"}, {}};
inline const Caller ServiceAdmin{UserId("svc"), ProjectId("a"), {"key-manager:service-admin"}, {}};
inline const Caller Stranger{UserId("stranger"), ProjectId("b"), {"creator", "admin"}, {}};

/// A key manager with an empty database in memory, and shorthands for its tests.
class KeyManagerWorld : public testing::Test {
protected:
    explicit KeyManagerWorld(const KeyManagerLimits& limits = {}) {
        key_manager_ = *KeyManager::open(*db::make_database({.url = "sqlite://", .password_file = {}, .sessions = 2}),
                                         std::make_unique<fakes::FakeSecretStore>(), *AccessPolicy::load("", false),
                                         clock_, limits);
    }

    SecretId stored(const Caller& caller = Creator) {
        return *key_manager_->store(caller, {}, Payload{*SecureBytes::copy_of(bytes_of("key")), "text/plain"});
    }
    ContainerId contained(const Caller& caller = Creator, std::vector<model::ContainerSecret> secrets = {}) {
        return *key_manager_->containers().create(caller, {"name", "generic", std::move(secrets)});
    }
    Result<OrderId> ordered(const Caller& caller = Creator) {
        OrderRequest request;
        request.meta = "{}";
        request.attributes.algorithm = "aes";
        request.attributes.bit_length = 256;
        return key_manager_->orders().create(caller, std::move(request));
    }

    fakes::ManualClock clock_;
    std::unique_ptr<KeyManager> key_manager_;
};

/// Code::Internal if there is no error.
inline Code code_of(const auto& result) { return result ? Code::Internal : result.error().code; }

}  // namespace sallyport::core
