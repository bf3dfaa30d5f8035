#include "agent/node_api/attach_json.h"

#include <boost/json.hpp>

#include <optional>
#include <string>

#include "agent/node_api/request_body.h"
#include "agent/node_api/volume_json.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;

Result<bool> flag_at(const json::object& body, std::string_view name) {
    const json::value* value = body.if_contains(name);
    if (value == nullptr || value->is_null()) return false;
    if (!value->is_bool()) return Error{Code::InvalidInput, "'" + std::string(name) + "' must be true or false", {}};
    return value->get_bool();
}

template <class Number>
Result<Number> number_at(const json::object& body, std::string_view name) {
    const json::value* value = body.if_contains(name);
    json::error_code failed;
    const Number number = value != nullptr && value->is_number() ? value->to_number<Number>(failed)
                                                                 : (failed = json::error::not_number, 0);
    if (failed) return Error{Code::InvalidInput, "'" + std::string(name) + "' must be a whole number", {}};
    return number;
}

}  // namespace

Result<volume::PlainOptions> plain_from(const json::value& value) {
    if (!value.is_object()) return Error{Code::InvalidInput, "'plain' must be an object", {}};
    const json::object& body = value.get_object();
    volume::PlainOptions plain;
    plain.hash = TRY(required_text(body, "hash"));
    plain.cipher = TRY(required_text(body, "cipher"));
    plain.key_bits = TRY(number_at<unsigned>(body, "key_size"));
    if (body.contains("offset")) plain.offset = TRY(number_at<std::uint64_t>(body, "offset"));
    return plain;
}

json::object to_json(const volume::PlainOptions& plain) {
    return {{"hash", plain.hash}, {"cipher", plain.cipher}, {"key_size", plain.key_bits}, {"offset", plain.offset}};
}

json::object to_json(const volume::AttachRequest& request) {
    json::object body{{"device", request.path.str()},
                      {"link", request.replace_link},
                      {"read_only", request.open.read_only},
                      {"allow_discards", request.open.allow_discards},
                      {"first_use", request.first_use.has_value()}};
    if (request.name) body["name"] = request.name->str();
    if (!request.multipath_id.empty()) body["multipath_id"] = request.multipath_id;
    if (request.open.header) body["header"] = request.open.header->str();
    if (request.open.plain) body["plain"] = to_json(*request.open.plain);
    return body;
}

Result<volume::AttachRequest> attach_request_from(const json::object& body, volume::UnlockProfile default_profile) {
    volume::AttachRequest request { .path = volume::DevicePath(TRY(required_text(body, "device"))) };
    if (const auto name = TRY(optional_text(body, "name"))) request.name = volume::MappingName(*name);
    request.multipath_id = TRY(optional_text(body, "multipath_id"))
    .value_or("");
    request.replace_link = TRY(flag_at(body, "link"));
    request.open.read_only = TRY(flag_at(body, "read_only"));
    request.open.allow_discards = TRY(flag_at(body, "allow_discards"));
    if (const auto header = TRY(optional_text(body, "header"))) request.open.header = volume::DevicePath(*header);
    if (const json::value* plain = body.if_contains("plain")) request.open.plain = TRY(plain_from(*plain));
    if (TRY(flag_at(body, "first_use"))) request.first_use = TRY(format_options_from(body, default_profile));
    return request;
}

json::object to_json(const volume::Mapping& mapping, const std::string& link) {
    json::object object = to_json(mapping);
    if (!link.empty()) object["link"] = link;
    return object;
}

json::object to_json(const volume::Attachment& attachment) {
    json::object object = to_json(attachment.mapping, attachment.link);
    object["adopted"] = attachment.adopted;
    object["formatted"] = attachment.formatted;
    return object;
}

}  // namespace sallyport::node_api
