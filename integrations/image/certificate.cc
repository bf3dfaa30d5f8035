#include "integrations/image/certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <string_view>
#include <utility>

#include "keymanager/base/codec.h"
#include "keymanager/crypto/digest.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::image {
namespace {

constexpr long Version1 = 0, Version3 = 2;
constexpr std::string_view PemMark = "-----BEGIN ";

Error no_certificate(const char* why) {
    return {Code::InvalidInput, std::string("no X.509 certificate: ") + why, crypto::openssl_detail()};
}

Result<Timestamp> time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return no_certificate("it has a date that is none");
    return Timestamp(std::chrono::seconds(timegm(&parts)));
}

/// A PEM block may claim to be encrypted. OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

void Certificate::Release::operator()(X509* certificate) const noexcept { X509_free(certificate); }

Result<Certificate> Certificate::take(X509* parsed) {
    Certificate certificate;
    certificate.handle_.reset(parsed);
    if (const long version = X509_get_version(parsed); version != Version1 && version != Version3) {
        return no_certificate("its version is neither 1 nor 3");
    }
    certificate.not_before_ = TRY(time_of(X509_get0_notBefore(parsed)));
    certificate.not_after_ = TRY(time_of(X509_get0_notAfter(parsed)));
    unsigned char* der = nullptr;
    const int size = i2d_X509(parsed, &der);
    if (size <= 0) return no_certificate("it cannot be encoded");
    const auto bytes = std::as_bytes(std::span(der, static_cast<std::size_t>(size)));
    certificate.der_.assign(bytes.begin(), bytes.end());
    OPENSSL_free(der);
    return certificate;
}

Result<std::vector<Certificate>> Certificate::parse_all(std::span<const std::byte> encoded) {
    if (encoded.size() > std::numeric_limits<int>::max()) return no_certificate("it is too long");
    std::vector<Certificate> certificates;
    if (text_of(encoded).find(PemMark) == std::string_view::npos) {
        const unsigned char* at = uchar(encoded.data());
        X509* const parsed = d2i_X509(nullptr, &at, static_cast<long>(encoded.size()));
        if (parsed == nullptr) return no_certificate("neither PEM nor DER");
        certificates.push_back(TRY(take(parsed)));
        if (at != uchar(encoded.data()) + encoded.size()) return no_certificate("more follows behind it");
        return certificates;
    }
    const crypto::Bio text(BIO_new_mem_buf(encoded.data(), static_cast<int>(encoded.size())));
    if (text == nullptr) return Error{Code::Internal, "cannot read a certificate", crypto::openssl_detail()};
    while (X509* const parsed = PEM_read_bio_X509(text.get(), nullptr, no_passphrase, nullptr)) {
        certificates.push_back(TRY(take(parsed)));
    }
    // The end of the text looks like a block without a start.
    const unsigned long error = ERR_peek_last_error();
    const bool ended = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (!ended) return no_certificate("its PEM is broken");
    if (certificates.empty()) return no_certificate("its PEM holds something else");
    ERR_clear_error();
    return certificates;
}

Result<Certificate> Certificate::parse(std::span<const std::byte> encoded) {
    std::vector<Certificate> all = TRY(parse_all(encoded));
    return std::move(all.front());
}

std::string Certificate::subject() const {
    const crypto::Bio text(BIO_new(BIO_s_mem()));
    if (text == nullptr) return {};
    X509_NAME_print_ex(text.get(), X509_get_subject_name(get()), 0, XN_FLAG_RFC2253);
    char* data = nullptr;
    const long size = BIO_get_mem_data(text.get(), &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Result<std::string> Certificate::fingerprint() const { return to_hex(TRY(crypto::sha256(der_))); }

}  // namespace sallyport::image
