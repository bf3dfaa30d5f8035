#include "image_fixtures.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <iterator>

#include "tests/vectors/vectors.h"

namespace sallyport::image::fixtures {
namespace {

constexpr std::string_view Folder = "image/signatures/";

struct ReleaseX509 {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

void set_name(X509_NAME* name, const std::string& common_name) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.c_str()),
                               -1, -1, 0);
}

void add_extension(X509* certificate, int nid, const std::string& value, X509* issuer = nullptr) {
    if (value.empty()) return;
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer == nullptr ? certificate : issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

void sign(X509* certificate, const CertificateSpec& spec, EVP_PKEY* key) {
    const bool has_own_hash = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    const EVP_MD* const md = has_own_hash ? nullptr : EVP_get_digestbyname(spec.digest.c_str());
    const crypto::DigestCtx context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* key_context = nullptr;
    ASSERT_EQ(EVP_DigestSignInit(context.get(), &key_context, md, nullptr, key), 1);
    if (spec.signed_with_pss) {
        ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING), 1);
    }
    ASSERT_GT(X509_sign_ctx(certificate, context.get()), 0);
}

}  // namespace

Timestamp judged_at() { return *parse_iso8601("2026-11-22T05:59:36"); }

Bytes vector_file(const std::string& name) {
    std::ifstream stream(vectors_path(std::string(Folder) + name), std::ios::binary);
    EXPECT_TRUE(stream) << name;
    const std::string content((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    const auto bytes = bytes_of(content);
    return {bytes.begin(), bytes.end()};
}

const boost::json::object& vector_index() {
    static const boost::json::value index = boost::json::parse(text_of(vector_file("index.json")));
    return index.get_object();
}

const boost::json::object& vector_named(std::string_view name) {
    for (const auto& vector : vector_index().at("vectors").as_array()) {
        if (vector.at("name").as_string() == name) return vector.as_object();
    }
    ADD_FAILURE() << "no vector " << name;
    std::abort();
}

Certificate vector_certificate(std::string_view name) {
    const auto& file = vector_index().at("certificates").at(name).at("file").as_string();
    return *Certificate::parse(vector_file(std::string(file)));
}

SecureBytes vector_key(std::string_view name) {
    return *SecureBytes::copy_of(vector_file("keys/" + std::string(name) + ".key.pem"));
}

ImageProperties properties_of(const boost::json::object& vector) {
    return *parse_image_properties(boost::json::serialize(vector.at("properties")));
}

crypto::Pkey make_key(const std::string& kind) {
    const std::size_t colon = kind.find(':');
    const std::string algorithm = kind.substr(0, colon);
    if (algorithm == "RSA") return crypto::Pkey(EVP_RSA_gen(static_cast<unsigned>(std::stoi(kind.substr(colon + 1)))));
    if (algorithm == "EC") return crypto::Pkey(EVP_EC_gen(kind.substr(colon + 1).c_str()));
    return crypto::Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, algorithm.c_str()));
}

Certificate make_certificate(const CertificateSpec& spec, EVP_PKEY* key, EVP_PKEY* issuer_key) {
    static long serial = 0;
    const std::unique_ptr<X509, ReleaseX509> certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
    set_name(X509_get_subject_name(certificate.get()), spec.subject);
    set_name(X509_get_issuer_name(certificate.get()), spec.issuer.empty() ? spec.subject : spec.issuer);
    std::time_t now = std::chrono::system_clock::to_time_t(judged_at());
    X509_time_adj_ex(X509_getm_notBefore(certificate.get()), spec.valid_from_days, 0, &now);
    X509_time_adj_ex(X509_getm_notAfter(certificate.get()), spec.valid_to_days, 0, &now);
    X509_set_pubkey(certificate.get(), key);
    add_extension(certificate.get(), NID_basic_constraints, spec.basic_constraints);
    add_extension(certificate.get(), NID_key_usage, spec.key_usage);
    if (spec.issued_by != nullptr) {
        add_extension(certificate.get(), NID_authority_key_identifier, "keyid:always", spec.issued_by);
    }
    if (const std::size_t equals = spec.extension.find('='); equals != std::string::npos) {
        add_extension(certificate.get(), OBJ_sn2nid(spec.extension.substr(0, equals).c_str()),
                      spec.extension.substr(equals + 1));
    }
    sign(certificate.get(), spec, issuer_key);
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    auto parsed = Certificate::parse(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
    OPENSSL_free(der);
    return *std::move(parsed);
}

Authority make_authority(const std::string& name, const std::string& constraints, const Authority* issuer,
                         CertificateSpec spec) {
    spec.subject = name;
    spec.basic_constraints = constraints;
    if (spec.key_usage.empty()) spec.key_usage = CertSign;
    if (spec.extension.empty()) spec.extension = "subjectKeyIdentifier=hash";
    if (issuer != nullptr) spec.issued_by = issuer->certificate.get();
    if (issuer != nullptr) spec.issuer = issuer->certificate.subject().substr(3);  // "CN="
    crypto::Pkey key = make_key("EC:secp384r1");
    Certificate certificate = make_certificate(spec, key.get(), issuer == nullptr ? key.get() : issuer->key.get());
    return {std::move(key), std::move(certificate)};
}

Certificate make_leaf(const Authority& issuer, CertificateSpec spec) {
    static const crypto::Pkey key = make_key("EC:secp384r1");
    spec.issuer = issuer.certificate.subject().substr(3);
    return make_certificate(spec, key.get(), issuer.key.get());
}

Certificate copy_of(const Certificate& certificate) { return *Certificate::parse(certificate.der()); }

TrustedCertificate trust(std::string name, const Certificate& certificate) {
    return {std::move(name), copy_of(certificate)};
}

}  // namespace sallyport::image::fixtures
