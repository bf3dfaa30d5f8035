#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "agent/http/byte_stream.h"
#include "agent/http/parser.h"

namespace sallyport::http {

/// One connection to a server, between two calls or in one. Used on its executor only.
struct Link {
    std::unique_ptr<ByteStream> stream;
    asio::any_io_executor executor;
    MessageParser parser{MessageParser::Role::Client};
};

/// The connections that are kept open for later calls. Thread-safe.
class LinkPool {
public:
    explicit LinkPool(std::size_t most) : most_(most) {}

    /// One that belongs to this executor and whose server has not closed it; the one that was used last. nullptr: none.
    std::unique_ptr<Link> take(const asio::any_io_executor& executor);
    void keep(std::unique_ptr<Link> link);

private:
    std::unique_ptr<Link> take_any(const asio::any_io_executor& executor);

    const std::size_t most_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Link>> idle_;
};

}  // namespace sallyport::http
