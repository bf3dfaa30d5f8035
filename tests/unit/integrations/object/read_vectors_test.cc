#include <gtest/gtest.h>

#include "integrations/object/names.h"
#include "keymanager/base/codec.h"
#include "swift_vectors.h"

namespace sallyport::object {
namespace {

using vectors::Reply;
namespace json = boost::json;

constexpr auto HeaderFailure = "Error decrypting header";

/// True if Swift sent a header that ours must not: an ETag that is not printable, a value that would break the head.
bool is_refused_by_ours(const json::value& etag, const json::value& meta) {
    if (vectors::is_garbage(etag)) return true;
    return meta.is_string() &&
           std::string(meta.as_string()).find_first_of(std::string("\r\n\0", 3)) != std::string::npos;
}

class CorruptedVector : public testing::TestWithParam<std::string> {};

TEST_P(CorruptedVector, GetsSwiftsAnswers) {
    const json::object vector = vectors::find("corrupted.json", GetParam());
    const std::string path = vectors::text(vector, "request_path");
    const RootSecrets secrets = vectors::root_secrets(vector.at("keymaster").as_object());
    const json::object& stored = vector.at("stored").as_object();
    const Bytes ciphertext = *from_hex(vectors::text(stored.at("ciphertext").as_object(), "hex"));
    vectors::TemporaryStore store;
    vectors::store_as_recorded(*store, path, stored, text_of(ciphertext));
    for (const json::value& value : vector.at("results").as_array()) {
        const json::object& expected = value.as_object();
        const std::string method = vectors::text(expected, "method");
        Headers headers;
        for (const auto& header : expected.at("headers").as_object()) {
            headers.add(std::string(header.key()), vectors::bytes(header.value()));
        }
        SCOPED_TRACE(method + (headers.empty() ? "" : " " + headers.begin()->first + ": " + headers.begin()->second));
        vectors::Draws none({});
        const Reply reply = vectors::send(*store, secrets, none, {method, path, headers, {}});
        const json::value& etag = expected.at("etag");
        if (!etag.is_null() && is_refused_by_ours(etag, expected.at("meta_k"))) {
            EXPECT_EQ(reply.status, 500);
            EXPECT_EQ(reply.body, method == "HEAD" ? "" : HeaderFailure);
            continue;
        }
        EXPECT_EQ(reply.status, expected.at("status").to_number<int>());
        EXPECT_EQ(reply.header("Etag"), etag.is_null() ? "<none>" : vectors::bytes(etag));
        const json::value& meta = expected.at("meta_k");
        EXPECT_EQ(reply.header("X-Object-Meta-K"), meta.is_null() ? "<none>" : vectors::bytes(meta));
        EXPECT_EQ(reply.header("Content-Type"), vectors::bytes(expected.at("content_type")));
        EXPECT_EQ(to_base64(bytes_of(reply.body)), vectors::text(expected, "body_b64"));
    }
}

INSTANTIATE_TEST_SUITE_P(Swift, CorruptedVector, testing::ValuesIn(vectors::ids("corrupted.json")),
                         [](const auto& vector) { return vector.param; });

class CrossVector : public testing::TestWithParam<std::string> {};

TEST_P(CrossVector, ReadsUnderOtherSecretsAsSwiftDoes) {
    const json::object vector = vectors::find("cross.json", GetParam());
    const json::object object = vectors::find("put.json", vectors::text(vector, "object_vector"));
    vectors::TemporaryStore store;
    // The same draws give the same object; put_vectors_test.cc proves it.
    vectors::Draws draws(object.at("draws").as_array());
    Headers headers;
    for (const auto& header : object.at("put_headers").as_object()) {
        headers.add(std::string(header.key()), vectors::bytes(header.value()));
    }
    const std::string path = vectors::text(object, "request_path");
    const std::string body = vectors::body_of(object.at("body").as_object());
    const json::object& writer = object.at("keymaster").as_object();
    EXPECT_EQ(
        vectors::send(*store, vectors::root_secrets(writer), draws, {"PUT", path, headers, body.size()}, body).status,
        201);

    const json::object& reader = vector.at("keymaster").as_object();
    const RootSecrets secrets = vectors::root_secrets(reader);
    if (vector.contains("header")) {
        vectors::Draws none({});
        const Headers condition{{vectors::text(vector, "header"), vectors::text(vector, "value")}};
        const Reply reply = vectors::send(*store, secrets, none, {"GET", path, condition, {}});
        EXPECT_EQ(reply.status, vector.at("status").to_number<int>());
        EXPECT_EQ(reply.header("Etag"), vectors::text(vector, "etag"));
        return;
    }
    for (const std::string method : {"get", "head"}) {
        SCOPED_TRACE(method);
        const json::object& expected = vector.at(method).as_object();
        const json::object& expected_headers = expected.at("headers").as_object();
        vectors::Draws none({});
        const Reply reply = vectors::send(*store, secrets, none, {method == "get" ? "GET" : "HEAD", path, {}, {}}, "",
                                          {.disable_encryption = vectors::is_disabled(reader)});
        if (expected_headers.contains("Etag") && vectors::is_garbage(expected_headers.at("Etag"))) {
            EXPECT_EQ(reply.status, 500);
            EXPECT_EQ(reply.body, method == "get" ? HeaderFailure : "");
            continue;
        }
        EXPECT_EQ(reply.status, expected.at("status").to_number<int>());
        for (const auto& header : expected_headers) {
            EXPECT_EQ(reply.header(std::string_view(header.key())), vectors::bytes(header.value())) << header.key();
        }
        EXPECT_EQ(vectors::sha256_hex(reply.body), vectors::text(expected, "body_sha256"));
    }
}

INSTANTIATE_TEST_SUITE_P(Swift, CrossVector, testing::ValuesIn(vectors::ids("cross.json")),
                         [](const auto& vector) { return vector.param; });

}  // namespace
}  // namespace sallyport::object
