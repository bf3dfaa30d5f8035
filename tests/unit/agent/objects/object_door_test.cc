#include "agent/objects/object_door.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "agent/http/server.h"
#include "agent/lanes/edge_threads.h"
#include "integrations/object/directory.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/uuid.h"
#include "keymanager/crypto/md5.h"

namespace sallyport::objects {
namespace {

namespace fs = std::filesystem;

struct Reply {
    int status = 0;
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
};

/// A connection of the test's own, so that it can break off wherever it likes.
class Wire {
public:
    explicit Wire(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_port = htons(port);
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(descriptor_, reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
    }
    ~Wire() { ::close(descriptor_); }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    void send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    std::string read_to_end() {
        std::string text;
        std::vector<char> buffer(65536);
        while (true) {
            const ssize_t read = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
            if (read <= 0) return text;
            text.append(buffer.data(), static_cast<std::size_t>(read));
        }
    }

private:
    int descriptor_;
};

Reply parse(const std::string& text) {
    Reply reply;
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) return reply;
    reply.status = std::stoi(text.substr(text.find(' ') + 1, 3));
    std::size_t at = text.find("\r\n") + 2;
    while (at < end) {
        const auto line_end = text.find("\r\n", at);
        const std::string line = text.substr(at, line_end - at);
        std::string name = line.substr(0, line.find(':'));
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
        reply.headers[name] = line.substr(line.find(": ") + 2);
        at = line_end + 2;
    }
    reply.body = text.substr(end + 4);
    return reply;
}

RootSecretSource working_source() {
    return []() -> Result<object::RootSecrets> {
        std::vector<object::RootSecrets::Entry> entries;
        entries.push_back({"", *SecureBytes::of_size(32)});
        return object::RootSecrets::create(std::move(entries), "");
    };
}

class Door : public testing::Test {
protected:
    Door() { open(working_source()); }
    ~Door() override {
        close();
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }

    void open(RootSecretSource source) {
        close();
        edge_ = std::make_unique<lanes::EdgeThreads>(lanes::EdgeConfig{.loops = 1});
        lane_ = std::make_unique<lanes::Lane>(lanes::LaneConfig{.name = "objects", .threads = 2, .queue = 64});
        door_ = std::make_unique<ObjectDoor>(make_lane_store(*object::make_directory_upstream({folder_}), *lane_),
                                             std::move(source), *lane_);
        const http::ServerConfig config{.name = "objects", .host_href = "", .limits = door_limits({})};
        server_ = std::make_unique<http::Server>(*edge_, config, door_->handler());
        port_ = *server_->listen(http::TcpListen{"127.0.0.1", 0, std::nullopt});
        edge_->start();
        server_->start();
    }
    void close() {
        if (server_ == nullptr) return;
        server_->stop(std::chrono::seconds(10));
        server_.reset();
        lane_->drain();
        edge_->stop();
        door_.reset();
        lane_.reset();
        edge_.reset();
    }

    Reply ask(const std::string& method, const std::string& target, const std::string& headers = "",
              std::string_view body = "") {
        Wire wire(port_);
        const bool sends = method == "PUT" || method == "POST";
        const std::string length = sends ? "Content-Length: " + std::to_string(body.size()) + "\r\n" : "";
        wire.send(method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + length + headers + "\r\n");
        wire.send(body);
        return parse(wire.read_to_end());
    }
    /// All that is in the folder, metadata and data, as one text.
    std::string at_rest() const {
        std::string all;
        for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
            if (!entry.is_regular_file()) continue;
            std::ifstream file(entry.path(), std::ios::binary);
            all.append(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        }
        return all;
    }
    std::size_t unfinished() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_ + "/.tmp"), {}));
    }
    /// Asks again and again (each time a round trip) until it is so.
    template <class Condition>
    bool becomes_true(Condition condition) {
        for (int i = 0; i < 2000; ++i) {
            if (condition()) return true;
            ask("GET", "/v1/a/none/none");
        }
        return false;
    }

    std::string folder_ = (fs::temp_directory_path() / ("sallyport-door-" + random_uuid())).string();
    std::unique_ptr<lanes::EdgeThreads> edge_;
    std::unique_ptr<lanes::Lane> lane_;
    std::unique_ptr<ObjectDoor> door_;
    std::unique_ptr<http::Server> server_;
    std::uint16_t port_ = 0;
};

std::string text_of_size(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i) text += "line " + std::to_string(i) + " of the plaintext\n";
    text.resize(size);
    return text;
}

