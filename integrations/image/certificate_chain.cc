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

/// The issuers that a chain may lead through and where it may end. Borrows.
struct Issuers {
    std::vector<X509*> anchors;
    std::vector<X509*> between;
};

bool is_signed_by(X509* certificate, X509* issuer) {
    const bool issued = certificate != issuer && X509_check_issued(issuer, certificate) == X509_V_OK &&
                        X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    return issued;
}

/// Operators list roots and intermediates alike, as cursive wants it. One whose own issuer is listed too leads there,
/// so that what the root says of path lengths holds; one whose issuer is not is where trust begins.
Issuers issuers_of(std::span<const TrustedCertificate> trusted) {
    std::vector<X509*> all;
    for (const TrustedCertificate& each : trusted) {
        if (may_certify(each.certificate)) all.push_back(each.certificate.get());
    }
    Issuers issuers;
    for (X509* each : all) {
        const bool is_root = X509_check_issued(each, each) == X509_V_OK;
        const bool leads_on =
            !is_root && std::ranges::any_of(all, [each](X509* other) { return is_signed_by(each, other); });
        (leads_on ? issuers.between : issuers.anchors).push_back(each);
    }
    return issuers;
}

Result<Store> store_of(const std::vector<X509*>& anchors) {
    Store store(X509_STORE_new());
    if (store == nullptr) return internal();
    for (X509* anchor : anchors) {
        if (X509_STORE_add_cert(store.get(), anchor) != 1) return internal();
    }
    return store;
}

Result<Stack> stack_of(const std::vector<X509*>& certificates) {
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

    const Issuers issuers = issuers_of(trusted);
    const Store anchors = TRY(store_of(issuers.anchors));
    const Stack between = TRY(stack_of(issuers.between));
    const StoreCtx context = TRY(context_of(certificate, anchors.get(), between.get(), now));
    if (X509_verify_cert(context.get()) == 1) return {};
    return error_of(context.get(), trusted);
}

}  // namespace sallyport::image
