#include "integrations/object/object_response.h"

#include "integrations/object/conditional.h"
#include "integrations/object/names.h"
#include "integrations/object/text.h"

namespace sallyport::object {
namespace {

/// The ETag that conditions are about: at the first of the names in X-Backend-Etag-Is-At that the object has.
std::string conditional_etag(const RequestHead& request, const ObjectRecord& record) {
    const std::string header = request.headers.value_or(EtagIsAt, "");
    std::string_view names = header;
    while (!names.empty()) {
        const auto comma = names.find(',');
        const std::string* etag = record.headers.find(trimmed(names.substr(0, comma)));
        if (etag != nullptr) return *etag;
        names = comma == std::string_view::npos ? "" : names.substr(comma + 1);
    }
    return record.headers.value_or("Etag", "");
}

/// 200 if no condition stands against it, else 304 or 412.
int conditional_status(const RequestHead& request, const ObjectRecord& record) {
    const std::string etag = conditional_etag(request, record);
    const std::string* none_match = request.headers.find("If-None-Match");
    const std::string* match = request.headers.find("If-Match");
    if (none_match != nullptr && matches(*none_match, etag)) return 304;
    if (match != nullptr && !entity_tags(*match).empty() && !matches(*match, etag)) return 412;
    const std::int64_t modified = (record.modified_us + 999'999) / 1'000'000;
    const auto modified_since = parse_http_date(request.headers.value_or("If-Modified-Since", ""));
    if (modified_since && modified <= *modified_since) return 304;
    const auto unmodified_since = parse_http_date(request.headers.value_or("If-Unmodified-Since", ""));
    if (unmodified_since && modified > *unmodified_since) return 412;
    return 200;
}

Headers object_headers(const ObjectRecord& record) {
    Headers headers = record.headers;
    headers.set("Content-Length", std::to_string(record.size));
    headers.set("Accept-Ranges", "bytes");
    headers.set("Last-Modified", record.last_modified());
    headers.set("X-Timestamp", record.x_timestamp());
    return headers;
}

/// Several ranges, each with a head of its own (RFC 9110, section 14.6).
void set_multipart_body(ObjectResponse& response, const std::vector<ByteRange>& ranges, std::uint64_t length,
                        const std::string& boundary) {
    const std::string type = response.head.headers.value_or("Content-Type", "application/octet-stream");
    std::uint64_t size = 0;
    const auto add_text = [&](std::string text) {
        size += text.size();
        response.body.emplace_back(std::move(text));
    };
    for (const ByteRange& range : ranges) {
        add_text("--" + boundary + "\r\nContent-Type: " + type + "\r\nContent-Range: " + content_range(range, length) +
                 "\r\n\r\n");
        size += range.size();
        response.body.emplace_back(range);
        add_text("\r\n");
    }
    add_text("--" + boundary + "--");
    response.head.headers.set("Content-Type", "multipart/byteranges;boundary=" + boundary);
    response.head.headers.set("Content-Length", std::to_string(size));
}

void set_unsatisfiable(ObjectResponse& response, std::uint64_t length) {
    Answer answer = swift_answer(416);
    response.head.status = 416;
    response.head.headers.set("Content-Range", "bytes */" + std::to_string(length));
    response.head.headers.set("Content-Length", std::to_string(answer.body.size()));
    response.body.emplace_back(std::move(answer.body));
}

}  // namespace

ObjectResponse respond_with(const RequestHead& request, const ObjectRecord& record, const std::string& boundary) {
    ObjectResponse response{{conditional_status(request, record), object_headers(record)}, {}};
    if (response.head.status != 200) {
        response.head.headers.set("Content-Type", "text/html; charset=UTF-8");
        response.head.headers.set("Content-Length", "0");
        return response;
    }
    if (request.method == "HEAD") return response;
    const RangeChoice choice = choose_ranges(request.headers.find("Range"), record.size);
    switch (choice.kind) {
        case RangeChoice::Kind::Whole: response.body.emplace_back(ByteRange{0, record.size}); return response;
        case RangeChoice::Kind::Unsatisfiable: set_unsatisfiable(response, record.size); return response;
        case RangeChoice::Kind::Some: break;
    }
    response.head.status = 206;
    if (choice.ranges.size() > 1) {
        set_multipart_body(response, choice.ranges, record.size, boundary);
        return response;
    }
    const ByteRange& range = choice.ranges.front();
    response.head.headers.set("Content-Range", content_range(range, record.size));
    response.head.headers.set("Content-Length", std::to_string(range.size()));
    response.body.emplace_back(range);
    return response;
}

}  // namespace sallyport::object
