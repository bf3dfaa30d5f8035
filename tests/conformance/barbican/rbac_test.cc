#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include "keymanager/api/http_message.h"
#include "tests/conformance/barbican/world.h"
#include "tests/vectors/vectors.h"

namespace sallyport::conformance {
namespace {

namespace json = boost::json;

constexpr const char* Payload = R"({"name": "n", "payload": "x", "payload_content_type": "text/plain"})";
constexpr const char* KeyOrder = R"({"type": "key", "meta": {"algorithm": "aes", "bit_length": 256}})";

struct Action {
    std::string method;
    std::string target;  ///< {secret}, {empty} (a secret without payload), {order}
    std::string body;
    std::vector<api::Header> headers;
};

const std::map<std::string, Action, std::less<>>& actions() {
    static const std::map<std::string, Action, std::less<>> known{
        {"secrets:post", {"POST", "/v1/secrets", Payload, {}}},
        {"secrets:get (list)", {"GET", "/v1/secrets", "", {}}},
        {"secret:get (metadata)", {"GET", "/v1/secrets/{secret}", "", {{"Accept", "application/json"}}}},
        {"secret:decrypt (payload)", {"GET", "/v1/secrets/{secret}/payload", "", {}}},
        {"secret:decrypt (Accept)", {"GET", "/v1/secrets/{secret}", "", {{"Accept", "text/plain"}}}},
        {"secret:put", {"PUT", "/v1/secrets/{empty}", "x", {{"Content-Type", "text/plain"}}}},
        {"secret:delete", {"DELETE", "/v1/secrets/{secret}", "", {}}},
        {"secret_acls:get", {"GET", "/v1/secrets/{secret}/acl", "", {}}},
        {"secret_acls:put_patch (PUT)", {"PUT", "/v1/secrets/{secret}/acl", R"({"read": {"users": ["u"]}})", {}}},
        {"secret_acls:put_patch (PATCH)", {"PATCH", "/v1/secrets/{secret}/acl", R"({"read": {"users": ["u"]}})", {}}},
        {"secret_acls:delete", {"DELETE", "/v1/secrets/{secret}/acl", "", {}}},
        {"orders:post", {"POST", "/v1/orders", KeyOrder, {}}},
        {"orders:get (list)", {"GET", "/v1/orders", "", {}}},
        {"orders:put", {"PUT", "/v1/orders", "{}", {}}},
        {"order:get", {"GET", "/v1/orders/{order}", "", {}}},
        {"order:delete", {"DELETE", "/v1/orders/{order}", "", {}}},
    };
    return known;
}

class Cell {
public:
    Cell(bool new_defaults, std::string owner) : world_(new_defaults), owner_(std::move(owner)) {}

    int status(const Action& action, const json::object& personas, std::string_view setting, std::string_view persona) {
        std::string target = action.target;
        replace(target, "{secret}", [&] { return shared_secret(Payload, personas, setting); });
        replace(target, "{empty}", [&] { return shared_secret(R"({"name": "n"})", personas, setting); });
        replace(target, "{order}", [&] { return id_in(world_.send(owner_, "POST", "/v1/orders", KeyOrder)); });
        return world_.send(persona == "no token" ? "" : persona, action.method, target, action.body, action.headers)
            .status;
    }

private:
    static void replace(std::string& target, std::string_view word, const std::function<std::string()>& value) {
        const std::size_t at = target.find(word);
        if (at != std::string::npos) target.replace(at, word.size(), value());
    }

    std::string shared_secret(std::string_view body, const json::object& personas, std::string_view setting) {
        const std::string id = id_in(world_.send(owner_, "POST", "/v1/secrets", body));
        json::object read;
        if (setting.starts_with("private")) read["project-access"] = false;
        if (setting.find("ACL names every persona") != setting.npos) {
            json::array users;
            for (const auto& persona : personas) users.emplace_back(World::user_id(persona.key()));
            read["users"] = users;
        }
        if (!read.empty()) {
            const std::string list = json::serialize(json::object{{"read", read}});
            EXPECT_EQ(world_.send(owner_, "PUT", "/v1/secrets/" + id + "/acl", list).status, 200);
        }
        return id;
    }

    World world_;
    std::string owner_;
};

void check_matrix(const std::string& file, bool new_defaults, const std::string& owner) {
    std::ifstream in(vectors_path("barbican/" + file));
    std::stringstream text;
    text << in.rdbuf();
    const json::value recorded = json::parse(text.str());
    Cell cell(new_defaults, owner);
    int checked = 0;
    for (const auto& setting : recorded.at("matrix").as_object()) {
        for (const auto& row : setting.value().as_object()) {
            const auto action = actions().find(std::string_view(row.key()));
            if (action == actions().end()) continue;
            const json::object& personas = row.value().as_object();
            for (const auto& persona : personas) {
                EXPECT_EQ(cell.status(action->second, personas, setting.key(), persona.key()),
                          persona.value().to_number<int>())
                    << setting.key() << ": " << row.key() << " as " << persona.key();
                ++checked;
            }
        }
    }
    EXPECT_GT(checked, 500);
}

TEST(BarbicanAccess, IsAsRecordedWithTheDefaults) { check_matrix("rbac-default.json", false, "a_creator"); }

TEST(BarbicanAccess, IsAsRecordedWithTheNewDefaults) { check_matrix("rbac-new-defaults.json", true, "a_member"); }

}  // namespace
}  // namespace sallyport::conformance
