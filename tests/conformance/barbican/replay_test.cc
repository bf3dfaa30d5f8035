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

/// Everything that was recorded but key pairs on curves, which Barbican's simple_crypto does not make and we do.
std::vector<Case> all_cases() {
    std::vector<Case> cases;
    for (const char* file :
         {"versions.json", "secrets.json", "secrets-create.json", "secrets-list.json", "secret-metadata.json",
          "secret-consumers.json", "acls.json", "containers.json", "container-consumers.json", "orders.json",
          "quotas.json", "transport-keys.json", "secret-stores-disabled.json", "more.json"}) {
        for (Case& one : load_cases(file)) {
            if (one.name != "asymmetric ec 256") cases.push_back(std::move(one));
        }
    }
    return cases;
}

/// Links to other pages as Barbican makes them: ours keep the filters and the sort too (docs/differences.md).
void forget_kept_parameters(json::value& answer) {
    json::object* body = answer.get_object().contains("json") ? answer.at("json").if_object() : nullptr;
    if (body == nullptr) return;
    for (const char* name : {"next", "previous"}) {
        json::value* link = body->if_contains(name);
        if (link == nullptr) continue;
        const std::string_view href = link->get_string();
        const std::size_t paging = href.find("&offset=");
        *link = std::string(href.substr(0, href.find('&', paging + 1)));
    }
}

/// Where Barbican trips over what a client sent, the client is told so (docs/differences.md).
bool is_told_its_mistake(const json::object& recorded, const json::value& got) {
    const auto status = got.at("status").to_number<int>();
    return recorded.at("status").to_number<int>() == 500 && status >= 400 && status < 500 &&
           got.at("json").at("code") == got.at("status");
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
        json::value got = recorded_form(world.send(persona, request_of(fields.at("request"), symbols)));
        if (is_told_its_mistake(fields.at("response").get_object(), got)) continue;
        forget_kept_parameters(got);
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