TEST_F(Door, EncryptsOnTheWayInAndDecryptsOnTheWayOut) {
    for (const std::size_t size : {0, 1, 65535, 65536, 65537, 262144, 262145, 5 * 1024 * 1024}) {
        SCOPED_TRACE(size);
        const std::string text = text_of_size(size);
        const std::string target = "/v1/AUTH_t/c/o" + std::to_string(size);
        EXPECT_EQ(ask("PUT", target, "Content-Type: text/x\r\nX-Object-Meta-Color: red\r\n", text).status, 201);
        const Reply get = ask("GET", target);
        EXPECT_EQ(get.status, 200);
        EXPECT_TRUE(get.body == text);
        EXPECT_EQ(get.headers.at("content-type"), "text/x");
        EXPECT_EQ(get.headers.at("x-object-meta-color"), "red");
        EXPECT_EQ(get.headers.at("content-length"), std::to_string(size));
        const Reply head = ask("HEAD", target);
        EXPECT_EQ(head.headers.at("content-length"), std::to_string(size));
        EXPECT_EQ(head.headers.at("etag"), get.headers.at("etag"));
        EXPECT_EQ(head.body, "");
        for (const auto& [name, value] : get.headers) EXPECT_EQ(name.find("sysmeta"), std::string::npos) << name;
    }
    EXPECT_EQ(at_rest().find("of the plaintext"), std::string::npos);
    EXPECT_EQ(unfinished(), 0U);
}

TEST_F(Door, StoresTheMd5OfWhatItStores) {
    ask("PUT", "/v1/a/c/o", "", text_of_size(300'000));
    std::string ciphertext, record;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file(entry.path(), std::ios::binary);
        std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        if (entry.path().extension() == ".data") ciphertext = std::move(content);
        if (entry.path().filename() == "object.json") record = std::move(content);
    }
    auto md5 = *crypto::Md5::create();
    ASSERT_TRUE(md5.update(bytes_of(ciphertext)));
    EXPECT_NE(record.find(*md5.hex()), std::string::npos) << record;
}

TEST_F(Door, ServesRanges) {
    const std::string text = text_of_size(1000000);
    ask("PUT", "/v1/a/c/o", "", text);
    const Reply one = ask("GET", "/v1/a/c/o", "Range: bytes=299999-900000\r\n");
    EXPECT_EQ(one.status, 206);
    EXPECT_TRUE(one.body == text.substr(299999, 600002));
    const Reply two = ask("GET", "/v1/a/c/o", "Range: bytes=5-9,400000-700000\r\n");
    EXPECT_EQ(two.status, 206);
    EXPECT_NE(two.body.find(text.substr(400000, 300001)), std::string::npos);
    EXPECT_EQ(ask("GET", "/v1/a/c/o", "Range: bytes=1000000-\r\n").status, 416);
    EXPECT_EQ(ask("GET", "/v1/a/c/o", "If-None-Match: " + one.headers.at("etag") + "\r\n").status, 304);
}

TEST_F(Door, TakesNamesAndMetadataOfAnyLanguage) {
    const std::string target =
        "/v1/AUTH_t/" + object::percent_encoded("Behälter") + "/" + object::percent_encoded("a/😀 ../ü");
    EXPECT_EQ(ask("PUT", target, "X-Object-Meta-Stadt: Zürich\r\n", "x").status, 201);
    EXPECT_EQ(ask("GET", target).headers.at("x-object-meta-stadt"), "Zürich");
    EXPECT_EQ(ask("POST", target, "X-Object-Meta-Land: Österreich\r\n").status, 202);
    const Reply head = ask("HEAD", target);
    EXPECT_EQ(head.headers.at("x-object-meta-land"), "Österreich");
    EXPECT_FALSE(head.headers.contains("x-object-meta-stadt"));
    EXPECT_EQ(at_rest().find("Zürich"), std::string::npos);
}

TEST_F(Door, ShowsPlaintextEtagsInListings) {
    ask("PUT", "/v1/a/c/o", "", "hello");
    const Reply json = ask("GET", "/v1/a/c?format=json");
    EXPECT_NE(json.body.find("\"5d41402abc4b2a76b9719d911017c592\""), std::string::npos);
    EXPECT_NE(ask("GET", "/v1/a/c?format=xml").body.find("<hash>5d41402abc4b2a76b9719d911017c592</hash>"),
              std::string::npos);
    EXPECT_EQ(ask("GET", "/v1/a/c").body, "o\n");
    EXPECT_EQ(ask("GET", "/v1/a").body, "c\n");
    EXPECT_EQ(ask("DELETE", "/v1/a/c/o").status, 204);
    EXPECT_EQ(ask("GET", "/v1/a/c").status, 204);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").status, 404);
}

TEST_F(Door, LetsNoClientSetCryptoMetadata) {
    const std::string forged =
        "X-Object-Sysmeta-Crypto-Body-Meta: forged\r\nX-Object-Transient-Sysmeta-Crypto-Meta-K: forged\r\n";
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", forged, "hello").status, 201);
    EXPECT_EQ(ask("POST", "/v1/a/c/o", forged).status, 202);
    EXPECT_EQ(at_rest().find("forged"), std::string::npos);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").body, "hello");
}

TEST_F(Door, RefusesTheBodyThatTheClientDidNotMean) {
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", "ETag: 00000000000000000000000000000000\r\n", "hello").status, 422);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").status, 404);
    EXPECT_EQ(unfinished(), 0U);
}

