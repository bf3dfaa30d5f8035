#pragma once

#include <atomic>
#include <string>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/uuid.h"
#include "keymanager/store/secret_store.h"

namespace sallyport::fakes {

/// A secret store that encrypts nothing: what it "wraps" is base64 beside the names of what it is bound to. Breaks when
/// told to. Thread-safe.
class FakeSecretStore final : public store::SecretStore {
public:
    std::atomic<bool> broken = false;  ///< every call answers `Unavailable`
    std::atomic<int> keks_made = 0;
    std::string canary = "fake canary";

    const store::StoreInfo& info() const override { return info_; }

    Result<model::KekMeta> bind_kek(const ProjectId& project) override {
        if (broken) return away();
        ++keks_made;
        model::KekMeta kek;
        kek.id = KekId(random_uuid());
        kek.project = project;
        kek.plugin_name = info_.crypto_plugin;
        kek.label = "fake";
        kek.plugin_meta = "fake";
        return kek;
    }
    Result<model::WrappedSecret> wrap(const model::KekMeta& kek, const store::SecretBinding& binding,
                                      const SecureBytes& payload) override {
        if (broken) return away();
        return model::WrappedSecret{name_of(kek, binding) + to_base64(payload.reveal()), std::nullopt};
    }
    Result<SecureBytes> unwrap(const model::KekMeta& kek, const store::SecretBinding& binding,
                               const model::WrappedSecret& wrapped) override {
        if (broken) return away();
        const std::string name = name_of(kek, binding);
        if (!wrapped.cypher_text.starts_with(name)) return Error{Code::Corrupt, "bound to something else", {}};
        return from_base64_secure(bytes_of(wrapped.cypher_text).subspan(name.size()));
    }
    Result<SecureBytes> generate(std::size_t bytes) override {
        if (broken) return away();
        return SecureBytes::of_size(bytes);
    }
    Result<std::string> make_canary() override { return canary; }
    Result<void> check_canary(const std::string& found) override {
        if (found != canary) return Error{Code::WrongKey, "another master key", {}};
        return {};
    }

    Result<void> check_kek(const model::KekMeta& kek) override {
        if (kek.plugin_meta != "fake") return Error{Code::WrongKey, "another master key", {}};
        return {};
    }

    std::vector<store::MasterKey> master_keys() const override { return {{"fake", "fake"}}; }
    Result<std::optional<std::size_t>> opened_by(std::string_view wrapping) override {
        return wrapping == "fake" || wrapping == canary ? std::optional<std::size_t>(0) : std::nullopt;
    }
    Result<std::optional<std::string>> rewrap(std::string_view wrapping) override {
        if (wrapping != "fake" && wrapping != canary) return Error{Code::WrongKey, "another master key", {}};
        return std::optional<std::string>();
    }

private:
    static Error away() { return Error{Code::Unavailable, "the token is gone", {}}; }
    static std::string name_of(const model::KekMeta& kek, const store::SecretBinding& binding) {
        return kek.id.str() + "/" + binding.project.str() + "/" + binding.secret.str() + "/";
    }

    store::StoreInfo info_{"Fake", "fake.Store", "fake.Crypto"};
};

}  // namespace sallyport::fakes
