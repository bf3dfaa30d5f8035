#include "agent/lanes/edge_threads.h"

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <future>

namespace sallyport::lanes {
namespace {

TEST(EdgeThreads, RunEachLoopOnItsOwnThread) {
    EdgeThreads edge({.loops = 2});
    edge.start();
    std::promise<EdgeLoop*> first;
    std::promise<EdgeLoop*> second;
    boost::asio::post(edge.context(0), [&first] { first.set_value(EdgeLoop::current()); });
    boost::asio::post(edge.context(1), [&second] { second.set_value(EdgeLoop::current()); });
    EdgeLoop* one = first.get_future().get();
    EdgeLoop* two = second.get_future().get();
    ASSERT_NE(one, nullptr);
    ASSERT_NE(two, nullptr);
    EXPECT_NE(one, two);
    EXPECT_EQ(&one->context(), &edge.context(0));
    EXPECT_EQ(EdgeLoop::current(), nullptr);
}

TEST(EdgeThreads, HaveOneLoopACoreUnlessTold) {
    EdgeThreads edge({});
    EXPECT_GE(edge.size(), 1U);
}

TEST(EdgeThreads, StopTwiceAndWithoutStart) {
    EdgeThreads edge({.loops = 1});
    edge.stop();
    edge.stop();
}

}  // namespace
}  // namespace sallyport::lanes