TEST_F(Door, RefusesWhatItDoesNotDo) {
    const Reply manifest = ask("PUT", "/v1/a/c/o?multipart-manifest=put", "", "[]");
    EXPECT_EQ(manifest.status, 501);
    EXPECT_NE(manifest.body.find("(multipart-manifest) is not supported"), std::string::npos);
    EXPECT_NE(manifest.body.find("Swift's own pipeline"), std::string::npos);
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", "X-Object-Manifest: c/p\r\n").status, 501);
}

TEST_F(Door, CopiesByReadingAndWriting) {
    const std::string body = text_of_size(300'000);
    ask("PUT", "/v1/a/c/o", "X-Object-Meta-Color: red\r\nContent-Type: text/x-test\r\n", body);
    const Reply copied = ask("COPY", "/v1/a/c/o", "Destination: d/p%20q\r\nX-Object-Meta-Size: big\r\n");
    EXPECT_EQ(copied.status, 201);
    EXPECT_EQ(copied.headers.at("x-copied-from"), "c/o");
    const Reply got = ask("GET", "/v1/a/d/p%20q");
    EXPECT_EQ(got.body, body);
    EXPECT_EQ(got.headers.at("x-object-meta-color"), "red");
    EXPECT_EQ(got.headers.at("x-object-meta-size"), "big");
    EXPECT_EQ(got.headers.at("content-type"), "text/x-test");
    EXPECT_EQ(got.headers.at("etag"), ask("HEAD", "/v1/a/c/o").headers.at("etag"));

    EXPECT_EQ(ask("PUT", "/v1/a/d/fresh", "X-Copy-From: /c/o\r\nX-Fresh-Metadata: true\r\n").status, 201);
    const Reply fresh = ask("GET", "/v1/a/d/fresh");
    EXPECT_EQ(fresh.body, body);
    EXPECT_FALSE(fresh.headers.contains("x-object-meta-color"));
}

TEST_F(Door, RefusesCopiesOfNothingAndToNowhere) {
    ask("PUT", "/v1/a/c/o", "", "hello");
    EXPECT_EQ(ask("COPY", "/v1/a/c/missing", "Destination: c/p\r\n").status, 404);
    EXPECT_EQ(ask("COPY", "/v1/a/c/o").status, 412);
    EXPECT_EQ(ask("COPY", "/v1/a/c/o", "Destination: p\r\n").status, 412);
    EXPECT_EQ(ask("PUT", "/v1/a/c/p", "X-Copy-From: c/o\r\n", "a body").status, 400);
    EXPECT_EQ(ask("COPY", "/v1/a/c/o", "Destination: c/p\r\nIf-Match: \"other\"\r\n").status, 412);
    EXPECT_EQ(ask("GET", "/v1/a/c/p").status, 404);
}

TEST_F(Door, KeepsNothingOfAClientThatGoesInTheMiddle) {
    ask("PUT", "/v1/a/c/o", "", "old");
    {
        Wire wire(port_);
        wire.send("PUT /v1/a/c/o HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n");
        wire.send(text_of_size(1000000));
        ASSERT_TRUE(becomes_true([this] { return unfinished() == 1; }));
    }
    EXPECT_TRUE(becomes_true([this] { return unfinished() == 0; }));
    EXPECT_EQ(ask("GET", "/v1/a/c/o").body, "old");
}

TEST_F(Door, AnswersUnavailableAsLongAsThereAreNoSecrets) {
    const auto missing = std::make_shared<std::atomic<bool>>(true);  // owners: this test and the door's source
    open([missing]() -> Result<object::RootSecrets> {
        if (*missing) return Error{Code::Unavailable, "the key manager is away", {}};
        return working_source()();
    });
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", "", "must not be stored in clear").status, 503);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").status, 503);
    EXPECT_EQ(at_rest().find("clear"), std::string::npos);
    *missing = false;
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", "", "hello").status, 201);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").body, "hello");
}

TEST_F(Door, NeverSendsCiphertextForAnObjectOfAnotherSecret) {
    ask("PUT", "/v1/a/c/o", "", "hello");
    open([]() -> Result<object::RootSecrets> {
        std::vector<object::RootSecrets::Entry> entries;
        entries.push_back({"other", *SecureBytes::of_size(32)});
        return object::RootSecrets::create(std::move(entries), "other");
    });
    const Reply get = ask("GET", "/v1/a/c/o");
    EXPECT_EQ(get.status, 500);
    EXPECT_EQ(get.body, "Error decrypting object");
}

TEST(DoorConfig, RefusesAnAddressThatOthersCanReach) {
    config::Objects objects;
    EXPECT_TRUE(check_address(objects));
    objects.listen.host = "0.0.0.0";
    EXPECT_EQ(check_address(objects).error().code, Code::Refused);
}

}  // namespace
}  // namespace sallyport::objects
