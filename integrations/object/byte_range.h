#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"

namespace sallyport::object {

/// Bytes [begin, end) of a body.
struct ByteRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    std::uint64_t size() const { return end - begin; }
    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// What a Range header asks of a body of a known length.
struct RangeChoice {
    enum class Kind {
        Whole,          ///< no Range, or one that has to be ignored: answer 200
        Some,           ///< answer 206 with `ranges` (at least one)
        Unsatisfiable,  ///< answer 416
    };
    Kind kind = Kind::Whole;
    std::vector<ByteRange> ranges;
};

/// Applies a Range header (RFC 9110, section 14) as Swift does: a set with a malformed member is ignored whole; parts
/// beyond the end are dropped; over 50 parts, over 2 overlaps, or 8 parts out of order are refused.
RangeChoice choose_ranges(const std::string* header, std::uint64_t length);

/// "bytes 0-9/100".
std::string content_range(const ByteRange& range, std::uint64_t length);

/// The first byte's number of a Content-Range: 7 of "bytes 7-9/100". Error: `Corrupt`.
Result<std::uint64_t> offset_of_content_range(std::string_view header);

/// The boundary parameter of "multipart/byteranges;boundary=...". Nothing for another type.
/// Error: `Corrupt` if it is that type and has no boundary.
Result<std::optional<std::string>> multipart_boundary(std::string_view content_type);

}  // namespace sallyport::object
