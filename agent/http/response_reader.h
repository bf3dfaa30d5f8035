#pragma once

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/http/link.h"
#include "agent/http/parser.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::http {

/// Where a reader keeps what it has read ahead: in locked memory ...
struct LockedBuffer {
    SecureBytes bytes;
    Result<void> resize(std::size_t size) {
        SecureBytes larger = TRY(SecureBytes::of_size(size));
        std::ranges::copy(bytes.reveal(), larger.writable().begin());
        bytes = std::move(larger);
        return {};
    }
    std::span<std::byte> all() { return bytes.writable(); }
};
/// ... or, where nothing that passes is secret, on the heap.
struct PlainBuffer {
    std::vector<std::byte> bytes;
    Result<void> resize(std::size_t size) {
        bytes.resize(size);
        return {};
    }
    std::span<std::byte> all() { return bytes; }
};

/// Reads one answer after the other from a connection: the head, then the body in pieces. `server` names it in errors;
/// a head of `head_bytes` or more is too long. Error of all: `Unavailable` when the connection is lost or its server
/// too slow, `Corrupt` for what is no HTTP.
template <class Buffer>
class ResponseReader {
public:
    ResponseReader(Link& link, std::string server, std::size_t head_bytes)
        : link_(link), server_(std::move(server)), head_bytes_(head_bytes) {}

    /// Makes room. Error: `Overloaded`.
    Result<void> prepare(std::size_t first) { return buffer_.resize(first); }

    /// The next head, an interim answer's (1xx; RFC 9110, section 15.2) like any other.
    asio::awaitable<Result<Framing>> read_any_head(bool to_head, api::Response& response) {
        std::size_t scanned = 0;
        HeadScan scan = scan_head(text_of(buffered()), scanned);
        while (scan.state == HeadScan::State::NeedMore) {
            const Result<std::size_t> got = co_await fill();
            if (!got) co_return got.error();
            scan = scan_head(text_of(buffered()), scanned);
        }
        if (scan.state == HeadScan::State::Broken) co_return not_http("a line does not end in CR LF");
        const Result<Framing> framing =
            link_.parser.parse_response_head(text_of(buffered().first(scan.length)), to_head, response);
        begin_ += scan.length;
        if (!framing) co_return not_http(framing.error().message);
        co_return *framing;
    }

    /// The head of the real answer.
    asio::awaitable<Result<Framing>> read_head(bool to_head, api::Response& response) {
        for (;;) {
            Result<Framing> framing = co_await read_any_head(to_head, response);
            if (!framing || response.status / 100 != 1) co_return framing;
        }
    }

    /// The next bytes of the body, at least one unless `done`. The caller counts the bytes of a Content-Length.
    asio::awaitable<Result<std::size_t>> read_piece(const Framing& framing, std::span<std::byte> into, bool& done) {
        for (;;) {
            const std::span<std::byte> here = buffered();
            if (!here.empty() && framing.chunked) {
                const Result<ChunkProgress> progress = link_.parser.parse_chunked(here, into);
                if (!progress) co_return not_http(progress.error().message);
                wipe(here.first(progress->consumed));
                begin_ += progress->consumed;
                done = progress->done;
                if (progress->produced > 0 || done) co_return progress->produced;
            } else if (!here.empty()) {
                const std::size_t n = std::min(here.size(), into.size());
                std::memcpy(into.data(), here.data(), n);
                wipe(here.first(n));
                begin_ += n;
                co_return n;
            }
            if (!framing.chunked) {
                const Transfer got = co_await link_.stream->read_some({into.data(), into.size()});
                if (!got.error) co_return got.bytes;
                done = framing.until_close && got.error == asio::error::eof;
                if (done) co_return std::size_t{0};
                co_return lost(got);
            }
            const Result<std::size_t> got = co_await fill();
            if (!got) co_return got.error();
        }
    }

    /// Something of an answer has come in.
    bool began() const { return began_; }
    /// Nothing is left over: the connection may be used again.
    bool is_empty() const { return begin_ == end_; }

    Error lost(const Transfer& transfer) const {
        return {Code::Unavailable, "the connection to " + server_ + " is lost", transfer.error.message()};
    }

private:
    std::span<std::byte> buffered() { return buffer_.all().subspan(begin_, end_ - begin_); }

    asio::awaitable<Result<std::size_t>> fill() {
        if (begin_ == end_) begin_ = end_ = 0;
        if (end_ == buffer_.all().size() && begin_ > 0) {
            std::memmove(buffer_.all().data(), buffer_.all().data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (end_ == buffer_.all().size()) {
            if (end_ >= head_bytes_) co_return not_http("its head is too long");
            const Result<void> grown = buffer_.resize(std::max<std::size_t>(4096, end_ * 2));
            if (!grown) co_return grown.error();
        }
        const std::span<std::byte> room = buffer_.all().subspan(end_);
        const Transfer got = co_await link_.stream->read_some({room.data(), room.size()});
        if (got.error) co_return lost(got);
        end_ += got.bytes;
        began_ = true;
        co_return got.bytes;
    }

    Error not_http(const std::string& why) const {
        return Error{Code::Corrupt, server_ + " does not answer in HTTP", why};
    }

    Link& link_;
    const std::string server_;
    const std::size_t head_bytes_;
    Buffer buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool began_ = false;
};

}  // namespace sallyport::http
