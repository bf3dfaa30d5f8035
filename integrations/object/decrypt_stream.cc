#include "integrations/object/decrypt_stream.h"

#include <algorithm>
#include <utility>

#include "integrations/object/byte_range.h"
#include "integrations/object/head.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"

namespace sallyport::object {
namespace {

constexpr std::size_t LargestPartHead = 8192;

Error malformed_multipart() { return Error{Code::Corrupt, "the store's multipart/byteranges body is malformed", {}}; }

/// The length of "bytes 7-9/100": 3.
Result<ByteRange> part_range(std::string_view content_range_header) {
    const std::uint64_t first = TRY(offset_of_content_range(content_range_header));
    const auto hyphen = content_range_header.find('-');
    const auto slash = content_range_header.find('/');
    const std::uint64_t last = TRY(parse_number(content_range_header.substr(hyphen + 1, slash - hyphen - 1)));
    return ByteRange{first, last + 1};
}

/// The Content-Range among the header lines of a part.
Result<ByteRange> range_in(std::string_view head) {
    while (!head.empty()) {
        const auto end = head.find("\r\n");
        const std::string_view line = head.substr(0, end);
        head = end == std::string_view::npos ? "" : head.substr(end + 2);
        const auto colon = line.find(':');
        if (colon != std::string_view::npos && equal_no_case(trimmed(line.substr(0, colon)), "Content-Range")) {
            return part_range(trimmed(line.substr(colon + 1)));
        }
    }
    return malformed_multipart();
}

}  // namespace

Result<SecureBytes> unwrap_body_key(const CryptoMeta& meta, const SecureBytes& object_key) {
    if (!meta.body_key || !meta.body_key->key || !meta.body_key->iv) {
        return Error{Code::Corrupt, "the crypto meta has no body key", {}};
    }
    if (meta.body_key->key->size() != crypto::AesCtr::KeySize) {
        return Error{Code::Corrupt, "the body key has not 32 bytes", {}};
    }
    const crypto::CounterBlock iv = TRY(counter_block(*meta.body_key->iv));
    SecureBytes key = TRY(SecureBytes::copy_of(*meta.body_key->key));
    auto cipher = TRY(crypto::AesCtr::create(object_key, iv));
    TRY(cipher.apply(key.writable()));
    return key;
}

Result<DecryptStream> DecryptStream::whole_or_range(SecureBytes body_key, const crypto::CounterBlock& iv,
                                                    std::uint64_t offset) {
    DecryptStream stream(std::move(body_key), iv);
    stream.cipher_ = TRY(crypto::AesCtr::create(stream.body_key_, iv, offset));
    return stream;
}

Result<DecryptStream> DecryptStream::multipart(SecureBytes body_key, const crypto::CounterBlock& iv,
                                               std::string boundary) {
    DecryptStream stream(std::move(body_key), iv);
    stream.delimiter_ = "--" + std::move(boundary);
    return stream;
}

Result<void> DecryptStream::decrypt(std::span<std::byte> chunk) {
    if (delimiter_.empty()) return cipher_->apply(chunk);
    while (!chunk.empty() && !after_last_) {
        if (part_left_ == 0) {
            chunk = chunk.subspan(TRY(take_part_head(chunk)));
            continue;
        }
        const auto piece = chunk.first(static_cast<std::size_t>(std::min<std::uint64_t>(part_left_, chunk.size())));
        TRY(cipher_->apply(piece));
        part_left_ -= piece.size();
        chunk = chunk.subspan(piece.size());
    }
    return {};
}

Result<void> DecryptStream::decrypt(std::span<const std::byte> in, std::span<std::byte> out) {
    if (delimiter_.empty()) return cipher_->apply(in, out);
    std::ranges::copy(in, out.begin());
    return decrypt(out);
}

/// Collects bytes until the part's head is whole: the delimiter, header lines, an empty line (RFC 2046, section 5.1.1).
/// Returns how many bytes of the chunk belong to it.
Result<std::size_t> DecryptStream::take_part_head(std::span<const std::byte> chunk) {
    const std::size_t before = part_head_.size();
    part_head_.append(text_of(chunk.first(std::min(chunk.size(), LargestPartHead - before))));
    std::string_view head = part_head_;
    // The line break before a delimiter belongs to it; there is none before the first.
    if (head.starts_with("\r\n")) head.remove_prefix(2);
    if (head.starts_with(delimiter_ + "--")) {
        after_last_ = true;
        return chunk.size();
    }
    const std::string_view expected = std::string_view(delimiter_).substr(0, head.size());
    const bool only_line_break = part_head_ == "\r";
    if (!only_line_break && !head.starts_with(expected)) return malformed_multipart();
    const auto end = part_head_.find("\r\n\r\n");
    if (end == std::string::npos) {
        if (part_head_.size() >= LargestPartHead) return malformed_multipart();
        return part_head_.size() - before;
    }
    const std::size_t used = end + 4 - before;
    part_head_.resize(end + 2);
    TRY(begin_part());
    return used;
}

Result<void> DecryptStream::begin_part() {
    const ByteRange range = TRY(range_in(part_head_));
    part_head_.clear();
    cipher_ = TRY(crypto::AesCtr::create(body_key_, iv_, range.begin));
    part_left_ = range.size();
    return {};
}

}  // namespace sallyport::object
