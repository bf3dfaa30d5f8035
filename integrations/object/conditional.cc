#include "integrations/object/conditional.h"

#include <algorithm>

#include "integrations/object/names.h"
#include "integrations/object/object_keys.h"
#include "integrations/object/text.h"

namespace sallyport::object {
namespace {

/// True if there was a tag to mask.
Result<bool> mask(RequestHead& request, std::string_view name, const std::vector<ObjectKeys>& keys) {
    const std::string* header = request.headers.find(name);
    if (header == nullptr || header->empty()) return false;
    std::string masked;
    const auto append = [&masked](std::string_view item) {
        if (!masked.empty()) masked.append(", ");
        masked.append(item);
    };
    bool any = false;
    for (const std::string& tag : entity_tags(*header)) {
        if (tag == "*") {
            append(tag);
            continue;
        }
        append("\"" + tag + "\"");
        for (const ObjectKeys& key : keys) append("\"" + TRY(etag_mac(key.object, tag)) + "\"");
        any = true;
    }
    if (any) request.headers.set(name, masked);
    return any;
}

}  // namespace

std::vector<std::string> entity_tags(std::string_view header) {
    std::vector<std::string> tags;
    while (!header.empty()) {
        const auto comma = header.find(',');
        const std::string_view tag = without_quotes(trimmed(header.substr(0, comma)));
        header = comma == std::string_view::npos ? "" : header.substr(comma + 1);
        const bool known = std::find(tags.begin(), tags.end(), tag) != tags.end();
        if (!tag.empty() && !known) tags.emplace_back(tag);
    }
    return tags;
}

bool matches(std::string_view header, std::string_view etag) {
    const auto tags = entity_tags(header);
    return std::any_of(tags.begin(), tags.end(),
                       [etag](const std::string& tag) { return tag == "*" || tag == without_quotes(etag); });
}

Result<void> mask_conditional_tags(RequestHead& request, const ObjectPath& path, const KeySource& secrets) {
    if (!request.headers.has("If-Match") && !request.headers.has("If-None-Match")) return {};
    std::vector<ObjectKeys> keys;
    for (const std::string& id : secrets.ids()) keys.push_back(TRY(derive_keys(secrets, path, id)));
    const bool match_masked = TRY(mask(request, "If-Match", keys));
    const bool none_match_masked = TRY(mask(request, "If-None-Match", keys));
    if (!match_masked && !none_match_masked) return {};
    std::string names = request.headers.value_or(EtagIsAt, "");
    if (!names.empty()) names.append(",");
    request.headers.set(EtagIsAt, names.append(CryptoEtagMac));
    return {};
}

}  // namespace sallyport::object
