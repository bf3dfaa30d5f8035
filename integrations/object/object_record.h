#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "integrations/object/head.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::object {

/// What the directory keeps beside a body (object.json) or for a container (.container.json).
struct ObjectRecord {
    std::string name;              ///< of the object, its bytes; of the container
    std::string data_file;         ///< in the same folder; empty for a container
    std::uint64_t size = 0;        ///< of the data
    std::int64_t modified_us = 0;  ///< since 1970, in microseconds
    Headers headers;               ///< title-cased names, each once

    /// "1700000000.00000", as Swift's X-Timestamp.
    std::string x_timestamp() const;
    /// RFC 9110's date, rounded up to the second as Swift does.
    std::string last_modified() const;
    /// "2026-11-22T06:05:42.123456", as in a listing.
    std::string iso_modified() const;
    /// What a listing shows: the override that came with the object, else its ETag.
    std::string listing_etag() const;
};

/// JSON. Names and values are bytes: each byte is written as the character of that number.
std::string to_json(const ObjectRecord& record);
/// Error: `Corrupt`.
Result<ObjectRecord> record_from_json(std::string_view json);
/// Error: as above, `NotFound`, `Io`.
Result<ObjectRecord> load_record(const std::string& path);

/// An HTTP date in seconds since 1970. Error: `InvalidInput`.
Result<std::int64_t> parse_http_date(const std::string& date);

}  // namespace sallyport::object
