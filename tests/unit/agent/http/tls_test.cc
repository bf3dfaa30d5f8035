#include "agent/http/tls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <fstream>
#include <string>
#include <thread>

#include "agent/http/client.h"
#include "tests/unit/agent/http/certificates.h"
#include "tests/unit/agent/http/harness.h"

namespace sallyport::http {
namespace {

using namespace testing_;
using namespace std::chrono_literals;

class TlsTest : public testing::Test {
protected:
    TlsServerConfig server_config() const { return {files_.server_certificate, files_.server_key, {}}; }

    Result<api::Response> ask(std::uint16_t port, const std::string& host, const std::string& ca_file,
                              const std::string& body = {}) {
        Endpoint endpoint = Endpoint::parse("https://" + host + ":" + std::to_string(port)).value();
        endpoint.ca_file = ca_file;
        api::Request request;
        request.method = "POST";
        request.target = "/x";
        request.body = SecureBytes::copy_of(bytes(body)).value();
        return fetch_blocking(endpoint, request, 10s);
    }

    /// One exchange with OpenSSL's own client, over a connected socket: the answer, or the name of the failing step.
    std::string ask_openssl(int fd, int newest_version, bool with_certificate) {
        SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(ctx, newest_version);
        SSL_CTX_set_security_level(ctx, 0);
        if (with_certificate) {
            SSL_CTX_use_certificate_file(ctx, files_.client_certificate.c_str(), SSL_FILETYPE_PEM);
            SSL_CTX_use_PrivateKey_file(ctx, files_.client_key.c_str(), SSL_FILETYPE_PEM);
        }
        SSL* ssl = SSL_new(ctx);
        SSL_set_fd(ssl, fd);
        std::string outcome = "handshake";
        if (SSL_connect(ssl) == 1) {
            const std::string request = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            SSL_write(ssl, request.data(), static_cast<int>(request.size()));
            outcome.clear();
            char buffer[1024];
            int n = 0;
            while ((n = SSL_read(ssl, buffer, sizeof buffer)) > 0) outcome.append(buffer, static_cast<std::size_t>(n));
            if (outcome.empty()) outcome = "read";
        }
        SSL_free(ssl);
        SSL_CTX_free(ctx);
        return outcome;
    }

    TemporaryFolder folder_;
    Certificates files_ = make_certificates(folder_ / ".");
};

TEST_F(TlsTest, CarriesRequestsAndLongBodies) {
    TestServer server(echo(100'000), {}, server_config());
    const auto answer = ask(server.port(), "localhost", files_.authority, std::string(90'000, 't'));
    ASSERT_TRUE(answer) << answer.error().message << answer.error().detail;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(text_of(answer->body.reveal()), "POST /x " + std::string(90'000, 't'));
    EXPECT_TRUE(ask(server.port(), "127.0.0.1", files_.authority));
}

TEST_F(TlsTest, TheClientRefusesAServerThatNobodyVouchesFor) {
    TestServer server(echo(), {}, server_config());
    const auto answer = ask(server.port(), "localhost", {});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::Unavailable);
    EXPECT_NE(answer.error().message.find("certificate"), std::string::npos) << answer.error().message;
}

TEST_F(TlsTest, TheClientRefusesACertificateOfAnotherName) {
    TestServer server(echo(), {}, server_config());
    EXPECT_FALSE(ask(server.port(), "127.0.0.2", files_.authority));
}

TEST_F(TlsTest, SpeaksTls12And13ButNothingOlder) {
    TestServer server(echo(), {}, server_config());
    for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
        RawClient modern = server.connect();
        EXPECT_TRUE(ask_openssl(modern.fd(), version, false).starts_with("HTTP/1.1 200")) << version;
    }
    RawClient old = server.connect();
    EXPECT_EQ(ask_openssl(old.fd(), TLS1_1_VERSION, false), "handshake");
}

TEST_F(TlsTest, KnowsTheClientByItsCertificateAndRefusesOneWithout) {
    TlsServerConfig config = server_config();
    config.client_ca_file = files_.authority;
    TestServer server(
        [](Exchange& exchange) -> asio::awaitable<void> {
            ResponseHead head;
            co_await exchange.respond(head, bytes(exchange.peer().certificate_subject));
        },
        {}, config);
    RawClient known = server.connect();
    EXPECT_TRUE(ask_openssl(known.fd(), TLS1_3_VERSION, true).ends_with("CN=node-7"));
    RawClient unknown = server.connect();
    EXPECT_FALSE(ask_openssl(unknown.fd(), TLS1_3_VERSION, false).starts_with("HTTP/"));
}

TEST_F(TlsTest, SurvivesAClientThatSpeaksNoTls) {
    ServerLimits limits;
    limits.header_time = 50ms;
    TestServer server(echo(), limits, server_config());
    RawClient plain = server.connect();
    plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(plain.read_to_end());
    RawClient silent = server.connect();
    EXPECT_EQ(silent.read_to_end(), "");
    EXPECT_TRUE(ask(server.port(), "localhost", files_.authority));
}

TEST_F(TlsTest, NamesTheFileThatCannotBeUsed) {
    const auto missing = TlsContext::for_server({folder_ / "absent.pem", files_.server_key, {}});
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("absent.pem"), std::string::npos);
    // A key that belongs to another certificate.
    const auto mismatch = TlsContext::for_server({files_.server_certificate, files_.client_key, {}});
    ASSERT_FALSE(mismatch);
    EXPECT_NE(mismatch.error().message.find("client.key"), std::string::npos);
    EXPECT_FALSE(TlsContext::for_server({files_.server_certificate, files_.server_key, folder_ / "absent.pem"}));
    EXPECT_FALSE(TlsContext::for_client(folder_ / "absent.pem"));
}

}  // namespace
}  // namespace sallyport::http
