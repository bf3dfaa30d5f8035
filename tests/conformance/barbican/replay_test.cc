#include <gtest/gtest.h>

#include <cctype>
#include <chrono>
#include <string>
#include <vector>

#include "tests/conformance/barbican/recording.h"
#include "tests/conformance/barbican/world.h"

namespace sallyport::conformance {
namespace {

namespace json = boost::json;

/// Everything that was recorded of the resources that there are. Containers' access lists are a later resource's.
std::vector<Case> all_cases() {
    std::vector<Case> cases;
    for (const char* file :
         {"versions.json", "secrets.json", "secrets-create.json", "secrets-list.json", "orders.json", "acls.json"}) {
        for (Case& one : load_cases(file)) {
            const bool later = one.name.starts_with("container:") || one.name == "a user of another project by ACL";
            if (one.file != "acls" || !later) cases.push_back(std::move(one));
        }
    }
    return cases;
}

std::string test_name(const testing::TestParamInfo<Case>& info) {
    std::string name = info.param.file + "_" + info.param.name + "_" + std::to_string(info.index);
    for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    }
    return name;
}

class Barbican : public testing::TestWithParam<Case> {};

TEST_P(Barbican, AnswersAsRecorded) {
    World world;
    Symbols symbols(world);
    for (const json::value& step : GetParam().steps.as_array()) {
        const json::object& fields = step.as_object();
        if (const json::value* seconds = fields.if_contains("sleep")) {
            world.clock.advance(std::chrono::microseconds(static_cast<long>(seconds->to_number<double>() * 1e6)));
        }
        const json::value& as = fields.at("as");
        const std::string persona = as.is_string() ? std::string(as.as_string()) : std::string();
        const json::value* unordered = fields.if_contains("unordered");
        const json::value got = recorded_form(world.send(persona, request_of(fields.at("request"), symbols)));
        std::vector<std::string> differences;
        symbols.compare(fields.at("response"), got, "", unordered != nullptr && unordered->as_bool(), differences);
        for (const std::string& difference : differences) {
            ADD_FAILURE() << fields.at("request").at("method") << " " << fields.at("request").at("path") << difference;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Recorded, Barbican, testing::ValuesIn(all_cases()), test_name);

}  // namespace
}  // namespace sallyport::conformance
