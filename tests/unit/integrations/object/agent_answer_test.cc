#include "integrations/object/agent_answer.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::object {
namespace {

constexpr std::string_view Whole =
    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\ncontent-length:  12 \r\n\r\n";

TEST(AgentAnswer, IsReadOnceItsHeadIsWhole) {
    for (std::size_t size = 0; size < Whole.size(); ++size) {
        const auto part = read_agent_answer(Whole.substr(0, size));
        ASSERT_TRUE(part) << size;
        EXPECT_FALSE(*part) << size;
    }
    const auto whole = read_agent_answer(std::string(Whole) + "and its body\r\n\r\n");
    ASSERT_TRUE(whole && *whole);
    EXPECT_EQ(**whole, (AgentAnswerHead{200, 12, Whole.size(), true}));
}

TEST(AgentAnswer, TellsWhetherTheConnectionStays) {
    const auto last = read_agent_answer("HTTP/1.1 503 x\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(last && *last);
    EXPECT_EQ((*last)->status, 503);
    EXPECT_FALSE((*last)->stays);
}

TEST(AgentAnswer, IsRefusedIfItIsNoResponseWithALength) {
    for (const char* head :
         {"\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
          "HTTP/1.1 2\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 \r\nContent-Length: 1\r\n\r\n",
          "HTTP/1.1 -20 OK\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"}) {
        EXPECT_FALSE(read_agent_answer(head)) << head;
    }
}

}  // namespace
}  // namespace sallyport::object
