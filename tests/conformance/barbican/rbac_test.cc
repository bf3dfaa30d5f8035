#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include "keymanager/api/http_message.h"
#include "keymanager/core/policy_report.h"
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

json::value matrix_of(const std::string& file) {
    std::ifstream in(vectors_path("barbican/" + file));
    std::stringstream text;
    text << in.rdbuf();
    return json::parse(text.str()).at("matrix");
}

/// Every request of the matrix, through the router.
void check_requests(const std::string& file, bool new_defaults, const std::string& owner) {
    Cell cell(new_defaults, owner);
    int checked = 0;
    const json::value matrix = matrix_of(file);
    for (const auto& setting : matrix.as_object()) {
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

/// Does a recorded status say that the policy let the request in? What it then met is another matter.
bool was_allowed(std::string_view action, int status) {
    if (status == 404 && action.starts_with("order:")) return false;  // another project's order is not even found
    return status != 403;
}

/// Every cell of the matrix, by the rules alone: the same questions, without the code that serves the requests.
void check_rules(const std::string& file, bool new_defaults, const std::string& owner) {
    const auto policy = core::AccessPolicy::load({}, new_defaults);
    ASSERT_TRUE(policy);
    int checked = 0;
    const json::value matrix = matrix_of(file);
    for (const auto& setting : matrix.as_object()) {
        const std::string_view name = setting.key();
        for (const auto& row : setting.value().as_object()) {
            const std::string_view action = row.key().substr(0, row.key().find(' '));
            for (const auto& cell : row.value().as_object()) {
                const std::string_view persona = cell.key();
                if (persona == "no token") {
                    EXPECT_EQ(cell.value().to_number<int>(), 401);
                    ++checked;
                    continue;
                }
                const core::PolicyQuestion question{.roles = {World::role_of(persona)},
                                                    .own = persona == owner,
                                                    .is_private = name.starts_with("private"),
                                                    .listed = name.find("ACL names") != name.npos,
                                                    .foreign = persona.starts_with("b_")};
                bool allowed = was_allowed(action, cell.value().to_number<int>());
                // Not the policy's doing: a consumer can only be taken away by the project that registered it.
                if (question.listed && question.foreign && action.ends_with("_consumers:delete")) allowed = true;
                EXPECT_EQ(core::answer(*policy, action, question), allowed)
                    << name << ": " << std::string_view(row.key()) << " as " << persona;
                ++checked;
            }
        }
    }
    EXPECT_EQ(checked, 1806);
}

TEST(BarbicanAccess, IsAsRecordedWithTheDefaults) { check_requests("rbac-default.json", false, "a_creator"); }

TEST(BarbicanAccess, IsAsRecordedWithTheNewDefaults) { check_requests("rbac-new-defaults.json", true, "a_member"); }

TEST(BarbicanAccess, FollowsFromTheRulesInEveryRecordedCell) { check_rules("rbac-default.json", false, "a_creator"); }

TEST(BarbicanAccess, FollowsFromTheNewRulesInEveryRecordedCell) {
    check_rules("rbac-new-defaults.json", true, "a_member");
}

}  // namespace
}  // namespace sallyport::conformance
