#include "keymanager/crypto/signing_key.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "keymanager/base/codec.h"
#include "keymanager/base/durable.h"
#include "keymanager/base/private_file.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/base/uuid.h"
#include "keymanager/crypto/openssl_handle.h"
#include "keymanager/crypto/random.h"

namespace sallyport::crypto {
namespace {

constexpr PrivateFileKind KeyFile{"signing key", 4096, false};

constexpr std::size_t SeedSize = 32;
/// All of an Ed25519 key's PKCS #8 before the seed: RFC 8410, section 7 (version 0, id-Ed25519, two OCTET STRINGs).
constexpr std::string_view Pkcs8Head("\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16);
constexpr std::string_view PemHead = "-----BEGIN PRIVATE KEY-----\n";
constexpr std::string_view PemEnd = "\n-----END PRIVATE KEY-----\n";

Error failed(const char* what) { return {Code::Internal, what, openssl_detail()}; }

std::string text_in(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

/// The parts, one after the other.
Result<SecureBytes> joined(std::initializer_list<std::span<const std::byte>> parts) {
    std::size_t size = 0;
    for (const auto part : parts) size += part.size();
    SecureBytes whole = TRY(SecureBytes::of_size(size));
    auto out = whole.writable().begin();
    for (const auto part : parts) out = std::ranges::copy(part, out).out;
    return whole;
}

// OpenSSL's own reader and writer of PEM leave copies of the key in ordinary memory.
Result<SecureBytes> fresh_key() {
    const SecureBytes seed = TRY(random_secret(SeedSize));
    const SecureBytes der = TRY(joined({bytes_of(Pkcs8Head), seed.reveal()}));
    const SecureBytes base64 = TRY(to_base64_secure(der));
    return joined({bytes_of(PemHead), base64.reveal(), bytes_of(PemEnd)});
}

/// Error: `Corrupt` without a message.
Result<Pkey> parsed_key(const SecureBytes& text) {
    const Error corrupt{Code::Corrupt, {}, {}};
    const std::string_view pem = text_of(text.reveal());
    const std::size_t end = pem.find(PemEnd.substr(0, PemEnd.size() - 1));
    if (!pem.starts_with(PemHead) || end == std::string_view::npos) return corrupt;
    const auto base64 = text.reveal().subspan(PemHead.size(), end - PemHead.size());
    const auto der = from_base64_secure(base64);
    if (!der) return der.error().code == Code::Overloaded ? der.error() : corrupt;
    const auto bytes = der->reveal();
    if (bytes.size() != Pkcs8Head.size() + SeedSize || !text_of(bytes).starts_with(Pkcs8Head)) return corrupt;
    Pkey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, uchar(bytes.data() + Pkcs8Head.size()), SeedSize));
    if (key == nullptr) return failed("cannot read a signing key");
    return key;
}

/// Another process may make one at the same time: the name is given to a whole file, and the first has it.
Result<void> write_new(const std::string& path, const SecureBytes& text) {
    const std::string temporary = path + "." + random_uuid();
    const auto io = [&temporary](const char* what) {
        const Error error{Code::Io, std::string(what) + " " + temporary + ": " + std::strerror(errno), {}};
        ::unlink(temporary.c_str());
        return error;
    };
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return io("cannot create");
    const auto bytes = text.reveal();
    const bool written =
        ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(fd) == 0;
    ::close(fd);
    if (!written) return io("cannot write");
    if (::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST) return io("cannot name");
    ::unlink(temporary.c_str());
    return flush_folder_of(path);
}

}  // namespace

void SigningKey::Release::operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }

Result<SigningKey> SigningKey::open_or_make(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) TRY(write_new(path, TRY(fresh_key())));
    const SecureBytes text = TRY(read_private_file(path, KeyFile));
    auto key = parsed_key(text);
    if (!key && key.error().code == Code::Corrupt) {
        return Error{Code::Corrupt, path + " holds no Ed25519 key in PEM (PKCS #8)", {}};
    }
    SigningKey signing;
    signing.key_.reset(TRY(std::move(key)).release());
    const Bio out(BIO_new(BIO_s_mem()));
    if (out == nullptr || PEM_write_bio_PUBKEY(out.get(), signing.key_.get()) != 1) {
        return failed("cannot encode a public key");
    }
    signing.public_key_ = text_in(out.get());
    return signing;
}

Result<Bytes> SigningKey::sign(std::span<const std::byte> message) const {
    const DigestCtx context(EVP_MD_CTX_new());
    std::size_t size = 0;
    if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, uchar(message.data()), message.size()) != 1) {
        return failed("cannot sign");
    }
    Bytes signature(size);
    if (EVP_DigestSign(context.get(), uchar(signature.data()), &size, uchar(message.data()), message.size()) != 1) {
        return failed("cannot sign");
    }
    signature.resize(size);
    return signature;
}

Result<void> verify_signature(const std::string& public_key, std::span<const std::byte> message,
                              std::span<const std::byte> signature) {
    const Bio in(BIO_new_mem_buf(public_key.data(), static_cast<int>(public_key.size())));
    const Pkey key(in == nullptr ? nullptr : PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr));
    if (key == nullptr || EVP_PKEY_is_a(key.get(), "ED25519") != 1) {
        return Error{Code::InvalidInput, "this is no public key of Ed25519 in PEM", openssl_detail()};
    }
    const DigestCtx context(EVP_MD_CTX_new());
    if (context == nullptr || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) {
        return failed("cannot verify a signature");
    }
    if (EVP_DigestVerify(context.get(), uchar(signature.data()), signature.size(), uchar(message.data()),
                         message.size()) != 1) {
        return Error{Code::Corrupt, "the signature does not verify: the text or the signature was changed",
                     openssl_detail()};
    }
    return {};
}

}  // namespace sallyport::crypto
