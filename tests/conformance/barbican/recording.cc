#include "tests/conformance/barbican/recording.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include "keymanager/api/json.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/utf8.h"
#include "keymanager/base/uuid.h"
#include "tests/vectors/vectors.h"

namespace sallyport::conformance {
namespace {

namespace json = boost::json;

constexpr std::array Headers{"content-type", "location",         "openstack-api-version",  "vary",
                             "allow",        "www-authenticate", "x-openstack-request-id", "content-encoding"};
constexpr std::size_t UuidLength = 36;

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

bool is_time(std::string_view text) {
    static const std::regex time(R"(20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?)");
    return std::regex_match(text.begin(), text.end(), time);
}

bool is_request_id(std::string_view text) { return text.starts_with("req-") && is_uuid(text.substr(4)); }

std::string shown(const json::value& value) { return json::serialize(value).substr(0, 300); }

}  // namespace

std::vector<Case> load_cases(const std::string& file) {
    std::ifstream in(vectors_path("barbican/" + file));
    std::stringstream text;
    text << in.rdbuf();
    const json::value recording = json::parse(text.str());
    std::vector<Case> cases;
    for (const json::value& one : recording.at("cases").as_array()) {
        cases.push_back({file.substr(0, file.find('.')), one.at("name").as_string().c_str(), one.at("steps")});
    }
    return cases;
}

Symbols::Symbols(const World& world) : world_(world) { values_["run"] = random_uuid(); }

const std::string* Symbols::value_of(std::string_view symbol) const {
    const auto known = values_.find(symbol);
    if (known != values_.end()) return &known->second;
    if (symbol == "base") {
        made_ = World::BaseUrl;
    } else if (symbol.starts_with("project:")) {
        made_ = World::project_id(symbol.substr(8));
    } else if (symbol.starts_with("user:")) {
        made_ = World::user_id(symbol.substr(5));
    } else if (symbol.starts_with("now")) {
        const int seconds = std::atoi(std::string(symbol.substr(3)).c_str());
        const auto time = std::chrono::floor<std::chrono::seconds>(world_.clock.now()) + std::chrono::seconds(seconds);
        made_ = to_iso8601(time);
    } else if (symbol.starts_with("repeat:")) {
        made_ = std::string(static_cast<std::size_t>(std::atoi(std::string(symbol.substr(9)).c_str())), symbol[7]);
    } else {
        return nullptr;
    }
    return &made_;
}

std::string Symbols::fill(std::string_view text) const {
    std::string result;
    for (std::size_t open = text.find("{{"); open != text.npos; open = text.find("{{")) {
        const std::size_t close = text.find("}}", open);
        const std::string_view symbol = text.substr(open + 2, close - open - 2);
        const std::string* value = value_of(symbol);
        EXPECT_NE(value, nullptr) << "unbound " << symbol;
        result += text.substr(0, open);
        if (value != nullptr) result += *value;
        text.remove_prefix(close + 2);
    }
    return result + std::string(text);
}

json::value Symbols::fill(const json::value& value) const {
    if (const auto* text = value.if_string()) return json::value(fill(std::string_view(*text)));
    if (const auto* list = value.if_array()) {
        json::array filled;
        for (const json::value& item : *list) filled.push_back(fill(item));
        return filled;
    }
    if (const auto* object = value.if_object()) {
        json::object filled;
        for (const auto& member : *object) filled[fill(std::string_view(member.key()))] = fill(member.value());
        return filled;
    }
    return value;
}

bool Symbols::matches(std::string_view want, std::string_view got) {
    std::map<std::string, std::string, std::less<>> bound;
    for (std::size_t open = want.find("{{"); open != want.npos; open = want.find("{{")) {
        const std::size_t close = want.find("}}", open);
        const std::string_view symbol = want.substr(open + 2, close - open - 2);
        if (!got.starts_with(want.substr(0, open))) return false;
        got.remove_prefix(open);
        if (const std::string* value = value_of(symbol)) {
            if (!got.starts_with(*value)) return false;
            got.remove_prefix(value->size());
        } else {
            if (!is_uuid(got.substr(0, UuidLength))) return false;
            bound.emplace(symbol, got.substr(0, UuidLength));
            got.remove_prefix(UuidLength);
        }
        want.remove_prefix(close + 2);
    }
    if (want != got) return false;
    values_.merge(bound);
    return true;
}

void Symbols::compare_lists(const json::array& want, const json::array& got, const std::string& path, bool unordered,
                            std::vector<std::string>& differences) {
    if (want.size() != got.size()) {
        differences.push_back(path + ": expected " + std::to_string(want.size()) + " items, got " +
                              std::to_string(got.size()));
        return;
    }
    std::vector<const json::value*> rest;
    for (const json::value& item : got) rest.push_back(&item);
    for (std::size_t i = 0; i < want.size(); ++i) {
        if (!unordered) {
            compare(want[i], got[i], path + "[" + std::to_string(i) + "]", unordered, differences);
            continue;
        }
        const auto alike = std::ranges::find_if(rest, [&](const json::value* item) {
            const auto before = values_;
            std::vector<std::string> inner;
            compare(want[i], *item, "", unordered, inner);
            if (!inner.empty()) values_ = before;
            return inner.empty();
        });
        if (alike == rest.end()) {
            differences.push_back(path + "[" + std::to_string(i) + "]: nothing like " + shown(want[i]));
        } else {
            rest.erase(alike);
        }
    }
}

void Symbols::compare(const json::value& want, const json::value& got, const std::string& path, bool unordered,
                      std::vector<std::string>& differences) {
    const auto different = [&] { differences.push_back(path + ": expected " + shown(want) + ", got " + shown(got)); };
    if (want.is_string() && got.is_string()) {
        const std::string_view wanted = want.get_string();
        const std::string_view gotten = got.get_string();
        const bool same = wanted == "{{time}}"         ? is_time(gotten)
                          : wanted == "{{request-id}}" ? is_request_id(gotten)
                                                       : matches(wanted, gotten);
        if (!same) different();
    } else if (want.is_object() && got.is_object()) {
        for (const auto& member : want.get_object()) {
            const json::value* other = got.get_object().if_contains(member.key());
            const std::string inner = path + "." + std::string(member.key());
            if (other == nullptr) {
                differences.push_back(inner + ": missing");
            } else {
                compare(member.value(), *other, inner, unordered, differences);
            }
        }
        for (const auto& member : got.get_object()) {
            if (want.get_object().contains(member.key())) continue;
            differences.push_back(path + "." + std::string(member.key()) + ": unexpected " + shown(member.value()));
        }
    } else if (want.is_array() && got.is_array()) {
        compare_lists(want.get_array(), got.get_array(), path, unordered, differences);
    } else if (want.is_number() && got.is_number()) {
        if (want.to_number<double>() != got.to_number<double>()) different();
    } else if (want != got) {
        different();
    }
}

api::Request request_of(const json::value& recorded, const Symbols& symbols) {
    const json::object& from = recorded.as_object();
    api::Request request;
    request.method = std::string(from.at("method").as_string());
    request.target = symbols.fill(std::string_view(from.at("path").as_string()));
    if (const json::value* headers = from.if_contains("headers")) {
        for (const auto& header : headers->as_object()) {
            request.headers.emplace_back(header.key(), symbols.fill(std::string_view(header.value().as_string())));
        }
    }
    std::string body;
    if (const json::value* value = from.if_contains("json")) {
        body = json::serialize(symbols.fill(*value));
        if (request.header("Content-Type") == nullptr) request.headers.emplace_back("Content-Type", "application/json");
    } else if (const json::value* text = from.if_contains("text")) {
        body = symbols.fill(std::string_view(text->as_string()));
    } else if (const json::value* base64 = from.if_contains("base64")) {
        body = text_of(*from_base64(base64->as_string()));
    }
    request.body = *SecureBytes::copy_of(bytes_of(body));
    return request;
}

json::value recorded_form(const api::Response& response) {
    json::object headers;
    std::string content_type;
    for (const auto& [name, value] : response.headers) {
        const std::string key = lower(name);
        if (std::ranges::find(Headers, key) == Headers.end()) continue;
        headers[key] = value;
        if (key == "content-type") content_type = value;
    }
    json::object form{{"status", response.status}, {"headers", headers}};
    const std::string_view body = text_of(response.body.reveal());
    if (body.empty()) {
        form["empty"] = true;
    } else if (content_type.starts_with("application/json")) {
        form["json"] = json::parse(body);
    } else if (is_utf8(body)) {
        form["text"] = body;
    } else {
        form["base64"] = to_base64(bytes_of(body));
    }
    return form;
}

}  // namespace sallyport::conformance
