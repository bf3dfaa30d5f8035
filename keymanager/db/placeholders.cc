#include "keymanager/db/placeholders.h"

namespace sallyport::db {
namespace {

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

}  // namespace

Rewritten rewrite_placeholders(std::string_view text, PlaceholderStyle style) {
    Rewritten out;
    char quote = '\0';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote != '\0') {
            if (c == quote) quote = '\0';
            out.text += c;
            continue;
        }
        if (c == '\'' || c == '"') quote = c;
        const bool names = c == ':' && i + 1 < text.size() && is_name(text[i + 1]) && (i == 0 || text[i - 1] != ':');
        if (!names) {
            out.text += c;
            continue;
        }
        while (i + 1 < text.size() && is_name(text[i + 1])) ++i;
        ++out.values;
        switch (style) {
            case PlaceholderStyle::Question: out.text += '?'; break;
            case PlaceholderStyle::Dollar: out.text += '$' + std::to_string(out.values); break;
        }
    }
    return out;
}

}  // namespace sallyport::db
