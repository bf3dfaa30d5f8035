#include "swift_vectors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "integrations/object/directory.h"
#include "integrations/object/names.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/uuid.h"
#include "keymanager/crypto/digest.h"
#include "tests/vectors/vectors.h"

namespace sallyport::object::vectors {
namespace {

// Odd on purpose: pieces end inside cipher blocks and inside the heads of multipart bodies.
constexpr std::size_t RequestChunk = 40961;
constexpr std::size_t ResponseChunk = 37;
constexpr std::size_t LargeResponseChunk = 65551;

Reply from_answer(const Answer& answer, const RequestHead& request) {
    return {answer.head.status, answer.head.headers, request.method == "HEAD" ? "" : answer.body};
}

std::string read_all(StoreExchange& exchange, std::size_t chunk,
                     const std::function<bool(std::span<std::byte>)>& apply) {
    std::string body;
    std::vector<std::byte> buffer(chunk);
    while (true) {
        const auto read = exchange.read(buffer);
        EXPECT_TRUE(read) << read.error().message;
        if (!read || *read == 0) return body;
        const auto piece = std::span(buffer).first(*read);
        EXPECT_TRUE(apply(piece));
        body.append(text_of(piece));
    }
}

}  // namespace

json::array load(const std::string& file) {
    // put.json is read by hundreds of tests.
    static std::map<std::string, json::array> read;
    if (const auto known = read.find(file); known != read.end()) return known->second;
    std::ifstream stream(vectors_path("swift/" + file), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    return read[file] = json::parse(content).at("vectors").as_array();
}

std::vector<std::string> ids(const std::string& file) {
    std::vector<std::string> all;
    for (const json::value& vector : load(file)) {
        std::string id = text(vector.as_object(), "id");
        std::replace(id.begin(), id.end(), '-', '_');
        all.push_back(id);
    }
    return all;
}

json::object find(const std::string& file, const std::string& id) {
    const json::array all = load(file);
    for (const json::value& vector : all) {
        std::string known = text(vector.as_object(), "id");
        std::string wanted = id;
        std::replace(known.begin(), known.end(), '-', '_');
        std::replace(wanted.begin(), wanted.end(), '-', '_');
        if (known == wanted) return vector.as_object();
    }
    ADD_FAILURE() << "no vector " << id;
    return {};
}

std::string text(const json::object& object, const char* name) { return std::string(object.at(name).as_string()); }

bool is_garbage(const json::value& value) { return value.is_object(); }

std::string bytes(const json::value& value) {
    if (!is_garbage(value)) return std::string(value.as_string());
    return std::string(text_of(*from_hex(text(value.as_object(), "not_utf8_hex"))));
}

std::string body_of(const json::object& spec) {
    if (spec.contains("b64")) return std::string(text_of(*from_base64(text(spec, "b64"))));
    const auto length = spec.at("length").to_number<std::size_t>();
    std::string body;
    for (std::uint64_t i = 0; body.size() < length; ++i) {
        std::string block = text(spec, "seed");
        for (int shift = 56; shift >= 0; shift -= 8) block.push_back(static_cast<char>(i >> shift));
        body.append(text_of(*crypto::sha256(bytes_of(block))));
    }
    body.resize(length);
    return body;
}

RootSecrets root_secrets(const json::object& keymaster) {
    std::vector<RootSecrets::Entry> entries;
    const auto id_of = [](const json::value& id) { return id.is_null() ? "" : std::string(id.as_string()); };
    for (const json::value& secret : keymaster.at("root_secrets").as_array()) {
        const Bytes raw = *from_base64(text(secret.as_object(), "b64"));
        entries.push_back({id_of(secret.at("id")), *SecureBytes::copy_of(raw)});
    }
    const std::string version = text(keymaster, "meta_version_to_write");
    auto secrets = RootSecrets::create(std::move(entries), id_of(keymaster.at("active_root_secret_id")),
                                       static_cast<MetaVersion>(version[0] - '0'));
    EXPECT_TRUE(secrets);
    return *std::move(secrets);
}

bool is_disabled(const json::object& keymaster) { return keymaster.at("disable_encryption").as_bool(); }

Draws::Draws(const json::array& draws) {
    for (const json::value& draw : draws) draws_.push_back(*from_hex(text(draw.as_object(), "hex")));
}

Result<crypto::CounterBlock> Draws::draw_iv() {
    crypto::CounterBlock iv{};
    if (draws_.empty() || draws_.front().size() != iv.size()) return Error{Code::Internal, "no such draw", {}};
    std::copy(draws_.front().begin(), draws_.front().end(), iv.begin());
    draws_.pop_front();
    return iv;
}

Result<SecureBytes> Draws::draw_key() {
    if (draws_.empty() || draws_.front().size() != 32) return Error{Code::Internal, "no such draw", {}};
    auto key = SecureBytes::copy_of(draws_.front());
    draws_.pop_front();
    return key;
}

/// In memory where that is possible: these tests are not about the disk, and each PUT waits for it several times.
std::filesystem::path temporary_root() {
    const std::filesystem::path memory = "/dev/shm";
    return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

TemporaryStore::TemporaryStore() : path_((temporary_root() / ("sallyport-objects-" + random_uuid())).string()) {
    reopen();
}

void TemporaryStore::reopen() {
    upstream_.reset();
    auto opened = make_directory_upstream({path_});
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    upstream_ = *std::move(opened);
}

TemporaryStore::~TemporaryStore() {
    upstream_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Reply send_raw(Upstream& upstream, RequestHead request, std::string_view body) {
    auto exchange = upstream.start(request);
    if (!exchange) return {599, {}, exchange.error().message};
    EXPECT_TRUE((*exchange)->write(bytes_of(body)));
    auto head = (*exchange)->finish({});
    if (!head) return {599, {}, head.error().message};
    return {head->status, head->headers,
            read_all(**exchange, LargeResponseChunk, [](std::span<std::byte>) { return true; })};
}

Reply send(Upstream& upstream, const RootSecrets& secrets, RandomSource& random, RequestHead request,
           std::string_view body, FilterOptions options) {
    ObjectFilter filter(secrets, random, options);
    if (auto refused = filter.on_request_head(request)) return from_answer(*refused, request);
    auto exchange = upstream.start(request);
    if (!exchange) return {599, {}, exchange.error().message};
    while (!body.empty()) {
        const auto piece = bytes_of(body.substr(0, RequestChunk));
        Bytes chunk(piece.begin(), piece.end());
        EXPECT_TRUE(filter.on_request_body(chunk));
        EXPECT_TRUE((*exchange)->write(chunk));
        body.remove_prefix(chunk.size());
    }
    auto end = filter.on_request_end();
    if (const auto* refused = std::get_if<Answer>(&end)) return from_answer(*refused, request);
    auto head = (*exchange)->finish(std::get<Headers>(end));
    if (!head) return {599, {}, head.error().message};
    if (auto refused = filter.on_response_head(*head)) return from_answer(*refused, request);
    const std::size_t chunk =
        head->headers.value_or("Content-Length", "").size() > 4 ? LargeResponseChunk : ResponseChunk;
    std::string received = read_all(**exchange, chunk, [&filter](std::span<std::byte> piece) {
        return filter.response_body() != ObjectFilter::Body::InPlace || filter.on_response_body(piece).has_value();
    });
    if (filter.response_body() != ObjectFilter::Body::Listing)
        return {head->status, head->headers, std::move(received)};
    auto listing = filter.on_listing(received);
    if (const auto* failed = std::get_if<Answer>(&listing)) return from_answer(*failed, request);
    return {head->status, head->headers, std::get<std::string>(listing)};
}

void store_as_recorded(Upstream& upstream, const std::string& request_path, const json::object& stored,
                       std::string_view ciphertext) {
    RequestHead put{"PUT", request_path, {}, ciphertext.size()};
    for (const auto& header : stored.at("data").as_object()) {
        put.headers.add(std::string(header.key()), bytes(header.value()));
    }
    EXPECT_EQ(send_raw(upstream, put, ciphertext).status, 201);
}

std::string sha256_hex(std::string_view data) { return to_hex(*crypto::sha256(bytes_of(data))); }

}  // namespace sallyport::object::vectors
