#include "integrations/image/certificate_chain.h"

#include <fmt/format.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::image {
namespace {

using Store = std::unique_ptr<X509_STORE, crypto::Freer<X509_STORE_free>>;
/// Borrows what it holds.
using Stack = std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * stack) { sk_X509_free(stack); })>;
using StoreCtx = std::unique_ptr<X509_STORE_CTX, crypto::Freer<X509_STORE_CTX_free>>;

// OpenSSL's security level: 112 bits, so neither RSA below 2048 bits nor SHA-1 (X509_VERIFY_PARAM_set_auth_level(3)).
constexpr int Bits112 = 2;
constexpr std::string_view TheBase = "the base certificate";

Error internal() { return {Code::Internal, "cannot check a chain of certificates", crypto::openssl_detail()}; }

/// A CA by its own word that may sign certificates by its own word (RFC 5280, sections 4.2.1.3 and 4.2.1.9).
bool may_certify(const Certificate& certificate) {
    const std::uint32_t flags = X509_get_extension_flags(certificate.get());
    constexpr std::uint32_t Wanted = EXFLAG_BCONS | EXFLAG_CA | EXFLAG_KUSAGE;
    return (flags & Wanted) == Wanted && (flags & EXFLAG_INVALID) == 0 &&
           (X509_get_key_usage(certificate.get()) & KU_KEY_CERT_SIGN) != 0;
}

bool is_signed_by(X509* certificate, X509* issuer) {
    const bool issued =
        X509_check_issued(issuer, certificate) == X509_V_OK && X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    return issued;
}

/// From whoever issued the image's certificate to an anchor. Borrows.
using Path = std::vector<X509*>;

/// Every way from a certificate to an anchor through the trusted certificates. OpenSSL goes by names and takes the
/// first that fits; names are not unique where keys are replaced.
///
/// Operators list roots and intermediates alike, as cursive wants it. One whose own issuer is listed too leads there,
/// so that what the root says of path lengths holds; one whose issuer is not, is where trust begins.
class Paths {
public:
    explicit Paths(std::span<const TrustedCertificate> trusted) {
        for (const TrustedCertificate& each : trusted) {
            if (may_certify(each.certificate)) issuers_.push_back(each.certificate.get());
        }
    }

    std::vector<Path> from(const Certificate& certificate) {
        follow(certificate.get());
        return std::move(found_);
    }

private:
    // Cross-certified authorities have as many ways as one likes to make.
    static constexpr std::size_t Most = 32;

    void follow(X509* certificate) {
        bool leads_on = false;
        const bool is_root = !path_.empty() && is_signed_by(certificate, certificate);
        for (X509* issuer : issuers_) {
            if (is_root || found_.size() == Most || std::ranges::count(path_, issuer) != 0) continue;
            if (!is_signed_by(certificate, issuer)) continue;
            leads_on = true;
            path_.push_back(issuer);
            follow(issuer);
            path_.pop_back();
        }
        if (!leads_on && !path_.empty() && found_.size() < Most) found_.push_back(path_);
    }

    std::vector<X509*> issuers_;
    Path path_;
    std::vector<Path> found_;
};

Result<Store> store_of(X509* anchor) {
    Store store(X509_STORE_new());
    if (store == nullptr || X509_STORE_add_cert(store.get(), anchor) != 1) return internal();
    return store;
}

Result<Stack> stack_of(std::span<X509* const> certificates) {
    Stack stack(sk_X509_new_null());
    if (stack == nullptr) return internal();
    for (X509* certificate : certificates) {
        if (sk_X509_push(stack.get(), certificate) <= 0) return internal();
    }
    return stack;
}

Result<StoreCtx> context_of(const Certificate& certificate, X509_STORE* anchors, STACK_OF(X509) * between,
                            Timestamp now) {
    StoreCtx context(X509_STORE_CTX_new());
    if (context == nullptr || X509_STORE_CTX_init(context.get(), anchors, certificate.get(), between) != 1) {
        return internal();
    }
    X509_VERIFY_PARAM* const rules = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(rules, std::chrono::system_clock::to_time_t(now));
    X509_VERIFY_PARAM_set_auth_level(rules, Bits112);
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
    // Along the path as it was found: an anchor may have the name of one before it.
    X509_VERIFY_PARAM_clear_flags(rules, X509_V_FLAG_TRUSTED_FIRST);
    return context;
}

/// The certificate that OpenSSL stopped at, by the name that the caller gave it.
std::string culprit(X509_STORE_CTX* context, std::span<const TrustedCertificate> trusted) {
    X509* const current = X509_STORE_CTX_get_current_cert(context);
    if (current == nullptr || X509_STORE_CTX_get_error_depth(context) == 0) return std::string(TheBase);
    const auto found = std::ranges::find_if(
        trusted, [current](const TrustedCertificate& each) { return X509_cmp(each.certificate.get(), current) == 0; });
    return found == trusted.end() ? std::string(TheBase) : fmt::format("certificate '{}'", found->name);
}

Error error_of(X509_STORE_CTX* context, std::span<const TrustedCertificate> trusted) {
    const int why = X509_STORE_CTX_get_error(context);
    const std::string whose = culprit(context, trusted);
    crypto::openssl_detail();
    switch (why) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return no_issuer(whose);
        case X509_V_ERR_PATH_LENGTH_EXCEEDED: return chain_too_long(whose);
        default:
            return {Code::Refused,
                    fmt::format("Certificate validation failed. OpenSSL says of {}: {}.", whose,
                                X509_verify_cert_error_string(why)),
                    {}};
    }
}

/// RFC 5280, section 6.1, by OpenSSL, for one way to one anchor.
Result<void> check_path(const Certificate& certificate, const Path& path, std::span<const TrustedCertificate> trusted,
                        Timestamp now) {
    const Store anchor = TRY(store_of(path.back()));
    const Stack between = TRY(stack_of(std::span(path).first(path.size() - 1)));
    const StoreCtx context = TRY(context_of(certificate, anchor.get(), between.get(), now));
    if (X509_verify_cert(context.get()) == 1) return {};
    return error_of(context.get(), trusted);
}

}  // namespace

Error no_issuer(std::string_view whose) {
    return {Code::Refused,
            fmt::format("Certificate chain building failed. Could not locate the signing certificate for {} in the set "
                        "of trusted certificates.",
                        whose),
            {}};
}

Error chain_too_long(std::string_view signing_certificate) {
    return {Code::Refused,
            fmt::format("Certificate validation failed. The signing {} is not configured to support certificate chains "
                        "of sufficient length.",
                        signing_certificate),
            {}};
}

Result<void> check_chain(const Certificate& certificate, std::span<const TrustedCertificate> trusted, Timestamp now) {
    if (!certificate.is_valid_at(now)) {
        return Error{Code::Refused, "The certificate is outside its valid date range.", {}};
    }
    const auto is_it = [&certificate](const TrustedCertificate& each) { return each.certificate == certificate; };
    if (std::ranges::any_of(trusted, is_it)) return {};

    Error why = no_issuer(TheBase);
    for (const Path& path : Paths(trusted).from(certificate)) {
        const Result<void> valid = check_path(certificate, path, trusted, now);
        if (valid) return valid;
        why = valid.error();
    }
    return why;
}

}  // namespace sallyport::image
