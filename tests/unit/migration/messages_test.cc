#include "migration/messages.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/vectors/vectors.h"

namespace sallyport::migration::messages {
namespace {

std::string line_of(const Message& message) {
    const std::map<LogLevel, std::string> levels{
        {LogLevel::Info, "INFO"}, {LogLevel::Warning, "WARNING"}, {LogLevel::Error, "ERROR"}};
    return levels.at(message.level) + " " + message.text;
}

TEST(Messages, AreThoseOfCinderWordForWord) {
    const std::string id = "4a6f2b1e-0c6b-4a52-9a44-1b1f3c1f9a10";
    const std::vector<Message> ours{
        too_many_errors(),
        row_failed("Forbidden: Secret creation attempt not allowed"),
        migrating(Kind::Backup, "003002bd-35a0-558b-ad24-d4c51439ee79"),
        migrating(Kind::Volume, "04355bcb-0906-5995-9b37-aceec313fdf2"),
        backups_left(0),
        volumes_left(0),
        key_manager_still_in_use(),
        fixed_key_not_in_use(),
        nothing_on_this_host(),
        starting(),
        backend_not_supported("vault"),
        backups_left(1),
        volumes_left(1),
        no_barbican_client("no route to host"),
        nothing_on_this_host(CinderRelease::Queens),
        migrating(Kind::Volume, id, CinderRelease::Queens),
        migrating(Kind::Volume, id, CinderRelease::Rocky),
    };
    std::ifstream recorded(vectors_path("cinder/messages.txt"));
    std::size_t at = 0;
    for (std::string line; std::getline(recorded, line);) {
        if (line.starts_with("#")) continue;
        ASSERT_LT(at, ours.size());
        EXPECT_EQ(line_of(ours[at++]), line);
    }
    EXPECT_EQ(at, ours.size());
}

}  // namespace
}  // namespace sallyport::migration::messages
