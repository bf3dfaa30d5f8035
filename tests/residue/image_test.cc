#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "integrations/image/signer.h"
#include "keymanager/base/codec.h"
#include "tests/residue/canary.h"
#include "tests/vectors/vectors.h"

namespace sallyport::residue {
namespace {

/// A key of the vectors, read as the command line reads one.
SecureBytes key_file(const std::string& name) {
    const int file = ::open(vectors_path("image/signatures/keys/" + name).c_str(), O_RDONLY | O_CLOEXEC);
    auto bytes = SecureBytes::of_size(16 * 1024);
    const ssize_t size = ::read(file, bytes->writable().data(), bytes->size());
    ::close(file);
    EXPECT_GT(size, 0) << name;
    bytes->truncate(size > 0 ? static_cast<std::size_t>(size) : 0);
    return *std::move(bytes);
}

/// 32 bytes of a secret number of the key, at `offset` of its DER, as DER has them and as OpenSSL's numbers do.
std::vector<Needle> number_at(const SecureBytes& pem, std::size_t offset) {
    const std::string_view text = text_of(pem.reveal());
    const std::size_t begin = text.find('\n'), end = text.rfind("-----END");
    auto der = from_base64_secure(pem.reveal().subspan(begin, end - begin), Base64Alphabet::Standard,
                                  Base64Strictness::Lenient);
    SecureBytes number = *SecureBytes::copy_of(der->reveal().subspan(offset, 32));
    std::vector<Needle> needles;
    needles.emplace_back("big-endian", number.reveal());
    std::ranges::reverse(number.writable());
    needles.emplace_back("little-endian", number.reveal());
    return needles;
}

void sign_once(const SecureBytes& pem) {
    auto signer = image::ImageSigner::create(pem, std::nullopt, image::HashMethod::Sha256);
    ASSERT_TRUE(signer) << signer.error().message;
    ASSERT_TRUE(signer->update(bytes_of("an image")));
    ASSERT_TRUE(signer->finish());
}

/// `offset`: of a number that nobody may know, in the key's DER.
void expect_no_trace(const std::string& name, std::size_t offset) {
    std::vector<Needle> needles;
    {
        const SecureBytes pem = key_file(name);
        needles = number_at(pem, offset);
        sign_once(pem);
        expect_in_the_arena_only(needles);
    }
    expect_nowhere(needles);
}

// Offsets as `openssl asn1parse` shows them, and a few bytes more.
TEST(ImageFlow, LeavesNothingOfAnRsaKeysExponent) { expect_no_trace("rsa2048.key.pem", 26 + 277 + 8); }
TEST(ImageFlow, LeavesNothingOfAnRsaKeysPrimes) { expect_no_trace("rsa2048.key.pem", 26 + 537 + 8); }
TEST(ImageFlow, LeavesNothingOfAnEcKey) { expect_no_trace("ecc_secp384r1.key.pem", 27 + 8 + 8); }

}  // namespace
}  // namespace sallyport::residue
