#include "integrations/object/head.h"

#include <algorithm>

namespace sallyport::object {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

struct StatusText {
    int status;
    std::string_view title;
    std::string_view sentence;
};

// The sentences that Swift's clients see and match on.
constexpr StatusText StatusTexts[] = {
    {400, "Bad Request",
     "The server could not comply with the request since it is either malformed or otherwise incorrect."},
    {401, "Unauthorized", "This server could not verify that you are authorized to access the document you requested."},
    {403, "Forbidden", "Access was denied to this resource."},
    {404, "Not Found", "The resource could not be found."},
    {405, "Method Not Allowed", "The method is not allowed for this resource."},
    {409, "Conflict", "There was a conflict when trying to complete your request."},
    {411, "Length Required", "Content-Length header required."},
    {413, "Request Entity Too Large", "The body of your request was too large for this server."},
    {416, "Requested Range Not Satisfiable", "The Range requested is not available."},
    {422, "Unprocessable Entity", "Unable to process the contained instructions"},
    {499, "Client Disconnect", "The client was disconnected during request."},
    {500, "Internal Error", "The server has either erred or is incapable of performing the requested operation."},
    {501, "Not Implemented", "The requested method is not implemented by this server."},
    {502, "Bad Gateway", "Bad gateway."},
    {503, "Service Unavailable", "The server is currently unavailable. Please try again at a later time."},
    {507, "Insufficient Storage", "There was not enough space to save the resource."},
};

std::string html_of(int status) {
    for (const StatusText& text : StatusTexts) {
        if (text.status != status) continue;
        std::string html = "<html><h1>";
        html.append(text.title).append("</h1><p>").append(text.sentence).append("</p></html>");
        return html;
    }
    return {};
}

}  // namespace

const std::string* Headers::find(std::string_view name) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [name](const Entry& entry) { return equal_no_case(entry.first, name); });
    return found == entries_.end() ? nullptr : &found->second;
}

std::string Headers::value_or(std::string_view name, std::string_view fallback) const {
    const std::string* value = find(name);
    return value != nullptr ? *value : std::string(fallback);
}

void Headers::set(std::string_view name, std::string value) {
    const auto same_name = [name](const Entry& entry) { return equal_no_case(entry.first, name); };
    const auto first = std::find_if(entries_.begin(), entries_.end(), same_name);
    if (first == entries_.end()) {
        entries_.emplace_back(name, std::move(value));
        return;
    }
    *first = Entry(name, std::move(value));
    entries_.erase(std::remove_if(first + 1, entries_.end(), same_name), entries_.end());
}

void Headers::remove(std::string_view name) {
    remove_if([name](std::string_view other) { return equal_no_case(other, name); });
}

Answer swift_answer(int status) {
    Answer answer{{status, {}}, html_of(status)};
    answer.head.headers.add("Content-Type", "text/html; charset=UTF-8");
    // RFC 9110, section 8.6: no Content-Length in a 204; in a 304 it would be that of the body that is not sent.
    if (status != 204 && status != 304) answer.head.headers.add("Content-Length", std::to_string(answer.body.size()));
    return answer;
}

Answer text_answer(int status, std::string text) {
    Answer answer{{status, {}}, std::move(text)};
    answer.head.headers.add("Content-Type", "text/plain");
    answer.head.headers.add("Content-Length", std::to_string(answer.body.size()));
    return answer;
}

bool equal_no_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool starts_with_no_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && equal_no_case(text.substr(0, prefix.size()), prefix);
}

std::string title_case(std::string_view name) {
    std::string title;
    title.reserve(name.size());
    bool in_word = false;
    for (const char c : name) {
        title.push_back(c == '_' ? '-' : (in_word ? lower(c) : upper(c)));
        in_word = is_letter(c);
    }
    return title;
}

std::string_view without_quotes(std::string_view tag) {
    if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') return tag.substr(1, tag.size() - 2);
    return tag;
}

}  // namespace sallyport::object
