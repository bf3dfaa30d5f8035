#include "agent/config/schema.h"

#include <gmock/gmock.h>

#include <set>

namespace sallyport::config {
namespace {

void visit(const Section& section, const std::string& path,
           const std::function<void(const Option&, const std::string&)>& look) {
    for (const Option& option : section.options) {
        const std::string here = path.empty() ? option.name : path + "." + option.name;
        look(option, here);
        if (option.members != nullptr) visit(*option.members, here, look);
    }
}

TEST(OptionTable, SaysOfEachOptionWhatItIsFor) {
    visit(all_options(), "", [](const Option& option, const std::string& path) {
        EXPECT_TRUE(option.text.ends_with('.')) << path;
        if (option.shape == Option::Shape::Value) {
            EXPECT_FALSE(option.words.empty()) << path;
        }
    });
}

TEST(OptionTable, DeclaresNoOptionTwice) {
    std::set<std::string> seen;
    visit(all_options(), "",
          [&](const Option&, const std::string& path) { EXPECT_TRUE(seen.insert(path).second) << path; });
    EXPECT_GT(seen.size(), 60U);
}

TEST(OptionTable, CallsInsecureWhatWeakens) {
    visit(all_options(), "", [](const Option& option, const std::string& path) {
        if (option.name.find("insecure") != std::string::npos) {
            EXPECT_TRUE(option.name.starts_with("insecure_")) << path;
        }
    });
}

}  // namespace
}  // namespace sallyport::config
