#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/api/http_message.h"
#include "keymanager/base/result.h"

namespace sallyport::http {

/// What the head of a message says about how its body comes and how the connection goes on.
struct Framing {
    int version = 11;  ///< 10 or 11
    bool keep_alive = true;
    bool chunked = false;
    bool expects_continue = false;
    bool until_close = false;             ///< a response whose body ends with the connection
    std::optional<std::uint64_t> length;  ///< Content-Length

    bool has_body() const { return chunked || until_close || length.value_or(0) > 0; }
};

/// How far a piece of a chunked body got.
struct ChunkProgress {
    std::size_t consumed = 0;  ///< of the raw bytes
    std::size_t produced = 0;  ///< body bytes written
    bool done = false;         ///< the last chunk and its trailer are in
};

/// Where a head ends in what has come in so far.
struct HeadScan {
    enum class State { NeedMore, Complete, Broken } state = State::NeedMore;
    std::size_t length = 0;  ///< Complete: bytes up to and including the blank line
};
/// Looks for the end of the head from `scanned` on, which it moves. Broken: a CR or LF on its own, or a folded line
/// (RFC 9112, sections 2.2 and 5.2): parsers disagree on them, which is how requests are smuggled.
HeadScan scan_head(std::string_view bytes, std::size_t& scanned);

/// A parser of one message at a time; Beast does the work. Headers come out in order, names as sent.
class MessageParser {
public:
    enum class Role { Server, Client };
    explicit MessageParser(Role role);
    ~MessageParser();

    /// Parses a complete head. Error: `InvalidInput` for one that is broken or ambiguous (RFC 9112, sections 3.2, 5.1
    /// and 6), `TooLarge` for too many headers, `Refused` for a transfer coding that we do not know.
    Result<Framing> parse_request_head(std::string_view block, api::Request& into);
    /// `to_head`: the request was a HEAD, so no body follows. 1xx answers are heads like any other.
    Result<Framing> parse_response_head(std::string_view block, bool to_head, api::Response& into);

    /// Decodes a piece of the chunked body of the message whose head was parsed last, into `into` as far as that goes.
    /// Error: `InvalidInput` for broken framing. Consumes nothing if it needs more raw bytes than it was given.
    Result<ChunkProgress> parse_chunked(std::span<const std::byte> raw, std::span<std::byte> into);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// "Not Found" for 404; "Unknown" for what is not in the registry.
std::string_view reason_of(int status);

}  // namespace sallyport::http
