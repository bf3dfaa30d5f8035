#include "integrations/object/directory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "integrations/object/names.h"
#include "integrations/object/stored_name.h"
#include "integrations/object/text.h"
#include "keymanager/base/uuid.h"
#include "swift_vectors.h"

namespace sallyport::object {
namespace {

using vectors::Reply;
namespace fs = std::filesystem;
namespace json = boost::json;

class Directory : public testing::Test {
protected:
    Reply ask(const std::string& method, const std::string& path, Headers headers = {}, std::string_view body = "") {
        return vectors::send_raw(*store_, {method, path, std::move(headers), body.size()}, body);
    }
    std::size_t temporary_files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(store_.path() + "/.tmp"), {}));
    }
    std::size_t files_of(const std::string& suffix) const {
        std::size_t count = 0;
        for (const auto& entry : fs::recursive_directory_iterator(store_.path())) {
            count += entry.path().filename().string().ends_with(suffix) ? 1 : 0;
        }
        return count;
    }
    vectors::TemporaryStore store_;
};

TEST_F(Directory, KeepsAnObjectAndItsMetadata) {
    const Reply put = ask("PUT", "/v1/a/c/o", {{"Content-Type", "text/x"}, {"X-Object-Meta-Color", "red"}}, "hello");
    EXPECT_EQ(put.status, 201);
    EXPECT_EQ(put.header("Etag"), "5d41402abc4b2a76b9719d911017c592");
    const Reply get = ask("GET", "/v1/a/c/o");
    EXPECT_EQ(get.status, 200);
    EXPECT_EQ(get.body, "hello");
    EXPECT_EQ(get.header("Content-Type"), "text/x");
    EXPECT_EQ(get.header("X-Object-Meta-Color"), "red");
    EXPECT_EQ(get.header("Content-Length"), "5");
    EXPECT_EQ(get.header("Accept-Ranges"), "bytes");
    EXPECT_NE(get.header("Last-Modified"), "<none>");
    EXPECT_NE(get.header("X-Timestamp"), "<none>");
    const Reply head = ask("HEAD", "/v1/a/c/o");
    EXPECT_EQ(head.header("Content-Length"), "5");
    EXPECT_EQ(head.body, "");
}

TEST_F(Directory, DoesNotKnowWhatIsNotThere) {
    EXPECT_EQ(ask("GET", "/v1/a/c/o").status, 404);
    EXPECT_EQ(ask("HEAD", "/v1/a/c/o").status, 404);
    EXPECT_EQ(ask("POST", "/v1/a/c/o").status, 404);
    EXPECT_EQ(ask("DELETE", "/v1/a/c/o").status, 404);
    EXPECT_EQ(ask("GET", "/v1/a/c").status, 404);
    EXPECT_EQ(ask("GET", "/v1/a").status, 404);
    EXPECT_EQ(ask("GET", "/info").status, 404);
}

TEST_F(Directory, SurvivesAReopening) {
    ask("PUT", "/v1/a/c/o", {}, "hello");
    store_.reopen();
    EXPECT_EQ(ask("GET", "/v1/a/c/o").body, "hello");
}

TEST_F(Directory, IsOpenOnlyOnce) {
    const auto second = make_directory_upstream({store_.path()});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Refused);
}

TEST_F(Directory, RefusesABodyThatIsNotTheAnnouncedOne) {
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", {{"Etag", "00000000000000000000000000000000"}}, "hello").status, 422);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").status, 404);
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", {{"Etag", "\"5d41402abc4b2a76b9719d911017c592\""}}, "hello").status, 201);
}

TEST_F(Directory, KeepsTheOldObjectIfAPutIsLeft) {
    ask("PUT", "/v1/a/c/o", {{"X-Object-Meta-Age", "old"}}, "old");
    {
        auto exchange = store_->start({"PUT", "/v1/a/c/o", {{"X-Object-Meta-Age", "new"}}, 3});
        ASSERT_TRUE(exchange);
        ASSERT_TRUE((*exchange)->write(bytes_of("ne")));
        EXPECT_EQ(temporary_files(), 1U);
    }
    EXPECT_EQ(temporary_files(), 0U);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").body, "old");
    EXPECT_EQ(ask("GET", "/v1/a/c/o").header("X-Object-Meta-Age"), "old");
}

