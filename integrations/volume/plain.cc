#include "integrations/volume/plain.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <string>

#include "integrations/volume/probe.h"
#include "keymanager/base/bytes.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::volume {
namespace {

using Digest = std::unique_ptr<EVP_MD, crypto::Freer<EVP_MD_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, crypto::Freer<EVP_MD_CTX_free>>;

Error hash_failed() {
    return {Code::Internal, "cannot hash the passphrase of a plain volume", crypto::openssl_detail()};
}

}  // namespace

Result<VolumeKey> plain_volume_key(const Passphrase& passphrase, const PlainOptions& options) {
    if (options.key_bits == 0 || options.key_bits % 8 != 0 || options.key_bits > 1024) {
        return Error{Code::InvalidInput,
                     "a plain volume's key of " + std::to_string(options.key_bits) + " bits is impossible",
                     {}};
    }
    const Digest digest(EVP_MD_fetch(nullptr, options.hash.c_str(), nullptr));
    const int hash_size = digest ? EVP_MD_get_size(digest.get()) : 0;
    if (hash_size <= 0)
        return Error{Code::InvalidInput, "hash '" + options.hash + "' is not known", crypto::openssl_detail()};
    const DigestContext context(EVP_MD_CTX_new());
    SecureBytes hash = TRY(SecureBytes::of_size(static_cast<std::size_t>(hash_size)));
    SecureBytes bytes = TRY(SecureBytes::of_size(options.key_bits / 8));
    VolumeKey key{std::move(bytes), options.cipher, options.offset, 512};
    const SecureBytes& text = passphrase.text();
    for (std::size_t done = 0, turn = 0; done < key.bytes.size(); ++turn) {
        const std::string before(turn, 'A');
        if (!context || EVP_DigestInit_ex(context.get(), digest.get(), nullptr) != 1 ||
            EVP_DigestUpdate(context.get(), before.data(), before.size()) != 1 ||
            EVP_DigestUpdate(context.get(), text.reveal().data(), text.size()) != 1 ||
            EVP_DigestFinal_ex(context.get(), uchar(hash.writable().data()), nullptr) != 1) {
            return hash_failed();
        }
        const std::size_t size = std::min(hash.size(), key.bytes.size() - done);
        std::copy_n(hash.reveal().begin(), size, key.bytes.writable().begin() + static_cast<std::ptrdiff_t>(done));
        done += size;
    }
    return key;
}

Result<void> must_hold_nothing_known(const File& file) {
    const auto facts = probe(file);
    if (!facts && facts.error().code != Code::Corrupt) return facts.error();
    if (facts && (facts->content == Content::UnknownData || facts->content == Content::Blank)) return {};
    return Error{Code::Refused,
                 file.name() + " is no plain volume: it holds " + (facts ? facts->what : "a damaged LUKS header"),
                 {}};
}

}  // namespace sallyport::volume
