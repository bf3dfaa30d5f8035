#pragma once

#include <boost/asio/generic/stream_protocol.hpp>

#include <memory>

#include "agent/http/byte_stream.h"

namespace sallyport::http {

/// TCP or UNIX: Asio's generic stream socket carries both.
using Socket = asio::generic::stream_protocol::socket;

/// Who is at the other end: the address, and on a UNIX socket the peer's credentials.
Peer peer_of(Socket& socket);

/// ByteStream::cancel and ByteStream::peer_is_gone of a connected socket, whatever runs over it.
void cancel_socket(Socket& socket) noexcept;
bool peer_of_socket_is_gone(Socket& socket) noexcept;

/// A connected socket as it is.
std::unique_ptr<ByteStream> make_socket_stream(Socket socket, Peer peer);

}  // namespace sallyport::http
