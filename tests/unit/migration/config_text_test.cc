#include "migration/config_text.h"

#include <unistd.h>

#include "keymanager/base/bytes.h"
#include "tests/unit/migration/config_folder.h"

namespace sallyport::migration {
namespace {

class ConfigText : public ConfigFolder {};

TEST_F(ConfigText, IsTheWholeFileWhoeverMayReadIt) {
    const std::string path = write("cinder.conf", std::string(300'000, '#') + "\n");
    ::chmod(path.c_str(), 0644);
    const auto text = read_config_text(path);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->size(), 300'001U);
    EXPECT_EQ(read_config_text(write("empty", ""))->size(), 0U);
}

TEST_F(ConfigText, ComesThroughAPipeToo) {
    const std::string at = path("pipe");
    ASSERT_EQ(::mkfifo(at.c_str(), 0600), 0);
    const pid_t writer = ::fork();
    if (writer == 0) {
        std::ofstream(at) << "[DEFAULT]\na=1\n";
        ::_exit(0);
    }
    const auto text = read_config_text(at);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text_of(text->reveal()), "[DEFAULT]\na=1\n");
}

TEST_F(ConfigText, SaysWhichFileItCannotRead) {
    const auto refusal = [](const std::string& path) {
        const auto text = read_config_text(path);
        if (text) return Code::Internal;
        EXPECT_NE(text.error().message.find(path), std::string::npos) << text.error().message;
        return text.error().code;
    };
    EXPECT_EQ(refusal(path("nothing")), Code::NotFound);
    EXPECT_EQ(refusal(std::filesystem::path(path("x")).parent_path()), Code::Io);
    EXPECT_EQ(refusal(write("huge", std::string(1024 * 1024 + 1, '#'))), Code::TooLarge);
    EXPECT_TRUE(read_config_text(write("large", std::string(1024 * 1024, '#'))));
}

TEST_F(ConfigText, OfAFolderIsItsConfFilesByName) {
    for (const char* name : {"b.conf", "a.conf", "Z.conf", ".hidden.conf", "a.conf.rpmsave", "conf"}) {
        write(std::string("folder/") + name, "");
    }
    const auto files = config_files_at(path("folder"));
    ASSERT_TRUE(files) << files.error().message;
    EXPECT_EQ(*files, (std::vector<std::string>{path("folder/Z.conf"), path("folder/a.conf"), path("folder/b.conf")}));
    EXPECT_EQ(*config_files_at(path("folder/conf")), std::vector<std::string>{path("folder/conf")});
    EXPECT_EQ(config_files_at(path("nothing")).error().code, Code::NotFound);
}

}  // namespace
}  // namespace sallyport::migration
