#include "agent/audit/request_audit.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"
#include "tests/unit/agent/audit/scratch_log.h"

namespace sallyport::audit {
namespace {

using testing_::ScratchLog;

TEST(AuditEventName, ComesFromMethodAndPath) {
    EXPECT_EQ(event_name("POST", "/v1/secrets"), "secret.create");
    EXPECT_EQ(event_name("GET", "/v1/secrets/ID/payload?x"), "secret.payload.read");
    EXPECT_EQ(event_name("PUT", "/v1/secrets/ID"), "secret.update");
    EXPECT_EQ(event_name("DELETE", "/v1/secrets/ID/acl"), "secret.acl.delete");
    EXPECT_EQ(event_name("PATCH", "/v1/containers/ID/acl"), "container.acl.change");
    EXPECT_EQ(event_name("POST", "/v1/orders"), "order.create");
    EXPECT_EQ(event_name("POST", "/sallyport/v1/volumes/open"), "volume.open");
    EXPECT_EQ(event_name("POST", "/sallyport/v1/libvirt/inject"), "libvirt.inject");
    EXPECT_EQ(event_name("POST", "/"), "");
}

struct Answer {
    int status = 200;
    std::vector<api::Header> headers = {{"Content-Type", "application/json"}};
};

class RequestAuditTest : public ::testing::Test {
protected:
    /// How many lines that made.
    std::size_t lines_after(const std::string& method, const std::string& target, Answer answer,
                            std::string_view body = "") {
        const std::size_t before = log_.lines().size();
        api::Request request;
        request.method = method;
        request.target = target;
        request.request_id = "req-1";
        request.body = *SecureBytes::copy_of(bytes_of(body));
        const api::Response response{answer.status, std::move(answer.headers), {}};
        EXPECT_TRUE(audit_.record(request, &caller_, peer_, response));
        return log_.lines().size() - before;
    }
    boost::json::value last() { return boost::json::parse(log_.lines().back()); }

    ScratchLog log_;
    std::unique_ptr<AuditLog> writer_ = log_.open();
    RequestAudit audit_{*writer_};
    core::Caller caller_{UserId("u"), ProjectId("p"), {"creator"}, ""};
    http::Peer peer_{http::Transport::Tcp, "192.0.2.7:40522", {}, {}};
};

TEST_F(RequestAuditTest, WritesEveryChangeAndEveryKeyThatLeaves) {
    EXPECT_EQ(lines_after("GET", "/v1/secrets/ID/payload", {200, {{"Content-Type", "application/octet-stream"}}}), 1U);
    EXPECT_EQ(lines_after("GET", "/v1/secrets/ID", {200, {{"Content-Type", "text/plain; charset=UTF-8"}}}), 1U);
    EXPECT_EQ(lines_after("GET", "/v1/orders/ID", {}), 1U);
    EXPECT_EQ(lines_after("PUT", "/v1/secrets/ID", {204, {}}), 1U);
    EXPECT_EQ(lines_after("DELETE", "/v1/secrets/ID", {204, {}}), 1U);
    EXPECT_EQ(lines_after("PUT", "/v1/secrets/ID/acl", {}), 1U);
    EXPECT_EQ(lines_after("DELETE", "/v1/secrets/ID", {503, {}}), 1U);
    EXPECT_EQ(last().at("outcome"), "failed");
}

TEST_F(RequestAuditTest, NamesWhatWasMade) {
    EXPECT_EQ(lines_after("POST", "/v1/secrets", {201, {{"Location", "http://h/v1/secrets/6f0d"}}}), 1U);
    const auto line = last();
    EXPECT_EQ(line.at("event"), "secret.create");
    EXPECT_EQ(line.at("id"), "6f0d");
    EXPECT_EQ(line.at("user"), "u");
    EXPECT_EQ(line.at("project"), "p");
    EXPECT_EQ(line.at("source"), "192.0.2.7:40522");
    EXPECT_EQ(line.at("request_id"), "req-1");
    EXPECT_EQ(line.at("status"), 201);
}

TEST_F(RequestAuditTest, WritesRefusalsOfReadsToo) {
    EXPECT_EQ(lines_after("GET", "/v1/secrets/ID/payload", {403}), 1U);
    EXPECT_EQ(last().at("outcome"), "refused");
    EXPECT_EQ(lines_after("GET", "/v1/secrets", {403}), 1U);
}

TEST_F(RequestAuditTest, LeavesOutMetadataStrangersAndWhatIsNotThere) {
    EXPECT_EQ(lines_after("GET", "/v1/secrets/ID", {}), 0U);
    EXPECT_EQ(lines_after("GET", "/v1/secrets?limit=1", {}), 0U);
    EXPECT_EQ(lines_after("GET", "/v1/secrets/ID/payload", {404}), 0U);
    EXPECT_EQ(lines_after("DELETE", "/v1/secrets/ID", {401}), 0U);
    EXPECT_EQ(lines_after("GET", "/healthcheck", {}), 0U);
}

TEST_F(RequestAuditTest, NodeRoutesSayWhatWasDoneToWhat) {
    peer_ = {http::Transport::Unix, "unix", http::Peer::Credentials{77, 0, 0, {}}, {}};
    EXPECT_EQ(lines_after("POST", "/sallyport/v1/volumes/open", {},
                          R"({"device": "/dev/sdb", "name": "v1", "secret": "an-id", "read_only": true})"),
              1U);
    const auto line = last();
    EXPECT_EQ(line.at("event"), "volume.open");
    EXPECT_EQ(line.at("device"), "/dev/sdb");
    EXPECT_EQ(line.at("secret"), "an-id");
    EXPECT_EQ(line.at("source"), "unix:uid=0,pid=77");
}

TEST_F(RequestAuditTest, NodeRoutesNameTheProjectThatTheyWorkOn) {
    EXPECT_EQ(lines_after("POST", "/sallyport/v1/life-cycle/remove-project", {}, R"({"project": "gone"})"), 1U);
    EXPECT_EQ(last().at("target_project"), "gone");
    EXPECT_EQ(last().at("project"), "p");
}

TEST_F(RequestAuditTest, NoBodyOfASecretIsEverLookedAt) {
    EXPECT_EQ(lines_after("POST", "/v1/secrets", {201, {}}, R"({"payload": "swordfish", "name": "key"})"), 1U);
    EXPECT_EQ(log_.lines().back().find("swordfish"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::audit
