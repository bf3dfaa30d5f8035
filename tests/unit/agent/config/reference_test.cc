#include <gmock/gmock.h>

#include <regex>
#include <sstream>

#include "agent/config/config.h"
#include "tests/unit/agent/config/temporary_folder.h"
#include "tests/vectors/vectors.h"

namespace sallyport::config {
namespace {

std::string text_of_file(const std::string& path) {
    std::ifstream file(source_path(path));
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(Reference, FullYamlInEtcIsTheTable) {
    EXPECT_EQ(text_of_file("etc/agent_full.yaml"), full_yaml())
        << "sallyport generate-config > etc/agent_full.yaml makes it anew";
}

TEST(Reference, PageInDocsIsTheTable) {
    EXPECT_EQ(text_of_file("docs/configuration.md"), reference_markdown())
        << "sallyport generate-config --reference > docs/configuration.md makes it anew";
}

TEST(Reference, FullYamlIsGoodOnceItsExamplesAreUncommented) {
    const TemporaryFolder folder;
    const std::string secret = folder.file("secret", "x");
    std::string yaml = std::regex_replace(full_yaml(), std::regex("\n#(?! [^ ])"), "\n");
    yaml = std::regex_replace(yaml, std::regex("/etc/[a-z/.-]+"), secret);
    // Of what excludes each other, one.
    for (const char* const other : {"    unix: /run/sallyport/agent.sock\n", "      user: nova\n", "      gid: 64055\n",
                                    "      group: libvirt-qemu\n"}) {
        ASSERT_NE(yaml.find(other), std::string::npos) << other;
        yaml.erase(yaml.find(other), std::string_view(other).size());
    }
    const Checked checked = check_text(yaml, "agent_full.yaml");
    for (const Problem& problem : checked.problems) ADD_FAILURE() << problem.text();
    EXPECT_TRUE(checked.config.auth.keystone.has_value());
    EXPECT_TRUE(checked.config.objects.has_value());
}

TEST(Reference, ShortConfigurationInEtcIsGood) {
    const TemporaryFolder folder;
    const std::string kek = folder.file("kek", "x", 0400);
    for (const std::string name : {"agent.yaml", "node.yaml"}) {
        const std::string yaml = std::regex_replace(text_of_file("etc/" + name), std::regex("/etc/sallyport/kek"), kek);
        const Checked checked = check_text(yaml, name);
        EXPECT_THAT(checked.problems, testing::IsEmpty()) << name;
        EXPECT_THAT(checked.warnings, testing::IsEmpty()) << name;
    }
}

}  // namespace
}  // namespace sallyport::config