TEST_F(Directory, StoresNothingOfABodyThatEndsEarly) {
    auto exchange = store_->start({"PUT", "/v1/a/c/o", {}, 10});
    ASSERT_TRUE((*exchange)->write(bytes_of("short")));
    const auto head = (*exchange)->finish({});
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 499);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").status, 404);
}

TEST_F(Directory, EmptiesWhatAKilledProcessLeft) {
    std::ofstream(store_.path() + "/.tmp/left.data") << "half";
    store_.reopen();
    EXPECT_EQ(temporary_files(), 0U);
}

TEST_F(Directory, DropsTheDataOfTheObjectBefore) {
    for (const char* body : {"one", "two", "three"}) ask("PUT", "/v1/a/c/o", {}, body);
    EXPECT_EQ(files_of(".data"), 1U);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").body, "three");
}

TEST_F(Directory, ReadsOneObjectWhileAnotherReplacesIt) {
    ask("PUT", "/v1/a/c/o", {{"X-Object-Meta-First", "a"}}, std::string(100000, 'a'));
    std::atomic<bool> over = false;
    std::thread writer([&] {
        for (int i = 0; i < 100; ++i) {
            const char letter = static_cast<char>('a' + i % 26);
            vectors::send_raw(*store_, {"PUT", "/v1/a/c/o", {{"X-Object-Meta-First", std::string(1, letter)}}, {}},
                              std::string(100000 + static_cast<std::size_t>(i), letter));
        }
        over = true;
    });
    while (!over) {
        const Reply get = ask("GET", "/v1/a/c/o");
        ASSERT_EQ(get.status, 200);
        ASSERT_EQ(get.body, std::string(get.body.size(), get.header("X-Object-Meta-First")[0]));
        ASSERT_EQ(std::to_string(get.body.size()), get.header("Content-Length"));
    }
    writer.join();
}

TEST_F(Directory, PostReplacesMetadataAsASet) {
    ask("PUT", "/v1/a/c/o",
        {{"X-Object-Meta-A", "1"},
         {"X-Object-Sysmeta-S", "stays"},
         {std::string(SealedMetaPrefix) + "A", "sealed"},
         {"Content-Encoding", "gzip"},
         {"Content-Type", "text/x"}},
        "hello");
    EXPECT_EQ(ask("POST", "/v1/a/c/o", {{"X-Object-Meta-B", "2"}}).status, 202);
    const Reply get = ask("GET", "/v1/a/c/o");
    EXPECT_EQ(get.header("X-Object-Meta-A"), "<none>");
    EXPECT_EQ(get.header("X-Object-Meta-B"), "2");
    EXPECT_EQ(get.header(std::string(SealedMetaPrefix) + "A"), "<none>");
    EXPECT_EQ(get.header("Content-Encoding"), "<none>");
    EXPECT_EQ(get.header("X-Object-Sysmeta-S"), "stays");
    EXPECT_EQ(get.header("Content-Type"), "text/x");
    EXPECT_EQ(get.body, "hello");
}

TEST_F(Directory, PutsOnlyWhatIsNewIfAsked) {
    const Headers only_new{{"If-None-Match", "*"}};
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", only_new, "one").status, 201);
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", only_new, "two").status, 412);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").body, "one");
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", {{"If-None-Match", "\"abc\""}}, "two").status, 400);
}

TEST_F(Directory, ComparesTheEtagThatTheRequestPointsTo) {
    ask("PUT", "/v1/a/c/o", {{"X-Object-Sysmeta-Mac", "mac"}}, "hello");
    const Headers at_mac{{"If-Match", "\"mac\""},
                         {std::string(EtagIsAt), "X-Object-Sysmeta-None,X-Object-Sysmeta-Mac"}};
    EXPECT_EQ(ask("GET", "/v1/a/c/o", at_mac).status, 200);
    EXPECT_EQ(ask("GET", "/v1/a/c/o", {{"If-Match", "\"mac\""}}).status, 412);
    EXPECT_EQ(ask("GET", "/v1/a/c/o", {{"If-None-Match", "5d41402abc4b2a76b9719d911017c592"}}).status, 304);
}

