#include "keymanager/db/queries.h"

namespace sallyport::db {

Result<long> take_count(Session& session, const Query& query, std::initializer_list<Param> params) {
    long count = 0;
    TRY(session.select(query, params, [&count](Columns& row) -> Result<void> {
        count = row.integer();
        return row.finish();
    }));
    return count;
}

std::string StatementText::literal_like(std::string_view value) {
    std::string pattern;
    for (const char c : value) {
        if (c == '%' || c == '_' || c == '!') pattern += '!';
        pattern += c;
    }
    return pattern;
}

}  // namespace sallyport::db
