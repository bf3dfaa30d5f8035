#include "integrations/object/listing_query.h"

#include <boost/json.hpp>

#include "integrations/object/text.h"

namespace sallyport::object {
namespace {

namespace json = boost::json;

constexpr std::size_t MostNames = 10000;

std::string xml_escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out.append("&amp;"); break;
            case '<': out.append("&lt;"); break;
            case '>': out.append("&gt;"); break;
            case '"': out.append("&quot;"); break;
            default: out.push_back(c);
        }
    }
    return out;
}

std::string text_of_value(const json::value& value) {
    if (const json::string* text = value.if_string()) return std::string(text->data(), text->size());
    return json::serialize(value);
}

Result<json::array> entries_of(const std::string& listing) {
    json::error_code failed;
    json::value parsed = json::parse(listing, failed);
    json::array* entries = failed ? nullptr : parsed.if_array();
    if (entries == nullptr) return Error{Code::Corrupt, "the listing is not a JSON array", {}};
    for (const json::value& entry : *entries) {
        const json::object* object = entry.if_object();
        if (object == nullptr || !(object->contains("name") || object->contains("subdir"))) {
            return Error{Code::Corrupt, "an entry of the listing has no name", {}};
        }
    }
    return std::move(*entries);
}

void append_element(std::string& xml, std::string_view element, std::string_view text) {
    xml.append("<").append(element).append(">").append(xml_escaped(text)).append("</").append(element).append(">");
}

}  // namespace

Result<ListingQuery> ListingQuery::parse(const std::map<std::string, std::string>& query) {
    const auto value_of = [&query](const char* name) {
        const auto found = query.find(name);
        return found == query.end() ? std::string() : found->second;
    };
    ListingQuery parsed{value_of("prefix"), value_of("marker"), value_of("end_marker"), value_of("delimiter")};
    const std::string limit = value_of("limit");
    if (limit.empty()) return parsed;
    const auto number = parse_number(limit);
    if (!number || *number > MostNames) {
        return Error{Code::InvalidInput, "Maximum limit is " + std::to_string(MostNames), {}};
    }
    parsed.limit = static_cast<std::size_t>(*number);
    return parsed;
}

std::vector<ListedName> select_names(const std::vector<std::string>& sorted, const ListingQuery& query) {
    std::vector<ListedName> selected;
    for (const std::string& name : sorted) {
        if (selected.size() >= query.limit) break;
        if (!name.starts_with(query.prefix)) continue;
        if (!query.end_marker.empty() && name >= query.end_marker) break;
        if (!query.delimiter.empty()) {
            const auto end = name.find(query.delimiter, query.prefix.size());
            if (end != std::string::npos) {
                const std::string subdir = name.substr(0, end + query.delimiter.size());
                const bool shown = !selected.empty() && selected.back().subdir && selected.back().name == subdir;
                if (!shown && subdir > query.marker) selected.push_back({subdir, true});
                continue;
            }
        }
        if (name > query.marker) selected.push_back({name, false});
    }
    return selected;
}

Result<std::string> listing_as_xml(const std::string& listing, const std::string& element, const std::string& name) {
    const json::array entries = TRY(entries_of(listing));
    const std::string_view item = element == "account" ? "container" : "object";
    std::string xml =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<" + element + " name=\"" + xml_escaped(name) + "\">";
    for (const json::value& entry : entries) {
        const json::object& object = entry.get_object();
        if (const json::value* subdir = object.if_contains("subdir")) {
            const std::string text = text_of_value(*subdir);
            xml.append("<subdir name=\"").append(xml_escaped(text)).append("\">");
            append_element(xml, "name", text);
            xml.append("</subdir>");
            continue;
        }
        xml.append("<").append(item).append(">");
        for (const char* field : {"name", "hash", "count", "bytes", "content_type", "last_modified"}) {
            if (const json::value* value = object.if_contains(field)) append_element(xml, field, text_of_value(*value));
        }
        xml.append("</").append(item).append(">");
    }
    return xml + "</" + element + ">";
}

Result<std::string> listing_as_text(const std::string& listing) {
    const json::array entries = TRY(entries_of(listing));
    std::string text;
    for (const json::value& entry : entries) {
        const json::object& object = entry.get_object();
        const json::value* name = object.if_contains("name");
        text.append(text_of_value(name != nullptr ? *name : object.at("subdir"))).append("\n");
    }
    return text;
}

}  // namespace sallyport::object
