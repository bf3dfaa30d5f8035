#include "agent/node_api/answer.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;

json::value body_of(const api::Response& response) { return json::parse(text_of(response.body.reveal())); }

TEST(Answer, OfASuccessIsItsObject) {
    const api::Response response = answer(json::object{{"dropped", true}});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(body_of(response), json::parse(R"({"dropped": true})"));
}

TEST(Answer, OfAFailureTellsTheAdministratorWhatIsWrong) {
    for (const auto& [code, status] : {std::pair{Code::InvalidInput, 400},
                                       {Code::Forbidden, 403},
                                       {Code::NotFound, 404},
                                       {Code::Conflict, 409},
                                       {Code::Refused, 409},
                                       {Code::WrongKey, 422},
                                       {Code::Io, 500},
                                       {Code::Internal, 500},
                                       {Code::Unavailable, 503}}) {
        const api::Response response = answer(Error{code, "this key opens no key slot", "errno 5"});
        EXPECT_EQ(response.status, status);
        EXPECT_EQ(body_of(response).at("description").as_string(), "this key opens no key slot");
        EXPECT_EQ(body_of(response).at("code").to_number<int>(), status);
    }
}

TEST(Answer, KeepsTheDetailForTheLog) {
    const api::Response response = answer(Error{Code::Io, "cannot read", "sector 7"});
    EXPECT_EQ(text_of(response.body.reveal()).find("sector"), std::string_view::npos);
}

TEST(Answer, AsksToTryAgainWhereThatHelps) {
    const api::Response response = answer(Error{Code::Overloaded, "full", {}});
    EXPECT_EQ(response.headers.back(), (api::Header{"Retry-After", "1"}));
}

}  // namespace
}  // namespace sallyport::node_api
