#include "agent/cli/output.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include <sstream>

namespace sallyport::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class Output : public testing::Test {
protected:
    std::string record(const Record& fields, bool terminal = false) {
        std::ostringstream out;
        const Result<void> written = write_record(context_, fields, out, terminal);
        return written ? out.str() : "error: " + written.error().message;
    }
    std::string list(const std::vector<Record>& rows, bool terminal = false) {
        std::ostringstream out;
        const Result<void> written = write_list(context_, {"Id", "Secret name"}, rows, out, terminal);
        return written ? out.str() : "error: " + written.error().message;
    }

    CliContext context_;
    const Record record_ = {
        {"id", "7"}, {"bits", 256}, {"types", boost::json::object{{"default", "a/b"}}}, {"gone", nullptr}};
    const std::vector<Record> rows_ = {{{"Id", "1"}, {"Secret name", "é"}}, {{"Id", "22"}}};
};

TEST_F(Output, IsATableOnATerminalAndJsonElsewhere) {
    EXPECT_EQ(list(rows_, true),
              "+----+-------------+\n"
              "| Id | Secret name |\n"
              "+----+-------------+\n"
              "| 1  | é           |\n"
              "| 22 | None        |\n"
              "+----+-------------+\n");
    EXPECT_EQ(boost::json::parse(list(rows_)).at(1).at("Secret name"), nullptr);
}

TEST_F(Output, IsATableWhereverItIsAskedFor) {
    context_.format = OutputFormat::Table;
    EXPECT_THAT(record(record_), HasSubstr("| bits  | 256"));
    EXPECT_THAT(record(record_), HasSubstr("| gone  | None"));
}

TEST_F(Output, KeepsTypesInJson) {
    context_.format = OutputFormat::Json;
    const boost::json::value parsed = boost::json::parse(record(record_));
    EXPECT_EQ(parsed, boost::json::value(record_));
}

TEST_F(Output, PrintsBareValues) {
    context_.format = OutputFormat::Value;
    EXPECT_EQ(record(record_), "7\n256\n{\"default\":\"a/b\"}\nNone\n");
    EXPECT_EQ(list(rows_), "1 é\n22 None\n");
}

TEST_F(Output, PrintsYamlThatKeepsTextText) {
    context_.format = OutputFormat::Yaml;
    EXPECT_EQ(record({{"a", "no"}, {"b", true}, {"c", boost::json::object{{"d", 1}}}, {"e", boost::json::object{}}}),
              "a: \"no\"\nb: true\nc:\n  d: 1\ne: {}\n");
    EXPECT_EQ(list(rows_), "- Id: \"1\"\n  Secret name: \"é\"\n- Id: \"22\"\n  Secret name: null\n");
    EXPECT_EQ(list({}), "[]\n");
}

TEST_F(Output, PrintsTheColumnsAskedForInTheirOrder) {
    context_.format = OutputFormat::Value;
    context_.columns = {"secret_NAME", "id"};
    EXPECT_EQ(list(rows_), "é 1\nNone 22\n");
}

TEST_F(Output, CallsAnUnknownColumnWrongUsage) {
    context_.columns = {"colour"};
    EXPECT_EQ(list(rows_), "error: no column colour; there are Id, Secret name");
    EXPECT_EQ(context_.exit_status, ExitStatus::WrongUsage);
}

TEST_F(Output, LetsNoEscapeSequenceReachATerminal) {
    const std::vector<Record> hostile = {{{"Id", "1"}, {"Secret name", "\x1b]0;owned\x07\n"}}};
    for (const OutputFormat format :
         {OutputFormat::Table, OutputFormat::Value, OutputFormat::Json, OutputFormat::Yaml}) {
        context_.format = format;
        EXPECT_THAT(list(hostile, true), Not(HasSubstr("\x1b")));
        EXPECT_THAT(list(hostile, true), Not(HasSubstr("\x07")));
    }
    context_.format = OutputFormat::Value;
    EXPECT_THAT(list(hostile), HasSubstr("\x1b"));  // into a pipe goes what was stored
}

}  // namespace
}  // namespace sallyport::cli
