#include "tests/unit/agent/http/certificates.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

namespace sallyport::http::testing_ {
namespace {

struct Identity {
    EVP_PKEY* key = nullptr;
    X509* certificate = nullptr;
    ~Identity() {
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
};

void add_extension(X509* certificate, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    EXPECT_NE(extension, nullptr);
    EXPECT_EQ(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void make(Identity& made, const char* name, const Identity* issuer, const char* alternative_names) {
    made.key = EVP_EC_gen("P-256");
    made.certificate = X509_new();
    X509* certificate = made.certificate;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer == nullptr ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    const Identity& by = issuer == nullptr ? made : *issuer;
    X509_set_issuer_name(certificate, X509_get_subject_name(by.certificate));
    X509_set_pubkey(certificate, made.key);
    add_extension(certificate, NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    if (alternative_names != nullptr) add_extension(certificate, NID_subject_alt_name, alternative_names);
    EXPECT_GT(X509_sign(certificate, by.key, EVP_sha256()), 0);
}

void write(const std::string& path, X509* certificate, EVP_PKEY* key) {
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
    ASSERT_NE(file, nullptr);
    EXPECT_TRUE(certificate == nullptr || PEM_write_X509(file.get(), certificate) == 1);
    EXPECT_TRUE(key == nullptr || PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
}

}  // namespace

Certificates make_certificates(const std::string& folder) {
    Certificates files{folder + "/ca.pem", folder + "/server.pem", folder + "/server.key", folder + "/client.pem",
                       folder + "/client.key"};
    Identity authority;
    Identity server;
    Identity client;
    make(authority, "Test authority", nullptr, nullptr);
    make(server, "server", &authority, "DNS:localhost,IP:127.0.0.1");
    make(client, "node-7", &authority, nullptr);
    write(files.authority, authority.certificate, nullptr);
    write(files.server_certificate, server.certificate, nullptr);
    write(files.server_key, nullptr, server.key);
    write(files.client_certificate, client.certificate, nullptr);
    write(files.client_key, nullptr, client.key);
    return files;
}

}  // namespace sallyport::http::testing_
