#include <utility>

#include "agent/objects/store.h"

namespace sallyport::objects {
namespace {

class LaneCall final : public StoreCall {
public:
    LaneCall(std::unique_ptr<object::StoreExchange> exchange, lanes::Lane& lane)
        : exchange_(std::move(exchange)), lane_(lane) {}

    asio::awaitable<Result<void>> write(std::span<const std::byte> body) override {
        return lane_.run([this, body]() -> Result<void> { return exchange_->write(body); });
    }

    bool is_answered() const override { return false; }

    asio::awaitable<Result<object::ResponseHead>> finish(const object::Headers& footers) override {
        return lane_.run([this, &footers]() -> Result<object::ResponseHead> { return exchange_->finish(footers); });
    }

    asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
        return lane_.run([this, into]() -> Result<std::size_t> { return exchange_->read(into); });
    }

    /// Closing files and removing what was left half-way blocks as well.
    asio::awaitable<void> close() override {
        const Result<void> closed = co_await lane_.run([this]() -> Result<void> {
            exchange_.reset();
            return {};
        });
        // The lane was full or is closing: then here, now.
        if (!closed) exchange_.reset();
    }

private:
    std::unique_ptr<object::StoreExchange> exchange_;
    lanes::Lane& lane_;
};

class LaneStore final : public Store {
public:
    LaneStore(std::unique_ptr<object::Upstream> upstream, lanes::Lane& lane)
        : upstream_(std::move(upstream)), lane_(lane) {}

    asio::awaitable<Result<std::unique_ptr<StoreCall>>> start(const object::RequestHead& request, bool /*has_body*/,
                                                              std::size_t /*footer_room*/) override {
        using Exchange = std::unique_ptr<object::StoreExchange>;
        Result<Exchange> exchange =
            co_await lane_.run([this, &request]() -> Result<Exchange> { return upstream_->start(request); });
        if (!exchange) co_return std::move(exchange).error();
        std::unique_ptr<StoreCall> call = std::make_unique<LaneCall>(std::move(*exchange), lane_);
        co_return std::move(call);
    }

    asio::awaitable<Result<bool>> replace_headers(const object::ObjectPath& path, const object::Headers& seen,
                                                  const object::Headers& replacement) override {
        return lane_.run([this, &path, &seen, &replacement]() -> Result<bool> {
            return upstream_->replace_headers(path, seen, replacement);
        });
    }
    bool can_replace_headers() const override { return true; }

    bool authenticates() const override { return false; }
    bool takes_other_paths() const override { return false; }

private:
    const std::unique_ptr<object::Upstream> upstream_;
    lanes::Lane& lane_;
};

}  // namespace

std::unique_ptr<Store> make_lane_store(std::unique_ptr<object::Upstream> upstream, lanes::Lane& lane) {
    return std::make_unique<LaneStore>(std::move(upstream), lane);
}

}  // namespace sallyport::objects
