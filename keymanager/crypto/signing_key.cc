#include "keymanager/crypto/signing_key.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "keymanager/base/durable.h"
#include "keymanager/base/private_file.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/base/uuid.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::crypto {
namespace {

constexpr PrivateFileKind KeyFile{"signing key", 4096, false};

Error failed(const char* what) { return {Code::Internal, what, openssl_detail()}; }

std::string text_in(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

Result<SecureBytes> fresh_key() {
    const PkeyCtx context(EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nullptr));
    EVP_PKEY* raw = nullptr;
    if (context == nullptr || EVP_PKEY_keygen_init(context.get()) != 1 || EVP_PKEY_keygen(context.get(), &raw) != 1) {
        return failed("cannot make a signing key");
    }
    const Pkey key(raw);
    const Bio out(BIO_new(BIO_s_secmem()));
    if (out == nullptr || PEM_write_bio_PKCS8PrivateKey(out.get(), raw, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return failed("cannot encode a signing key");
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return SecureBytes::copy_of(std::as_bytes(std::span(data, static_cast<std::size_t>(size))));
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
    const Bio in(BIO_new_mem_buf(text.reveal().data(), static_cast<int>(text.size())));
    SigningKey signing;
    if (in != nullptr) signing.key_.reset(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
    if (signing.key_ == nullptr || EVP_PKEY_is_a(signing.key_.get(), "ED25519") != 1) {
        return Error{Code::Corrupt, path + " holds no Ed25519 key", openssl_detail()};
    }
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
