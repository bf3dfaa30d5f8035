#include "agent/http/blocking_client.h"

#include <boost/asio.hpp>

#include <future>
#include <thread>
#include <utility>

namespace sallyport::http {

struct BlockingClient::Impl {
    Impl(Endpoint endpoint, const ClientConfig& config)
        : client(std::move(endpoint), config), loop([this] { context.run(); }) {}
    ~Impl() {
        context.stop();
        loop.join();
    }

    asio::awaitable<void> answer(const api::Request& request, std::chrono::milliseconds within,
                                 std::promise<Result<api::Response>>& promise) {
        Result<api::Response> response = co_await client.fetch(request, within);
        promise.set_value(std::move(response));
    }

    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    Client client;  // its connections belong to the context
    std::thread loop;
};

BlockingClient::BlockingClient(Endpoint endpoint, const ClientConfig& config)
    : impl_(std::make_unique<Impl>(std::move(endpoint), config)) {}
BlockingClient::~BlockingClient() = default;

Result<api::Response> BlockingClient::fetch(const api::Request& request, std::chrono::milliseconds within) {
    std::promise<Result<api::Response>> promise;
    std::future<Result<api::Response>> response = promise.get_future();
    asio::co_spawn(impl_->context, impl_->answer(request, within, promise), asio::detached);
    return response.get();
}

const Endpoint& BlockingClient::endpoint() const { return impl_->client.endpoint(); }

}  // namespace sallyport::http