TEST_F(Directory, HonoursTimesInConditions) {
    ask("PUT", "/v1/a/c/o", {}, "hello");
    const std::string modified = ask("GET", "/v1/a/c/o").header("Last-Modified");
    EXPECT_EQ(ask("GET", "/v1/a/c/o", {{"If-Modified-Since", modified}}).status, 304);
    EXPECT_EQ(ask("GET", "/v1/a/c/o", {{"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}}).status, 200);
    EXPECT_EQ(ask("GET", "/v1/a/c/o", {{"If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}}).status, 412);
    EXPECT_EQ(ask("GET", "/v1/a/c/o", {{"If-Modified-Since", "yesterday"}}).status, 200);
}

TEST_F(Directory, ForgetsAnObjectWhoseTimeIsOver) {
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", {{"X-Delete-At", "1"}}, "x").status, 400);
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", {{"X-Delete-At", "soon"}}, "x").status, 400);
    EXPECT_EQ(ask("PUT", "/v1/a/c/o", {{"X-Delete-At", "4102444800"}}, "x").status, 201);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").header("X-Delete-At"), "4102444800");
}

TEST_F(Directory, DeletesObjectsAndEmptyContainers) {
    ask("PUT", "/v1/a/c/o", {}, "hello");
    EXPECT_EQ(ask("DELETE", "/v1/a/c").status, 409);
    EXPECT_EQ(ask("DELETE", "/v1/a/c/o").status, 204);
    EXPECT_EQ(ask("GET", "/v1/a/c/o").status, 404);
    EXPECT_EQ(files_of(".data"), 0U);
    EXPECT_EQ(ask("DELETE", "/v1/a/c").status, 204);
    EXPECT_EQ(ask("GET", "/v1/a/c").status, 404);
}

TEST_F(Directory, MakesContainersAndKeepsTheirMetadata) {
    EXPECT_EQ(ask("PUT", "/v1/a/c", {{"X-Container-Meta-K", "v"}}).status, 201);
    EXPECT_EQ(ask("PUT", "/v1/a/c").status, 202);
    EXPECT_EQ(ask("POST", "/v1/a/c", {{"X-Container-Meta-L", "w"}}).status, 204);
    const Reply head = ask("HEAD", "/v1/a/c");
    EXPECT_EQ(head.status, 204);
    EXPECT_EQ(head.header("X-Container-Meta-K"), "v");
    EXPECT_EQ(head.header("X-Container-Meta-L"), "w");
    EXPECT_EQ(head.header("X-Container-Object-Count"), "0");
    EXPECT_EQ(ask("POST", "/v1/a/none").status, 404);
}

std::vector<std::string> names_of(const Reply& reply) {
    std::vector<std::string> names;
    const json::value listing = json::parse(reply.body);
    for (const json::value& entry : listing.as_array()) {
        const json::object& object = entry.as_object();
        names.emplace_back((object.contains("name") ? object.at("name") : object.at("subdir")).as_string());
    }
    return names;
}

TEST_F(Directory, ListsByPrefixMarkerLimitAndDelimiter) {
    for (const char* name : {"b", "a/1", "a/2", "a", "c"}) ask("PUT", std::string("/v1/a/c/") + name, {}, "x");
    using Names = std::vector<std::string>;
    EXPECT_EQ(names_of(ask("GET", "/v1/a/c")), (Names{"a", "a/1", "a/2", "b", "c"}));
    EXPECT_EQ(names_of(ask("GET", "/v1/a/c?prefix=a/")), (Names{"a/1", "a/2"}));
    EXPECT_EQ(names_of(ask("GET", "/v1/a/c?marker=a%2F1&limit=2")), (Names{"a/2", "b"}));
    EXPECT_EQ(names_of(ask("GET", "/v1/a/c?delimiter=/")), (Names{"a", "a/", "b", "c"}));
    EXPECT_EQ(names_of(ask("GET", "/v1/a/c?delimiter=/&marker=a/")), (Names{"b", "c"}));
    EXPECT_EQ(names_of(ask("GET", "/v1/a/c?end_marker=b")), (Names{"a", "a/1", "a/2"}));
    EXPECT_EQ(ask("GET", "/v1/a/c?limit=10001").status, 412);
    EXPECT_EQ(names_of(ask("GET", "/v1/a")), Names{"c"});
}

TEST_F(Directory, TakesAnyName) {
    const std::vector<std::string> names = {"..",
                                            ".",
                                            "../../etc/passwd",
                                            "/leading",
                                            "a//b",
                                            "tail/",
                                            "~",
                                            ".tmp",
                                            "object.json",
                                            "a%2Fb",
                                            "ü☃😀",
                                            std::string("\0v\0x", 4),
                                            "\x01\n",
                                            " ",
                                            std::string(1024, 'n'),
                                            std::string(900, '/')};
    for (const std::string& name : names) {
        EXPECT_EQ(ask("PUT", "/v1/a/c/" + percent_encoded(name), {}, name).status, 201) << name;
    }
    for (const std::string& name : names) EXPECT_EQ(ask("GET", "/v1/a/c/" + percent_encoded(name)).body, name) << name;
    auto sorted = names;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(names_of(ask("GET", "/v1/a/c")), sorted);
    // Nothing has left the container's folder.
    EXPECT_EQ(std::distance(fs::directory_iterator(store_.path()), {}), 3);
    EXPECT_EQ(ask("PUT", "/v1/a/c/" + std::string(1025, 'n'), {}, "x").status, 400);
    EXPECT_EQ(ask("PUT", "/v1/a/c/%FF", {}, "x").status, 412);
}

TEST_F(Directory, ShowsOneObjectToAnInspector) {
    ask("PUT", "/v1/a/c/o", {{"X-Object-Sysmeta-Crypto-Body-Meta", "meta"}}, "hello");
    const auto stored = inspect_directory({store_.path()}, "/v1/a/c/o");
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->size, 5U);
    EXPECT_EQ(stored->headers.value_or(BodyMeta, ""), "meta");
    EXPECT_TRUE(fs::exists(stored->data_file));
    EXPECT_EQ(inspect_directory({store_.path()}, "/v1/a/c/none").error().code, Code::NotFound);
    EXPECT_EQ(inspect_directory({store_.path()}, "/v1/a/c").error().code, Code::InvalidInput);
}

TEST_F(Directory, SaysThatAnObjectIsDamaged) {
    ask("PUT", "/v1/a/c/o", {}, "hello");
    const auto stored = inspect_directory({store_.path()}, "/v1/a/c/o");
    fs::resize_file(stored->data_file, 3);
    EXPECT_EQ(store_->start({"GET", "/v1/a/c/o", {}, {}}).error().code, Code::Corrupt);
    const std::string record = fs::path(stored->data_file).parent_path().string() + "/object.json";
    std::ofstream(record) << "{}";
    EXPECT_EQ(store_->start({"GET", "/v1/a/c/o", {}, {}}).error().code, Code::Corrupt);
}

TEST(StoredName, NeverMeansTwoNames) {
    std::set<std::string> files;
    const std::vector<std::string> names = {"a",
                                            "A",
                                            "%61",
                                            "a~",
                                            "a%7E",
                                            ".",
                                            "..",
                                            "...",
                                            "/",
                                            "//",
                                            "%2F",
                                            std::string(300, 'x'),
                                            std::string(301, 'x'),
                                            std::string(200, 'x')};
    for (const std::string& name : names) {
        const auto file = stored_name(name);
        ASSERT_TRUE(file);
        EXPECT_LE(file->size(), 255U);
        EXPECT_TRUE(files.insert(*file).second) << name;
        EXPECT_EQ(file->find('/'), std::string::npos);
        EXPECT_FALSE(file->starts_with('.'));
        const auto back = name_of_stored(*file);
        EXPECT_EQ(back.value_or(name), name);
    }
}

}  // namespace
}  // namespace sallyport::object
