#include "integrations/object/object_record.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <array>
#include <ctime>

#include "integrations/object/file.h"
#include "integrations/object/names.h"
#include "integrations/object/text.h"

namespace sallyport::object {
namespace {

namespace json = boost::json;

// 64 KiB of headers at most reach the store; two bytes for each in UTF-8, and escapes.
constexpr std::size_t LargestRecord = 1024 * 1024;
constexpr std::int64_t Million = 1'000'000;

std::tm utc(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    return parts;
}

std::string http_date(const std::tm& parts) {
    std::array<char, 64> text{};
    return std::string(text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

std::string iso_date(const std::tm& parts) {
    std::array<char, 64> text{};
    return std::string(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts));
}

Error corrupt() { return Error{Code::Corrupt, "the metadata file of an object is damaged", {}}; }

Result<std::string> text_member(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const json::string* text = value == nullptr ? nullptr : value->if_string();
    if (text == nullptr) return corrupt();
    auto bytes = utf8_as_latin1({text->data(), text->size()});
    if (!bytes) return corrupt();
    return bytes;
}

Result<std::int64_t> number_member(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const std::int64_t* number = value == nullptr ? nullptr : value->if_int64();
    if (number == nullptr || *number < 0) return corrupt();
    return *number;
}

}  // namespace

std::string ObjectRecord::x_timestamp() const {
    return fmt::format("{:010}.{:05}", modified_us / Million, modified_us % Million / 10);
}

std::string ObjectRecord::last_modified() const { return http_date(utc((modified_us + Million - 1) / Million)); }

std::string ObjectRecord::iso_modified() const {
    return iso_date(utc(modified_us / Million)) + fmt::format(".{:06}", modified_us % Million);
}

std::string ObjectRecord::listing_etag() const {
    const std::string override_etag = headers.value_or(ListingEtag, "");
    return override_etag.empty() ? headers.value_or("Etag", "") : override_etag;
}

std::string to_json(const ObjectRecord& record) {
    json::object headers;
    for (const auto& [name, value] : record.headers) headers[latin1_as_utf8(name)] = latin1_as_utf8(value);
    json::object object;
    object["format"] = "sallyport-object/1";
    object["name"] = latin1_as_utf8(record.name);
    object["data"] = record.data_file;
    object["size"] = static_cast<std::int64_t>(record.size);
    object["modified_us"] = record.modified_us;
    object["headers"] = std::move(headers);
    return std::string(json::serialize(object)) + "\n";
}

Result<ObjectRecord> record_from_json(std::string_view text) {
    std::array<unsigned char, 8192> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
    json::monotonic_resource memory(room.data(), room.size());
    json::error_code failed;
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()), failed, &memory);
    const json::object* object = failed ? nullptr : parsed.if_object();
    if (object == nullptr) return corrupt();
    ObjectRecord record;
    record.name = TRY(text_member(*object, "name"));
    record.data_file = TRY(text_member(*object, "data"));
    if (record.data_file.find('/') != std::string::npos) return corrupt();
    record.size = static_cast<std::uint64_t>(TRY(number_member(*object, "size")));
    record.modified_us = TRY(number_member(*object, "modified_us"));
    const json::value* headers = object->if_contains("headers");
    if (headers == nullptr || !headers->is_object()) return corrupt();
    for (const auto& member : headers->get_object()) {
        const std::string_view key(member.key().data(), member.key().size());
        const auto name = utf8_as_latin1(key);
        if (!name) return corrupt();
        std::string value = TRY(text_member(headers->get_object(), key));
        record.headers.add(*name, std::move(value));
    }
    return record;
}

Result<ObjectRecord> load_record(const std::string& path) {
    const std::string text = TRY(read_small_file(path, LargestRecord));
    return record_from_json(text);
}

Result<std::int64_t> parse_http_date(const std::string& date) {
    std::tm parts{};
    const char* end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (end == nullptr || *end != '\0') return Error{Code::InvalidInput, "not an HTTP date", {}};
    return static_cast<std::int64_t>(::timegm(&parts));
}

}  // namespace sallyport::object
