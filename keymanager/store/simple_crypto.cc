#include "keymanager/store/simple_crypto.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string_view>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/uuid.h"
#include "keymanager/crypto/aead.h"
#include "keymanager/crypto/fernet.h"
#include "keymanager/crypto/hkdf.h"
#include "keymanager/crypto/random.h"
#include "keymanager/store/kek_file.h"
#include "keymanager/store/pkek_cache.h"

namespace sallyport::store {
namespace {

constexpr std::string_view StorePlugin = "barbican.plugin.store_crypto.StoreCryptoAdapterPlugin";
constexpr std::string_view CryptoPlugin = "barbican.plugin.crypto.simple_crypto.SimpleCryptoPlugin";

/// What a ciphertext in our own envelope begins with. '.' is no character of base64, so none of Barbican's does.
constexpr std::string_view BoundPrefix = "sp1.";
/// The purpose of the key that is derived from a pKEK, whose own bytes are Barbican's Fernet key.
constexpr std::string_view BoundKeyPurpose = "sallyport simple_crypto sp1 AES-256-GCM";
constexpr std::string_view FingerprintPurpose = "sallyport simple_crypto master key fingerprint 1";
constexpr std::string_view CanaryText = "sallyport canary 1";

/// A few hundred projects at work at once; about 100 bytes of locked memory each.
constexpr std::size_t CachedPkeks = 1024;

/// Strings one after the other, each behind its length in four bytes: no two lists of strings give the same bytes.
void append(Bytes& out, std::string_view text) {
    const std::size_t size = text.size();
    const std::array length = {static_cast<std::byte>(size >> 24), static_cast<std::byte>(size >> 16),
                               static_cast<std::byte>(size >> 8), static_cast<std::byte>(size)};
    const auto bytes = bytes_of(text);
    out.insert(out.end(), length.begin(), length.end());
    out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes associated_data(const SecretBinding& binding, const KekId& kek) {
    Bytes data;
    data.reserve(160);  // room for three UUIDs and some; a longer project only costs another allocation
    append(data, BoundPrefix);
    append(data, binding.secret.str());
    append(data, binding.project.str());
    append(data, kek.str());
    return data;
}

/// Eight bytes of a value that only the key makes and that makes nothing else.
Result<std::string> fingerprint_of(const crypto::Fernet& key) {
    constexpr std::size_t FingerprintBytes = 8;
    const SecureBytes derived =
        TRY(crypto::hkdf_sha256(key.bytes(), {}, bytes_of(FingerprintPurpose), FingerprintBytes));
    return to_hex(derived.reveal());
}

class SimpleCrypto final : public SecretStore {
public:
    SimpleCrypto(const SimpleCryptoConfig& config, std::vector<crypto::Fernet> master_keys,
                 std::vector<MasterKey> names, const Clock& clock)
        : info_{config.name, std::string(StorePlugin), std::string(CryptoPlugin)},
          kek_files_(config.kek_files),
          envelope_(config.envelope),
          master_keys_(std::move(master_keys)),
          names_(std::move(names)),
          clock_(clock),
          cache_(CachedPkeks) {}

    const StoreInfo& info() const override { return info_; }

    Result<model::KekMeta> bind_kek(const ProjectId& project) override {
        const crypto::Fernet pkek = TRY(crypto::Fernet::generate());
        model::KekMeta kek;
        kek.id = KekId(random_uuid());
        kek.project = project;
        kek.plugin_name = info_.crypto_plugin;
        kek.label = fmt::format("project-{}-key-{}", project.str(), random_uuid());
        // What Barbican wraps is the key's text.
        kek.plugin_meta = TRY(master_keys_.front().encrypt(TRY(pkek.text()), clock_.now()));
        return kek;
    }

    Result<model::WrappedSecret> wrap(const model::KekMeta& kek, const SecretBinding& binding,
                                      const SecureBytes& payload) override {
        const auto pkek = TRY(open_pkek(kek));
        switch (envelope_) {
            case Envelope::Bound: return wrap_bound(*pkek, associated_data(binding, kek.id), payload);
            case Envelope::Barbican: return wrap_barbican(*pkek, payload);
        }
        SALLYPORT_ASSERT(false);  // an enumerator that the switch above does not know cannot have been made
    }

    Result<SecureBytes> unwrap(const model::KekMeta& kek, const SecretBinding& binding,
                               const model::WrappedSecret& wrapped) override {
        const auto pkek = TRY(open_pkek(kek));
        const std::string_view text = wrapped.cypher_text;
        auto payload = text.starts_with(BoundPrefix)
                           ? unwrap_bound(*pkek, associated_data(binding, kek.id), text.substr(BoundPrefix.size()))
                           : unwrap_barbican(*pkek, text);
        if (payload || !speaks_of_the_data(payload.error())) return payload;
        return Error{Code::Corrupt, "the stored payload fails its check",
                     fmt::format("secret {}: {}", binding.secret.str(), payload.error().message)};
    }

    Result<SecureBytes> generate(std::size_t bytes) override { return crypto::random_secret(bytes); }

    Result<std::string> make_canary() override {
        return master_keys_.front().encrypt(TRY(SecureBytes::copy_of(bytes_of(CanaryText))), clock_.now());
    }

    Result<void> check_canary(const std::string& canary) override {
        const auto text = decrypt_with_any(canary);
        if (!text && text.error().code == Code::WrongKey) return wrong_master_key({});
        if (!text) return speaks_of_the_data(text.error()) ? damaged_canary() : text.error();
        if (!equal_in_constant_time(text->reveal(), bytes_of(CanaryText))) return damaged_canary();
        return {};
    }

    Result<void> check_kek(const model::KekMeta& kek) override {
        const auto text = decrypt_with_any(kek.plugin_meta);
        const std::string which = fmt::format("kek_data row {} of project {}", kek.id.str(), kek.project.str());
        if (!text && text.error().code == Code::WrongKey) return wrong_master_key(which + " does not open");
        if (text) {
            const auto fernet = crypto::Fernet::from_text(text->reveal());
            if (fernet) return {};
            if (!speaks_of_the_data(fernet.error())) return fernet.error();
        } else if (!speaks_of_the_data(text.error())) {
            return text.error();
        }
        return Error{Code::Corrupt, which + " is damaged", {}};
    }

    std::vector<MasterKey> master_keys() const override { return names_; }

    Result<std::optional<std::size_t>> opened_by(std::string_view wrapping) override {
        for (std::size_t i = 0; i < master_keys_.size(); ++i) {
            const auto opened = master_keys_[i].decrypt(wrapping);
            if (opened) return std::optional<std::size_t>(i);
            if (!speaks_of_the_data(opened.error())) return opened.error();
        }
        return std::optional<std::size_t>();
    }

    Result<std::optional<std::string>> rewrap(std::string_view wrapping) override {
        const crypto::Fernet& first = master_keys_.front();
        const auto opener = TRY(opened_by(wrapping));
        if (!opener) return Error{Code::WrongKey, "no master key opens it", {}};
        if (*opener == 0) return std::optional<std::string>();
        const SecureBytes held = TRY(master_keys_[*opener].decrypt(wrapping));
        std::string fresh = TRY(first.encrypt(held, clock_.now()));
        const SecureBytes again = TRY(first.decrypt(fresh));
        if (!equal_in_constant_time(again.reveal(), held.reveal())) {
            return Error{Code::Internal, "a new wrapping does not open to what was wrapped", {}};
        }
        return std::optional(std::move(fresh));
    }

private:
    Error wrong_master_key(std::string detail) const {
        return {Code::WrongKey,
                fmt::format("none of the KEK files of secret store '{}' ({}) belongs to this database: name the file "
                            "with the key that made it (Barbican: [simple_crypto_plugin] kek), or another database",
                            info_.name, fmt::join(kek_files_, ", ")),
                std::move(detail)};
    }

    /// An error about what is stored, rather than about our own means (a full arena, say).
    static bool speaks_of_the_data(const Error& error) {
        return error.code == Code::InvalidInput || error.code == Code::WrongKey || error.code == Code::Corrupt;
    }

    Error damaged_canary() const {
        return {Code::Corrupt, fmt::format("the canary of secret store '{}' is damaged", info_.name), {}};
    }

    /// As MultiFernet does: the first key writes, all of them read.
    Result<SecureBytes> decrypt_with_any(std::string_view token) const {
        for (const crypto::Fernet& key : master_keys_) {
            auto opened = key.decrypt(token);
            if (opened || opened.error().code != Code::WrongKey) return opened;
        }
        return Error{Code::WrongKey, "no master key opens it", {}};
    }

    Result<std::shared_ptr<const Pkek>> open_pkek(const model::KekMeta& kek) {
        if (auto cached = cache_.find(kek)) return cached;
        if (kek.plugin_name != info_.crypto_plugin) {
            return Error{Code::Internal, "the payload was stored by another secret store",
                         fmt::format("kek {} is of {}", kek.id.str(), kek.plugin_name)};
        }
        auto text = decrypt_with_any(kek.plugin_meta);
        if (!text && !speaks_of_the_data(text.error())) return std::move(text).error();
        auto fernet = text ? crypto::Fernet::from_text(text->reveal()) : Result<crypto::Fernet>(text.error());
        if (!fernet) {
            if (!speaks_of_the_data(fernet.error())) return std::move(fernet).error();
            return Error{Code::Corrupt, "the project's key cannot be opened with the configured KEK files",
                         fmt::format("kek {}: {}", kek.id.str(), fernet.error().message)};
        }
        SecureBytes bound_key =
            TRY(crypto::hkdf_sha256(fernet->bytes(), {}, bytes_of(BoundKeyPurpose), crypto::AeadKeyBytes));
        std::shared_ptr<const Pkek> pkek(new Pkek{*std::move(fernet), std::move(bound_key)});
        cache_.put(kek, pkek);
        return pkek;
    }

    /// Barbican's: base64 of a Fernet token, which is base64 already.
    Result<model::WrappedSecret> wrap_barbican(const Pkek& pkek, const SecureBytes& payload) const {
        const std::string token = TRY(pkek.fernet.encrypt(payload, clock_.now()));
        return model::WrappedSecret{to_base64(bytes_of(token)), std::nullopt};
    }

    static Result<SecureBytes> unwrap_barbican(const Pkek& pkek, std::string_view text) {
        const Bytes token = TRY(from_base64(text));
        return pkek.fernet.decrypt(text_of(token));
    }

    /// Ours: the prefix, then base64 of nonce, ciphertext and tag.
    static Result<model::WrappedSecret> wrap_bound(const Pkek& pkek, const Bytes& associated,
                                                   const SecureBytes& payload) {
        crypto::AeadNonce nonce;
        TRY(crypto::fill_random(nonce));
        const Bytes sealed = TRY(crypto::aead_seal(pkek.bound_key, nonce, associated, payload));
        Bytes blob(nonce.begin(), nonce.end());
        blob.insert(blob.end(), sealed.begin(), sealed.end());
        return model::WrappedSecret{std::string(BoundPrefix) + to_base64(blob), std::nullopt};
    }

    static Result<SecureBytes> unwrap_bound(const Pkek& pkek, const Bytes& associated, std::string_view text) {
        const Bytes blob = TRY(from_base64(text));
        crypto::AeadNonce nonce;
        if (blob.size() < nonce.size()) return Error{Code::Corrupt, "the ciphertext is too short", {}};
        std::copy_n(blob.begin(), nonce.size(), nonce.begin());
        return crypto::aead_open(pkek.bound_key, nonce, associated, std::span(blob).subspan(nonce.size()));
    }

    const StoreInfo info_;
    const std::vector<std::string> kek_files_;
    const Envelope envelope_;
    const std::vector<crypto::Fernet> master_keys_;  // the first writes, all read
    const std::vector<MasterKey> names_;             // theirs, in the same order
    const Clock& clock_;
    PkekCache cache_;
};

}  // namespace

Result<std::unique_ptr<SecretStore>> make_simple_crypto(const SimpleCryptoConfig& config, const Clock& clock) {
    if (config.kek_files.empty()) {
        return Error{Code::InvalidInput, fmt::format("secret store '{}' needs at least one KEK file", config.name), {}};
    }
    std::vector<crypto::Fernet> keys;
    std::vector<MasterKey> names;
    for (const std::string& source : config.kek_files) {
        // The first writes: that must be a key which nobody knows.
        keys.push_back(TRY(read_kek(source, keys.empty() ? BuiltInKey::Refuse : BuiltInKey::ReadOnly)));
        names.push_back({ source, TRY(fingerprint_of(keys.back())) });
        for (std::size_t i = 0; i + 1 < names.size(); ++i) {
            if (names[i].fingerprint != names.back().fingerprint) continue;
            return Error{Code::InvalidInput,
                         fmt::format("secret store '{}': {} and {} hold the same master key", config.name,
                                     names[i].source, source),
                         {}};
        }
    }
    std::unique_ptr<SecretStore> store =
        std::make_unique<SimpleCrypto>(config, std::move(keys), std::move(names), clock);
    return store;
}

}  // namespace sallyport::store
