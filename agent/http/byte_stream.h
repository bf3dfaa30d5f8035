#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "agent/http/peer.h"
#include "keymanager/base/result.h"

namespace sallyport::http {

namespace asio = boost::asio;

/// How far a read or write got.
struct Transfer {
    boost::system::error_code error;  ///< asio::error::eof for an orderly end
    std::size_t bytes = 0;
};

/// A connected stream of bytes: TCP, UNIX socket or TLS. Used from one event loop, by one reader and one writer at a
/// time; destroying it closes the connection.
class ByteStream {
public:
    virtual ~ByteStream() = default;
    /// At least one byte, or an error.
    virtual asio::awaitable<Transfer> read_some(asio::mutable_buffer into) = 0;
    /// At least one byte of them, in order, or an error.
    virtual asio::awaitable<Transfer> write_some(std::span<const asio::const_buffer> from) = 0;

    /// No more writes: the peer sees the end of the stream (TLS: close_notify as far as it goes without waiting).
    virtual void shut_down_sending() noexcept = 0;
    /// Ends pending reads and writes with an error, now. The way for a deadline to interrupt.
    virtual void cancel() noexcept = 0;
    /// True if the peer has closed or reset the connection. Never waits.
    virtual bool peer_is_gone() noexcept = 0;
    virtual const Peer& peer() const noexcept = 0;
};

/// All of `from`, or an error. `from` is used up.
asio::awaitable<Transfer> write_all(ByteStream& stream, std::span<asio::const_buffer> from);

}  // namespace sallyport::http
