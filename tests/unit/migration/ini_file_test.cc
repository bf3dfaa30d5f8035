#include "migration/ini_file.h"

#include <gtest/gtest.h>

#include <string>

#include "keymanager/base/bytes.h"

namespace sallyport::migration {
namespace {

SecureBytes locked(std::string_view text) { return std::move(SecureBytes::copy_of(bytes_of(text))).value(); }

Result<IniFile> parse(std::string_view text) { return IniFile::parse(locked(text), "cinder.conf"); }

/// "group/name=value" of each assignment, "|" between them.
std::string all_of(const IniFile& file) {
    std::string all;
    for (std::size_t i = 0; i < file.assignments().size(); ++i) {
        const IniAssignment& one = file.assignments()[i];
        all += (all.empty() ? "" : "|") + one.group + "/" + one.name + "=";
        all += text_of(file.reveal_value(i));
    }
    return all;
}
std::string all_of(std::string_view text) {
    const auto file = parse(text);
    return file ? all_of(*file) : file.error().message;
}

TEST(IniFile, HasOptionsInGroups) {
    EXPECT_EQ(all_of("[DEFAULT]\na = 1\nb: 2\n\n[ g ]\na=b:c\na:b=c\n"), "DEFAULT/a=1|DEFAULT/b=2| g /a=b:c| g /a=b=c");
    EXPECT_EQ(all_of(""), "");
    EXPECT_EQ(all_of("[g]\na=1"), "g/a=1");
}

TEST(IniFile, JoinsLinesThatContinueAValue) {
    EXPECT_EQ(all_of("[g]\na = 1\n  2 \n\t# 3\nb=\n 4\n"), "g/a=1\n2\n# 3|g/b=\n4");
}

TEST(IniFile, TakesQuotesOffTheFirstLineOnly) {
    EXPECT_EQ(all_of("[g]\na='x'\nb=\"'y'\"\nc=\"x'\nd='\ne='x\n  y'\n"), "g/a=x|g/b='y'|g/c=\"x'|g/d=|g/e='x\ny'");
}

TEST(IniFile, KnowsCommentsAtTheStartOfALineOnly) { EXPECT_EQ(all_of("# x\n;y\n[g]\na=1 # z\n#a=2\n"), "g/a=1 # z"); }

TEST(IniFile, EndsLinesAsPythonDoes) {
    EXPECT_EQ(all_of("[g]\ra=1\r\n  2\r\nb=3\xE2\x80\xA8\xC2\xA0\n"), "g/a=1\n2|g/b=3");
}

TEST(IniFile, KnowsTheBytesAndLinesOfEachAssignment) {
    const std::string text = "[g]\r\n# x\na=1\r\n  2\n\nb=3";
    const auto file = parse(text);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_EQ(file->assignments().size(), 2U);
    const IniAssignment& a = file->assignments()[0];
    EXPECT_EQ(text.substr(a.begin, a.end - a.begin), "a=1\r\n  2\n");
    EXPECT_EQ(a.first_line, 3U);
    EXPECT_EQ(a.last_line, 4U);
    const IniAssignment& b = file->assignments()[1];
    EXPECT_EQ(text.substr(b.begin, b.end - b.begin), "b=3");
    EXPECT_EQ(b.first_line, 6U);
}

TEST(IniFile, SaysFileAndLineOfAMistakeAndNothingOfTheText) {
    const std::string lines = "[key_manager]\nbackend = x\n";
    for (const char* bad : {"fixed_key 5ecde7", " \n  5ecde7", "= 5ecde7", "[5ecde7", "[5ecde7] # x", "# x\n 5ecde7"}) {
        const auto file = parse(lines + bad);
        ASSERT_FALSE(file) << bad;
        EXPECT_EQ(file.error().code, Code::InvalidInput);
        EXPECT_EQ(file.error().message.find("cinder.conf:"), 0U) << file.error().message;
        EXPECT_EQ(file.error().message.find("5ecde7"), std::string::npos) << file.error().message;
    }
    EXPECT_EQ(parse("[g]\nx\n").error().message.find("cinder.conf:2: "), 0U);
    EXPECT_EQ(parse("a=1\n").error().message.find("cinder.conf:1: "), 0U);
    EXPECT_EQ(parse("[]\n").error().message.find("cinder.conf:1: "), 0U);
    EXPECT_EQ(parse("[g]\na=\xFF\n").error().code, Code::InvalidInput);
    EXPECT_EQ(parse("\xEF\xBB\xBF[g]\n").error().code, Code::InvalidInput);
}

}  // namespace
}  // namespace sallyport::migration
