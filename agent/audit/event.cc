#include "agent/audit/event.h"

#include <array>

namespace sallyport::audit {
namespace {

constexpr std::size_t LongestText = 256;

std::string_view word_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Done: return "done";
        case Outcome::Refused: return "refused";
        case Outcome::Failed: return "failed";
    }
    return "failed";
}

/// Plain ASCII comes out as it is, every other byte as \u00XX: whatever clients send, a line is one line of valid JSON.
void append_text(std::string& out, std::string_view text) {
    constexpr std::string_view Digits = "0123456789abcdef";
    const bool is_cut = text.size() > LongestText;
    out += '"';
    for (const char c : text.substr(0, LongestText)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7f) {
            out += "\\u00";
            out += Digits[byte >> 4U];
            out += Digits[byte & 0xfU];
        } else {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
    }
    if (is_cut) out += "...";
    out += '"';
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out += ",\"";
    out += name;
    out += "\":";
    append_text(out, value);
}

}  // namespace

void append_event(std::string& out, std::uint64_t sequence, Timestamp time, const Event& event) {
    out += "{\"seq\":";
    out += std::to_string(sequence);
    out += ",\"time\":\"";
    out += to_iso8601(time);
    out += "Z\"";
    append_member(out, "event", event.name);
    append_member(out, "outcome", word_of(event.outcome));
    if (event.status != 0) {
        out += ",\"status\":";
        out += std::to_string(event.status);
    }
    append_member(out, "id", event.id);
    append_member(out, "user", event.user);
    append_member(out, "project", event.project);
    if (event.roles != nullptr) {
        out += ",\"roles\":[";
        const char* separator = "";
        for (const std::string& role : *event.roles) {
            out += separator;
            append_text(out, role);
            separator = ",";
        }
        out += ']';
    }
    append_member(out, "source", event.source);
    append_member(out, "request_id", event.request_id);
    for (const auto& [name, value] : event.facts) append_member(out, name, value);
}

}  // namespace sallyport::audit
