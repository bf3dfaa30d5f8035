#include "keymanager/crypto/aes_ctr.h"

#include <algorithm>
#include <utility>

#include "keymanager/base/assert.h"
#include "keymanager/base/bytes.h"

namespace sallyport::crypto {
namespace {

constexpr std::size_t BlockSize = 16;
// EVP counts in int; a multiple of the block size well below its limit.
constexpr std::size_t MostPerCall = std::size_t{1} << 30;

}  // namespace

CounterBlock advance_counter(const CounterBlock& start, std::uint64_t blocks) {
    CounterBlock counter = start;
    unsigned carry = 0;
    for (std::size_t i = counter.size(); i-- > 0;) {
        const unsigned sum = std::to_integer<unsigned>(counter[i]) + static_cast<unsigned>(blocks & 0xff) + carry;
        counter[i] = static_cast<std::byte>(sum & 0xff);
        carry = sum >> 8;
        blocks >>= 8;
    }
    return counter;
}

Result<AesCtr> AesCtr::create(const SecureBytes& key, const CounterBlock& iv, std::uint64_t offset) {
    if (!WideAesCtr::is_supported()) return create_by_openssl(key, iv, offset);
    if (key.size() != KeySize) return Error{Code::InvalidInput, "an AES-256 key has 32 bytes", {}};
    AesCtr stream(TRY(WideAesCtr::create(key, advance_counter(iv, offset / BlockSize))));
    TRY(stream.skip(static_cast<std::size_t>(offset % BlockSize)));
    return stream;
}

Result<AesCtr> AesCtr::create_by_openssl(const SecureBytes& key, const CounterBlock& iv, std::uint64_t offset) {
    if (key.size() != KeySize) return Error{Code::InvalidInput, "an AES-256 key has 32 bytes", {}};
    CipherCtx context(EVP_CIPHER_CTX_new());
    if (context == nullptr) return Error{Code::Overloaded, "out of memory", openssl_detail()};
    const CounterBlock counter = advance_counter(iv, offset / BlockSize);
    if (EVP_EncryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr, uchar(key.reveal().data()),
                           uchar(counter.data())) != 1) {
        return Error{Code::Internal, "AES-256-CTR could not be set up", openssl_detail()};
    }
    AesCtr stream(std::move(context));
    TRY(stream.skip(static_cast<std::size_t>(offset % BlockSize)));
    return stream;
}

Result<void> AesCtr::skip(std::size_t bytes) {
    std::array<std::byte, BlockSize> thrown_away{};
    const auto applied = apply(std::span(thrown_away).first(bytes));
    wipe(thrown_away);
    return applied;
}

Result<void> AesCtr::apply(std::span<const std::byte> in, std::span<std::byte> out) {
    SALLYPORT_ASSERT(in.size() == out.size());  // the header asks for it
    if (wide_) {
        wide_->apply(in, out);
        return {};
    }
    while (!in.empty()) {
        const auto piece = in.first(std::min(in.size(), MostPerCall));
        int done = 0;
        if (EVP_EncryptUpdate(context_.get(), uchar(out.data()), &done, uchar(piece.data()),
                              static_cast<int>(piece.size())) != 1) {
            return Error{Code::Internal, "AES-256-CTR failed", openssl_detail()};
        }
        in = in.subspan(piece.size());
        out = out.subspan(piece.size());
    }
    return {};
}

}  // namespace sallyport::crypto
